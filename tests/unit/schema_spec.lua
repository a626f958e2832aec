-- SPDX-License-Identifier: MIT
local json = require "docmsg.json"
local random = require "support.random"
local s = require "docmsg.schema"

-- A seed of one's own: DOCMSG_TEST_SEED=7 build/dev/bin/docmsg-lua tests/support/run.lua …
local SEEDS <const> = 150
local FIRST_SEED <const> = math.tointeger(os.getenv("DOCMSG_TEST_SEED")) or 1

local id = s.string { min = 1, max = 256, control = false }

local Metadata = s.record {
  filename = s.string,
  file_type = s.enum { "pdf", "docx", "image", "text" },
  file_size = s.integer { min = 0 },
}

local Received = s.record {
  document_id = id,
  parsed_document = s.record {
    metadata = Metadata,
    page_count = s.integer { min = 1 },
    tables = s.default(s.array(s.object), json.array {}),
  },
  timestamp = s.datetime,
}

local function received(changes)
  local value = {
    document_id = "d", timestamp = "2026-11-25T08:00:00Z",
    parsed_document = { page_count = 1, metadata = { filename = "f", file_type = "pdf", file_size = 12 } },
  }
  for path, change in pairs(changes or {}) do
    local place, last = value, nil
    for step in path:gmatch("[^.]+") do
      if last then place = place[last] end
      last = step
    end
    if change == "absent" then change = nil end
    place[last] = change
  end
  return value
end

describe("a schema", function()
  local wrong = {
    { { ["parsed_document.metadata.file_size"] = "12" },
      'parsed_document.metadata.file_size: expected an integer >= 0, got "12"' },
    { { ["parsed_document.metadata.file_size"] = -1 },
      "parsed_document.metadata.file_size: expected an integer >= 0, got -1" },
    { { ["parsed_document.metadata.file_size"] = 1.5 },
      "parsed_document.metadata.file_size: expected an integer >= 0, got 1.5" },
    { { ["parsed_document.metadata.file_type"] = "exe" },
      'parsed_document.metadata.file_type: expected one of "pdf", "docx", "image", "text", got "exe"' },
    { { ["parsed_document.metadata"] = "absent" },
      "parsed_document.metadata: expected an object, got nothing" },
    { { ["parsed_document.metadata"] = { 1 } }, "parsed_document.metadata.file_size: expected an integer >= 0, got nothing" },
    { { ["parsed_document.tables"] = { {}, 5 } }, "parsed_document.tables[2]: expected an object, got 5" },
    { { ["parsed_document.tables"] = { a = 1 } }, "parsed_document.tables: expected an array, got an object" },
    { { document_id = "" }, 'document_id: expected a string of 1 to 256 bytes without control characters, got ""' },
    { { document_id = "a\nb" }, 'got "a\\x0Ab"' },
    { { document_id = "a\127" }, 'got "a\\x7F"' },
    { { document_id = ("x"):rep(257) }, "(257 bytes)" },
    { { document_id = json.null }, "got null" },
    { { timestamp = "2026-13-25T08:00:00Z" }, "timestamp: expected a datetime" },
    { { timestamp = true }, "timestamp: expected a datetime such as \"2026-01-31T12:00:00Z\", got true" },
  }
  for _, case in ipairs(wrong) do
    it("says where and what is wrong: " .. case[2], function()
      local result, reason = Received:check(received(case[1]))
      assert.is_nil(result)
      assert.truthy(reason:find(case[2], 1, true), reason)
      local text = json.encode(received(case[1]))
      local decoded, why, what = Received:decode(text)
      assert.is_nil(decoded)
      assert.truthy(why:find(case[2], 1, true), why)
      assert.equal("schema", what)
      local encoded, refused = Received:encode(received(case[1]))
      assert.is_nil(encoded)
      assert.truthy(refused:find(case[2], 1, true), refused)
    end)
  end

  it("finds control characters also where they are no escapes", function()
    for _, text in ipairs { '"a\nb"', '"a\127"', '"\\u0001"', '"a\tb"' } do
      local value, reason = id:decode(text)
      assert.is_nil(value)
      assert.truthy(reason:find("without control characters", 1, true))
    end
    assert.equal("a/b\\", id:decode '"a/b\\\\"')
  end)

  it("takes a value that fits, in place", function()
    local value = received()
    assert.equal(value, Received:check(value))
    assert.same({}, value.parsed_document.tables)
  end)

  it("gives each value a default of its own", function()
    local a, b = Received:check(received()), Received:check(received())
    assert.not_equal(a.parsed_document.tables, b.parsed_document.tables)
  end)

  it("writes defaults without touching the value", function()
    local value = received()
    assert.truthy(Received:encode(value):find('"tables":[]', 1, true))
    assert.is_nil(value.parsed_document.tables)
  end)

  it("keeps fields it does not know", function()
    local value = assert(Received:decode(json.encode(received { extra = { 1, { a = json.array {} } } })))
    assert.equal('[1,{"a":[]}]', json.encode(value.extra))
    assert.truthy(Received:encode(value):find('"extra":[1,{"a":[]}]}', 1, true))
  end)

  it("makes whole numbers of integer fields integers and leaves numbers floats", function()
    local Numbers = s.record { i = s.integer, n = s.number }
    local value = assert(Numbers:decode '{"i":3.0,"n":3}')
    assert.equal("integer", math.type(value.i))
    assert.equal("float", math.type(value.n))
  end)

  it("takes null for absent where a value is optional", function()
    local Optional = s.record { a = s.optional(s.string), b = s.default(s.optional(s.integer), 7) }
    assert.same({ b = 7 }, Optional:decode '{"a":null,"b":null}')
    assert.equal('{"b":7}', Optional:encode { a = json.null })
    assert.equal('{}', s.record { a = s.optional(s.string) }:encode {})
    assert.equal('{"a":"x"}', s.record { a = s.optional(s.string) }:encode { a = "x" })
  end)

  it("computes defaults from the record, after its other fields were checked", function()
    local Chunks = s.record({
      chunks = s.array(s.string),
      count = s.default(s.integer { min = 0 }, function(record) return #record.chunks end),
    }, { check = function(record)
      if record.count ~= #record.chunks then return "count must be the number of chunks" end
    end })
    assert.same({ chunks = { "a", "b" }, count = 2 }, Chunks:decode '{"chunks":["a","b"]}')
    assert.equal('{"chunks":["a"],"count":1}', Chunks:encode { chunks = { "a" } })
    assert.equal("count must be the number of chunks", select(2, Chunks:decode '{"chunks":[],"count":1}'))
    assert.equal("count must be the number of chunks", select(2, Chunks:encode { chunks = {}, count = 1 }))
    assert.equal("chunks: expected an array, got nothing", select(2, Chunks:decode "{}"))
  end)

  it("calls checks of values with the value, and says where they failed", function()
    local Even = s.integer { check = function(n) if n % 2 == 1 then return "must be even" end end }
    local Pairs = s.record { list = s.array(Even) }
    assert.equal("list[2]: must be even", select(2, Pairs:decode '{"list":[2,3]}'))
    assert.equal("list[2]: must be even", select(2, Pairs:encode { list = { 2, 3 } }))
    assert.equal("must be even", select(2, Even:decode "3"))
  end)

  it("stands alone", function()
    assert.equal(3, s.integer:decode "3")
    assert.equal('"a\\"b"', s.string:encode 'a"b')
    assert.same({ 1, 2 }, s.tuple(s.integer, s.integer):decode "[1,2]")
    assert.equal("expected an array of 2 items, got 1", select(2, s.tuple(s.any, s.any):decode "[1]"))
    assert.is_nil(s.optional(s.string):decode "null")
    assert.equal("null", s.optional(s.string):encode(nil))
    assert.same({ a = 0.5 }, s.map(s.number { min = 0, max = 1 }):decode '{"a":0.5}')
    assert.equal("a: expected a number from 0 to 1, got 2",
      select(2, s.map(s.number { min = 0, max = 1 }):decode '{"a":2}'))
    assert.equal("[1,null]", s.array(s.optional(s.integer)):encode { 1, json.null })
  end)

  it("tells a text that is no JSON from one that does not fit", function()
    local cases = {
      ["{"] = "undecodable", [""] = "undecodable", ['{"a":"\xff"}'] = "undecodable", ["[1]"] = "schema",
      ['{"a":123456789012345678901234567890}'] = "undecodable", ['{"a":nan}'] = "undecodable",
      ['{"a":0x10}'] = "undecodable", [("["):rep(101) .. ("]"):rep(101)] = "undecodable",
    }
    for text, expected in pairs(cases) do
      local value, reason, what = s.record { a = s.integer }:decode(text)
      assert.is_nil(value)
      assert.is_string(reason)
      assert.equal(expected, what, text:sub(1, 40))
    end
  end)
end)

describe("numbers in a schema", function()
  local cases = {
    { s.integer, "9007199254740993", 9007199254740993 },
    { s.integer, "-9223372036854775808", math.mininteger },
    { s.integer, "9223372036854775807", math.maxinteger },
    { s.integer, "1e3", 1000 },
    { s.number, "1e300", 1e300 },
    { s.number, "9007199254740992", 2.0 ^ 53 },
    { s.any, "9007199254740993", 9007199254740993 },
  }
  for _, case in ipairs(cases) do
    it(("reads %s as %s exactly"):format(case[2], case[1].what), function()
      local value = assert(case[1]:decode(case[2]))
      assert.equal(math.type(case[3]), math.type(value))
      assert.is_true(case[3] == value)
    end)
  end

  local refused = {
    { s.integer, "9223372036854775808", "9223372036854775808 cannot be carried exactly" },
    { s.integer, "1e16", "10000000000000000 cannot be carried exactly" },
    { s.number, "9007199254740993", "9007199254740993 cannot be carried exactly" },
    { s.number, "1e400", "too large for a float" },
    { s.any, "12345678901234567890123", "12345678901234567890123 cannot be carried exactly" },
  }
  for _, case in ipairs(refused) do
    it(("refuses %s for %s"):format(case[2], case[1].what), function()
      local value, reason = case[1]:decode(case[2])
      assert.is_nil(value)
      assert.truthy(reason:find(case[3], 1, true), reason)
    end)
  end

  it("refuses what is no number in JSON", function()
    for _, number in ipairs { 0 / 0, math.huge, -math.huge } do
      assert.truthy(select(2, s.number:encode(number)):find("a finite number", 1, true))
      assert.truthy(select(2, s.number:check(number)):find("a finite number", 1, true))
      assert.is_nil(s.integer:encode(number))
      assert.is_nil(s.any:encode(number))
    end
  end)
end)

describe("a datetime", function()
  local good = { "2026-11-25T08:00:00Z", "2024-02-29T23:59:60Z", "2000-02-29T00:00:00.123456789Z",
                 "2026-11-25T08:00:00+00:00", "2026-11-25T08:00:00.5+00:00", "0000-01-01T00:00:00Z" }
  for _, text in ipairs(good) do
    it("is " .. text, function() assert.equal(text, s.datetime:check(text)) end)
  end
  local bad = { "", "2026-11-25", "2026-11-25 08:00:00Z", "2026-11-25T08:00:00", "2026-11-25T08:00:00+01:00",
                "2025-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-00-01T00:00:00Z", "2026-19-01T00:00:00Z",
                "2026-04-31T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z",
                "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:0012Z",
                "2026-01-01T00:00:00Z+00:00", "2026-01-01T00:00:00Zx", "x2026-01-01T00:00:00Z" }
  for _, text in ipairs(bad) do
    it("is not " .. text, function() assert.is_nil(s.datetime:check(text)) end)
  end
end)

describe("what is written by a schema", function()
  it("is UTF-8, or an error that says where it is not", function()
    local Deep = s.record { a = s.array(s.map(s.string)) }
    assert.equal("a[2].x: byte 2 of a string is not UTF-8", select(2, Deep:encode { a = { {}, { x = "a\xff" } } }))
    assert.truthy(select(2, Deep:encode { a = { { ["\xff"] = "" } } }):find("is not UTF-8", 1, true))
    assert.truthy(select(2, Deep:encode { a = {}, ["\xff"] = 1 }):find("is not UTF-8", 1, true))
    assert.truthy(select(2, Deep:encode { a = {}, b = "\xed\xa0\x80" }):find("b: byte 1", 1, true))
  end)

  it("never holds what JSON cannot", function()
    local Open = s.record { a = s.any }
    local loop = {}
    loop.loop = loop
    for _, value in ipairs { print, loop, { 1, nil, 3 }, { [1.5] = 1 }, coroutine.create(print) } do
      assert.is_nil(Open:encode { a = value })
      assert.is_nil(Open:encode { a = 1, other = value })
    end
    assert.truthy(select(2, Open:encode { a = 1, [1] = 2 }):find("a field's name is a string, not 1", 1, true))
  end)

  it("refuses lists with holes and other keys", function()
    local List = s.array(s.integer)
    for _, list in ipairs { { 1, 2, x = 3 }, { [0] = 1 }, { [1.5] = 2 }, { 1, [3] = 3 }, "x" } do
      assert.is_nil(List:encode(list))
      assert.is_nil(List:check(list))
    end
    local backwards = {}
    for i = 3, 1, -1 do backwards[i] = i end
    assert.equal("[1,2,3]", List:encode(backwards))
  end)
end)

describe("making a schema", function()
  local cases = {
    { function() s.string { length = 3 } end, 'has no limit "length"; it has check, control, max, min, pattern' },
    { function() s.string { max = "3" } end, 'the limit max of a schema of kind string must be a count, not "3"' },
    { function() s.integer { min = 3, max = 1 } end, "the limit min 3 is above max 1" },
    { function() s.string { pattern = "[" } end, "must be a pattern" },
    { function() s.record { a = "string" } end, 'the field "a" must be a schema, not "string"' },
    { function() s.record(s.string) end, "s.record takes a table of fields" },
    { function() s.record { s.string } end, "a field has a name in UTF-8, not 1" },
    { function() s.record { ["\xff"] = s.string } end, "a field has a name in UTF-8" },
    { function() s.integer { min = 3 } { max = 1 } end, "the limit min 3 is above max 1" },
    { function() s.array() end, "the item of an array must be a schema, not nothing" },
    { function() s.array(s.string, { most = 1 }) end, 'no limit "most"' },
    { function() s.tuple(s.string, nil) end, "item 2 of a tuple must be a schema" },
    { function() s.enum {} end, "s.enum takes a list of words" },
    { function() s.enum { 1 } end, "a word is a string, not 1" },
    { function() s.default(s.integer, "x") end, "the default does not fit its schema: expected an integer" },
    { function() s.record {} {} end, "a schema of kind record cannot be called" },
    { function() s.string(5) end, "limits are a table, not 5" },
  }
  for _, case in ipairs(cases) do
    it("refuses: " .. case[2], function()
      local ok, message = pcall(case[1])
      assert.is_false(ok)
      assert.truthy(message:find(case[2], 1, true), message)
      assert.truthy(message:find("schema_spec.lua:%d+:"), message)
    end)
  end

  it("runs no text of a schema as code", function()
    local name = '"] = 1; error("run") --'
    local Odd = s.record { [name] = s.string { pattern = '^%"\n%]' }, ["end"] = s.enum { "\"..error()..\"" } }
    assert.is_nil(Odd:decode "{}")
    assert.equal(name, next(s.record { [name] = s.integer }:decode(json.encode { [name] = 1 })))
  end)
end)

describe("random schemas", function()
  it("read what they wrote", function()
    for seed = FIRST_SEED, FIRST_SEED + SEEDS - 1 do
      local r = random.new(seed)
      local schema, make = r:record(3)
      for _ = 1, 5 do
        local value = make(r)
        local text, reason = schema:encode(value)
        assert.is_nil(reason, ("seed %d: %s"):format(seed, reason))
        local back, why = schema:decode(text)
        assert.is_nil(why, ("seed %d: %s in %s"):format(seed, why, text))
        assert.equal(text, schema:encode(back), "seed " .. seed)
        assert.same(value, back, "seed " .. seed)
        assert.is_nil(select(2, json.decode(text)), "seed " .. seed)
        assert.same(back, schema:check(json.decode(text)), "seed " .. seed)
      end
    end
  end)
end)
