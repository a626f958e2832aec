-- SPDX-License-Identifier: MIT
local json = require "docmsg.json"
local random = require "support.random"

-- A seed of one's own: DOCMSG_TEST_SEED=7 build/dev/bin/docmsg-lua tests/support/run.lua …
local FIRST_SEED <const> = math.tointeger(os.getenv("DOCMSG_TEST_SEED")) or 1

describe("encoding JSON", function()
  local cases = {
    { 1, "1" },
    { 1.0, "1" },
    { 9007199254740993, "9007199254740993" },
    { math.mininteger, "-9223372036854775808" },
    { 0.1, "0.1" },
    { -12.000001, "-12.000001" },
    { 0.1 + 0.2, "0.30000000000000004" },
    { 1e-7, "9.9999999999999995e-08" },
    { -0.0, "-0" },
    { "ä\"\\\n\0", [["ä\"\\\n\u0000"]] },
    { true, "true" },
    { json.null, "null" },
    { {}, "{}" },
    { json.array {}, "[]" },
    { { 1, "b", {} }, '[1,"b",{}]' },
    { { b = 1, a = { c = json.array { 2 } } }, '{"a":{"c":[2]},"b":1}' },
  }
  for _, case in ipairs(cases) do
    it("writes " .. case[2], function() assert.equal(case[2], json.encode(case[1])) end)
  end

  local loop = {}
  loop.self = loop
  local refused = {
    { "\xff", "byte 1 of a string is not UTF-8" },
    { { ["\xff"] = 1 }, "not UTF-8" },
    { "\u{D800}", "not UTF-8" },
    { 0 / 0, "JSON has no -nan" },
    { math.huge, "JSON has no inf" },
    { print, "JSON cannot hold a function" },
    { { 1, nil, 3 }, "JSON cannot hold a nil" },
    { { 1, x = 4 }, "an array has the key x" },
    { { [1.5] = 1 }, "an object has the key 1.5" },
    { loop, "nested deeper than 100" },
  }
  for _, case in ipairs(refused) do
    it("refuses what JSON cannot hold: " .. case[2], function()
      local text, reason = json.encode(case[1])
      assert.is_nil(text)
      assert.truthy(reason:find(case[2], 1, true), reason)
    end)
  end

  it("refuses nil, which is no value", function()
    assert.equal("JSON cannot hold a nil", select(2, json.encode(nil)))
  end)
end)

describe("decoding JSON", function()
  it("makes whole numbers integers", function()
    local value = assert(json.decode '{"a":[1,2.0,0.5,-3],"b":9007199254740991}')
    assert.equal("integer", math.type(value.a[1]))
    assert.equal("integer", math.type(value.a[2]))
    assert.equal("float", math.type(value.a[3]))
    assert.equal(9007199254740991, value.b)
    assert.equal("integer", math.type(value.b))
  end)

  it("carries integers of 64 bits exactly, and leaves what looks like one in a string alone", function()
    local text = '["9007199254740993 [ ]","\\\\",9007199254740993,-9223372036854775808,9223372036854775807]'
    local value = assert(json.decode(text))
    assert.equal(9007199254740993, value[3])
    assert.equal(math.mininteger, value[4])
    assert.equal(math.maxinteger, value[5])
    assert.equal("9007199254740993 [ ]", value[1])
    assert.equal(text, json.encode(value))
  end)

  it("takes the nearest float for a number with a fraction or an exponent", function()
    local value = assert(json.decode "[1e300,12345678901234567890.5,1.5e17,0.1,9007199254740993.0]")
    assert.same({ 1e300, 12345678901234567890.5, 1.5e17, 0.1, 9007199254740992.0 }, value)
    assert.equal("float", math.type(value[3]))
  end)

  it("keeps empty arrays apart from empty objects", function()
    local text = '{"a":[],"b":{},"c":[[],{}]}'
    assert.equal(text, json.encode(json.decode '{"a": [ \n], "b" : { }, "c":[[],{}]}'))
    assert.equal("[]", json.encode(json.decode "[]"))
    assert.equal("{}", json.encode(json.decode "{}"))
  end)

  it("keeps null apart from absence", function()
    assert.equal(json.null, assert(json.decode '{"a":null}').a)
    assert.equal(json.null, json.decode "null")
    assert.equal(false, json.decode "false")
  end)

  local refused = {
    "", "{", "[1,]", "nan", "[NaN]", "[0x10]", "[Infinity]", "[012]", '"\xff"', '"\\ud800"', '"a\0b"',
    "[9223372036854775808]", "[-12345678901234567890123]", "[1e400]", "[-1e400]", ("["):rep(200) .. ("]"):rep(200), "{} x", "[1]\0", "[1]\0x",
  }
  for i, text in ipairs(refused) do
    it(("refuses case %d: %q"):format(i, text:sub(1, 20)), function()
      local value, reason = json.decode(text)
      assert.is_nil(value)
      assert.is_string(reason)
    end)
  end

  it("reads what was written", function()
    local value = { id = "x", list = { 1, 2 }, nested = { deep = { true, false } }, number = 0.1 }
    assert.same(value, json.decode(json.encode(value)))
  end)
end)

-- Within 40 arrays nothing is read in C: it says what lua-cjson makes of a text.
describe("JSON that is read in C", function()
  local PIECES <const> = {
    "{", "}", "[", "]", ",", ":", '"', '"a"', '"b"', '"a":', '"ä\\n"', '"\\u00e4"', '"\\ud800"', '"\\', "\\", "\t", " ", "\n",
    "true", "false", "null", "nul", "0", "-0", "1", "-7", "012", "1.5", "0.1", "-0.0", "2.0", "1.", ".5", "1e5", "1E-3", "1e", "+1",
    "123456789012345678", "1234567890123456789", "9223372036854775808", "0.12345678901234567", "1234567890123456.5", "9007199254740993.0",
    "1e400", "0x10", "nan", "\0", "\127", "\xff", "ä", "[]", "{}", "[ ]", '{"a":1,"a":2}',
  }

  local function scalar(r)
    local kind = r:below(5)
    if kind == 0 then return r:pick(PIECES) end
    if kind == 1 then return ("%d"):format(r:below(1 << 31) << r:below(32)) end
    if kind == 2 then return ("%d.%d"):format(r:below(1 << r:below(31)), r:below(1 << r:below(31))) end
    return ('"%s"'):format(r:pick { "", "a", "longer than a word of the machine", "ä€", "\\\\", "\\/\\n" })
  end

  local function compose(r, depth)
    local kind, parts = depth > 0 and r:below(3) or 0, {}
    if kind == 0 then return scalar(r) end
    for i = 1, r:below(5) * r:below(12) do
      parts[i] = (kind == 1 and ('"%sk%d" : '):format(r:pick { "", " ", "\t" }, r:below(40)) or "") .. compose(r, depth - 1)
    end
    return (kind == 1 and "{%s}" or "[%s]"):format(table.concat(parts, r:pick { ",", " , ", ",\n" }))
  end

  local function damaged(r, text)
    local at = 1 + r:below(#text + 1)
    return text:sub(1, at - 1) .. r:pick(PIECES) .. text:sub(at + r:below(3))
  end

  local function same(a, b)
    if type(a) ~= "table" or type(b) ~= "table" then
      return rawequal(a, b) and math.type(a) == math.type(b)
    end
    if getmetatable(a) ~= getmetatable(b) then return false end
    for name, item in pairs(a) do if not same(item, b[name]) then return false end end
    for name in pairs(b) do if a[name] == nil then return false end end
    return true
  end

  local function slow(text)
    local value = json.decode(("["):rep(40) .. text .. ("]"):rep(40))
    if value == nil then return nil end
    for _ = 1, 39 do value = value[1] end
    if #value ~= 1 then return nil end -- the text was no single value
    return value[1]
  end

  it("is what it is without", function()
    local read = 0
    for seed = FIRST_SEED, FIRST_SEED + 4000 do
      local r = random.new(seed)
      local text = compose(r, r:below(4))
      if r:below(3) == 0 then text = damaged(r, text) end
      local value = json.read(text)
      if value ~= nil then
        read = read + 1
        assert.is_true(same(slow(text), value), ("seed %d: %q"):format(seed, text))
      end
    end
    assert.is_true(read > 1000, read .. " texts were read")
  end)

  it("is the plain texts, of any size", function()
    local list, object = {}, {}
    for i = 1, 1000 do list[i], object[i] = ("%d"):format(i), ('"k%d":[%d]'):format(i, i) end
    local values = json.read("[" .. table.concat(list, ",") .. "]")
    assert.equal(1000, #values)
    assert.equal(1000, values[1000])
    assert.equal(33, json.read("{" .. table.concat(object, ",") .. "}").k33[1])
    assert.is_nil(json.read(("["):rep(33) .. ("]"):rep(33)))
    assert.equal("a", json.read '"\\u0061"')
    assert.same({ [" a "] = " b ", [""] = 1 }, json.read '{ " a " : " b " , "" : 1 }')
    assert.is_nil(json.read '{"a":1234567890123456789}')
  end)
end)
