-- SPDX-License-Identifier: MIT
local json = require "docmsg.json"

describe("encoding JSON", function()
  local cases = {
    { 1, "1" },
    { 1.0, "1" },
    { 9007199254740993, "9007199254740993" },
    { math.mininteger, "-9223372036854775808" },
    { 0.1, "0.10000000000000001" },
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
