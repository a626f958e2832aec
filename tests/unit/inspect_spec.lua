-- SPDX-License-Identifier: MIT
local inspect = require("docmsg.inspect").inspect

describe("inspect", function()
  local cases = {
    { "nil", nil, "nil" },
    { "a boolean", true, "true" },
    { "an integer", 42, "42" },
    { "the smallest integer", math.mininteger, "-9223372036854775808" },
    { "a whole float as a float", 1e9, "1000000000.0" },
    { "a float exactly", 0.1, "0.1" },
    { "a float with all its digits", 0.1 + 0.2, "0.30000000000000004" },
    { "a large float", 1e300, "1e+300" },
    { "infinity", math.huge, "math.huge" },
    { "minus infinity", -math.huge, "-math.huge" },
    { "not a number", 0 / 0, "nan" },
    { "an empty string", "", '""' },
    { "text as it is", "Größe 📄", '"Größe 📄"' },
    { "quotes and backslashes escaped", 'a"b\\c', [["a\"b\\c"]] },
    { "control characters escaped", "a\n\t\0\27[31m", [["a\n\t\x00\x1B[31m"]] },
    { "bytes that are no text escaped", "é\xFF\xC3", [["é\xFF\xC3"]] },
    { "an empty table", {}, "{}" },
    { "a list", { 1, "two", false }, '{ 1, "two", false }' },
    { "names before odd keys", { [true] = 1, b = 2, a = 3, ["a b"] = 4, ["end"] = 5, [10] = 6 },
      '{ [10] = 6, a = 3, ["a b"] = 4, b = 2, ["end"] = 5, [true] = 1 }' },
    { "nested tables", { a = { b = { 1 } } }, "{ a = { b = { 1 } } }" },
    { "a value with __tostring", setmetatable({}, { __tostring = function() return "me" end }), "me" },
  }
  for _, case in ipairs(cases) do
    it("shows " .. case[1], function()
      assert.equal(case[3], inspect(case[2]))
    end)
  end

  it("breaks long tables into lines", function()
    local shown = inspect { first = ("x"):rep(50), second = ("y"):rep(50) }
    assert.equal('{\n  first = "' .. ("x"):rep(50) .. '",\n  second = "' .. ("y"):rep(50) .. '"\n}', shown)
  end)

  it("marks cycles and shows shared tables twice", function()
    local shared = { 1 }
    local value = { shared, shared }
    value.self = value
    assert.equal("{ { 1 }, { 1 }, self = <cycle> }", inspect(value))
  end)

  it("ends at great depth", function()
    local value = {}
    for _ = 1, 100000 do value = { value } end
    assert.truthy(inspect(value):find("…", 1, true))
  end)

  it("ends at great width, also when tables are shared exponentially", function()
    local value = { 1 }
    for _ = 1, 64 do value = { value, value, value, value, value, value, value, value } end
    assert.is_true(#inspect(value) < 1e6)
    local list = {}
    for index = 1, 1e5 do list[index] = index end
    assert.is_true(#inspect(list) < 1e5)
  end)

  it("cuts long strings and tells their length", function()
    local shown = inspect(("x"):rep(1e6))
    assert.is_true(#shown < 10000)
    assert.truthy(shown:find("(1000000 bytes)", 1, true))
  end)

  it("survives hostile metatables", function()
    local hostile = setmetatable({ a = 1 }, {
      __index = error, __pairs = error, __len = error, __eq = error, __lt = error, __name = 1,
    })
    assert.equal("{ a = 1 }", inspect(hostile))
    local liar = setmetatable({}, { __tostring = function() error "no" end })
    assert.equal("<table whose __tostring fails>", inspect(liar))
    local not_a_string = setmetatable({}, { __tostring = function() return {} end })
    assert.equal("<table whose __tostring fails>", inspect(not_a_string))
  end)

  it("takes tables and functions as keys", function()
    assert.truthy(inspect({ [{ 1 }] = 1, [print] = 2 }):find("[{ 1 }] = 1", 1, true))
  end)
end)
