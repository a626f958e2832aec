-- SPDX-License-Identifier: MIT
local base64 = require "docmsg.record.base64"
local chooser = require "docmsg.record.chooser"
local line = require "docmsg.record.line"
local place = require "docmsg.record.place"

describe("a place", function()
  local read = {
    { "start", { kind = "start" } }, { "end", { kind = "end" } }, { "17", { kind = "offset", number = 17 } },
    { "-10", { kind = "last", number = 10 } }, { "-1h", { kind = "ago", number = 3600000 } },
    { "-250ms", { kind = "ago", number = 250 } }, { "@1700000000123", { kind = "time", number = 1700000000123 } },
    { "@2000-03-01T00:00:00Z", { kind = "time", number = 951868800000 } },
    { "@2024-02-29T23:59:59Z", { kind = "time", number = 1709251199000 } },
  }
  for _, case in ipairs(read) do
    it("is read: " .. case[1], function() assert.same(case[2], (place.read(case[1]))) end)
  end

  for _, text in ipairs { "", "begin", "1h", "-1x", "-h", "@", "@2026-02-30T00:00:00Z", "@2026-11-25", "1.5",
    "99999999999999999999", "-99999999999999999999" } do
    it("is refused: " .. text, function()
      local found, expected = place.read(text)
      assert.is_nil(found)
      assert.matches("start, end, an offset", expected, 1, true)
    end)
  end

  local spans = { { topic = "t", partition = 0, first = 5, last = 20 }, { topic = "t", partition = 1, first = 0, last = -1 } }
  local resolved = {
    { "start", { 5, 0 } }, { "end", { 21, 0 } }, { "7", { 7, 0 } }, { "1", { 5, 0 } }, { "99", { 21, 0 } },
    { "-3", { 18, 0 } }, { "-100", { 5, 0 } }, { "-0", { 21, 0 } },
  }
  for _, case in ipairs(resolved) do
    it("stays within what the partition has: " .. case[1], function()
      assert.same(case[2], place.offsets(place.read(case[1]), spans, { now = 0, timeout = "1s" }))
    end)
  end

  it("that is a time is asked from the broker, for all partitions at once", function()
    local asked
    local admin = { list_offsets = function(_, queries)
      asked = queries
      return { { offset = 8 }, { offset = 0 } }
    end }
    assert.same({ 8, 0 }, place.offsets(place.read "-2s", spans, { admin = admin, now = 100, timeout = "1s" }))
    assert.same({ { topic = "t", partition = 0, at = 98000 }, { topic = "t", partition = 1, at = 98000 } }, asked)
  end)
end)

describe("base64", function()
  for text, bytes in pairs { [""] = "", ["AA=="] = "\0", ["//4="] = "\xff\xfe", ["YWJj"] = "abc", ["+/+/"] = "\xfb\xff\xbf" } do
    it("is read: " .. text, function() assert.equal(bytes, base64.decode(text)) end)
  end
  for _, text in ipairs { "A", "AAA", "====", "A===", "A=AA", "AA\n=", "_-__" } do
    it("is refused: " .. text, function() assert.is_nil(base64.decode(text)) end)
  end
end)

describe("a line of JSON", function()
  it("is a record without the place it came from", function()
    local text = [=[{"topic":"t","partition":3,"offset":9,"timestamp":17,"key":"k","value":{"base64":"/w=="},"headers":[["a",null],["a","1"]]}]=]
    assert.same({ timestamp = 17, key = "k", value = "\xff", headers = { { "a" }, { "a", "1" } } }, line.read(text))
    assert.same({}, line.read '{"key":null,"value":null}')
  end)

  local refused = {
    { "", "no JSON" }, { "[1]", "a JSON object" }, { "1", "a JSON object" }, { '{"kee":"k"}', "did you mean 'key'" },
    { '{"value":1}', "value: a string, null" }, { '{"key":{"base64":"?"}}', "key: a string" },
    { '{"timestamp":"now"}', "timestamp: milliseconds" }, { '{"timestamp":0}', "timestamp: milliseconds" },
    { '{"headers":[1]}', "entry 1" }, { '{"headers":[[null,"x"]]}', "header 1 has no name" },
    { '{"headers":[["a",5]]}', "header 1: a string" }, { '{"headers":"a"}', "headers: [[" },
  }
  for _, case in ipairs(refused) do
    it("is refused: " .. case[1], function()
      local record, reason = line.read(case[1])
      assert.is_nil(record)
      assert.matches(case[2], reason, 1, true)
    end)
  end
end)

describe("a chooser", function()
  local message = { topic = "t", partition = 1, offset = 2, key = "k", value = '{"n":5}',
    header = function(_, name) return name == "kind" and "paid" or nil end }

  local chosen = {
    { { where = 'key == "k"' }, true }, { { where = 'header "kind" == "paid"' }, true },
    { { where = "data.n > 5" }, false }, { { where = "message.offset" }, true }, { { where = "nil" }, false },
    { { where = 'local n = data.n return n == 5' }, true }, { { map = "data.n" }, "5" }, { { map = "key" }, "k" },
    { { map = "{ n = data.n }" }, '{"n":5}' }, { { map = "nil" }, nil }, { { where = "false", map = "key" }, false },
    { { where = "true", map = "string.rep(key, 2)" }, "kk" },
  }
  for i, case in ipairs(chosen) do
    it(("chooses and maps, %d: %s"):format(i, case[1].map or case[1].where), function()
      assert.equal(case[2], chooser.new(case[1]).choose(message))
    end)
  end

  it("is none without options", function()
    assert.is_nil(chooser.new {})
  end)

  it("says where the code is wrong", function()
    local made, reason = chooser.new { where = "key ==" }
    assert.is_nil(made)
    assert.matches("^%-%-where:1:", reason)
    made, reason = chooser.new { map = "}" }
    assert.is_nil(made)
    assert.matches("^%-%-map:1:", reason)
  end)

  it("says which record an error is about", function()
    local made = assert(chooser.new { where = "nope.x" })
    local ok, err = pcall(made.choose, message)
    assert.is_false(ok)
    assert.matches("^%-%-where:1: .*nope.* %(at t/1/2%)$", made.describe(err))
  end)

  it("refuses a table that is no JSON", function()
    assert.has_error(function() chooser.new({ map = "{ print }" }).choose(message) end)
  end)
end)
