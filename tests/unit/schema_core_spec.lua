-- SPDX-License-Identifier: MIT
-- What schemas are compiled to: odd Lua values, functions of the user in the middle of a run, large
-- values, and laws over random schemas with values that were damaged.
local cjson = require "cjson"
local core = require "docmsg.schema.core"
local json = require "docmsg.json"
local program = require "docmsg.schema.program"
local random = require "support.random"
local s = require "docmsg.schema"

-- A seed of one's own: DOCMSG_TEST_SEED=7 build/dev/bin/docmsg-lua tests/support/run.lua …
local SEEDS <const> = 150
local FIRST_SEED <const> = math.tointeger(os.getenv("DOCMSG_TEST_SEED")) or 1

describe("UTF-8", function()
  local pieces = { "a", "\0", "\127", "ä", "€", "😀", "\u{7FF}", "\u{800}", "\u{FFFF}", "\u{10FFFF}",
                   "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x80", "\xFF", "\xF8\x88\x80\x80\x80" }

  it("is what Lua takes for it", function()
    for seed = FIRST_SEED, FIRST_SEED + 3000 do
      local r, parts = random.new(seed), {}
      for i = 1, r:below(30) do parts[i] = r:pick(pieces):rep(r:below(3) * r:below(6)) end
      local text = table.concat(parts)
      local valid, at = utf8.len(text)
      assert.equal(not valid and at or nil, core.invalid_utf8(text), "seed " .. seed)
    end
  end)
end)

describe("a control character", function()
  it("is what Lua's pattern takes for one, wherever it stands", function()
    for byte = 0, 255 do
      for before = 0, 40 do
        local text = ("x"):rep(before) .. string.char(byte) .. ("y"):rep(40 - before)
        assert.equal(text:find "%c" ~= nil, core.has_control(text), byte)
      end
    end
    assert.is_false(core.has_control "")
  end)
end)

describe("a byte of a string", function()
  local text_of_any = s.string()

  -- How cjson reads it, in the one string of a list.
  local function read(text)
    local ok, list = pcall(cjson.decode, "[" .. text .. "]")
    return ok and list[1] or nil
  end

  it("is written so that it stands in JSON, wherever it stands", function()
    for byte = 0, 127 do
      for before = 0, 40 do
        local text = ("x"):rep(before) .. string.char(byte) .. ("y"):rep(40 - before)
        local written = assert(text_of_any:encode(text))
        assert.equal(text, read(written), byte)
        assert.equal(byte < 0x20 or byte == 0x7f, written:find(string.char(byte), 1, true) == nil, byte)
      end
    end
  end)

  it("is read, or refused, wherever it stands", function()
    for byte = 0, 127 do
      for before = 0, 40 do
        local text = '"' .. ("x"):rep(before) .. string.char(byte) .. ("y"):rep(40 - before) .. '"'
        assert.equal(read(text), (text_of_any:decode(text)), byte)
      end
    end
  end)

  it("of characters that are not ASCII is read, wherever they stand", function()
    for _, character in ipairs { "ä", "я", "中", "😀" } do
      for before = 0, 40 do
        local text = ("x"):rep(before) .. character:rep(before % 3 + 1) .. ("y"):rep(40 - before)
        assert.equal(text, text_of_any:decode('"' .. text .. '"'))
        assert.equal('"' .. text .. '"', text_of_any:encode(text))
        assert.is_nil((text_of_any:decode('"' .. text:sub(1, before + 1) .. '"')))
      end
    end
  end)
end)

describe("a value in the hands of a schema", function()
  it("has the fields that are its own: metatables are not asked", function()
    local asked = setmetatable({}, { __index = function() error("asked") end, __len = function() error("asked") end,
                                     __pairs = function() error("asked") end })
    assert.equal("id: expected a string, got nothing", select(2, s.record { id = s.string }:encode(asked)))
    assert.equal("[]", s.array(s.string):encode(asked))
    assert.equal("{}", s.map(s.string):encode(asked))
    assert.equal("{}", s.object:encode(asked))
  end)

  it("is as large as memory allows", function()
    local list, text = {}, ("x"):rep(1000) .. "ä\n"
    for i = 1, 3000 do list[i] = text end
    local Large = s.record { list = s.array(s.string), last = s.string }
    local json_text = assert(Large:encode { list = list, last = ("y"):rep(100000) })
    assert.same({ list = list, last = ("y"):rep(100000) }, Large:decode(json_text))
  end)

  it("may go round in circles where its schema ends", function()
    local loop = {}
    loop.next = loop
    local Chain = s.record { next = s.record { next = s.record { next = s.any } } }
    assert.equal(loop, Chain:check(loop))
    assert.equal("next.next.next: nested deeper than 100", select(2, Chain:encode(loop)))
  end)

  it("is refused, whatever it is", function()
    local values = { 0 / 0, math.huge, print, coroutine.create(print), io.stdout, {}, "", 1, true, json.null }
    for _, schema in ipairs { s.string, s.integer, s.number, s.boolean, s.datetime, s.object, s.enum { "a" },
                              s.array(s.any), s.map(s.any), s.tuple(s.any), s.record { a = s.any } } do
      for i = 0, #values do
        local checked, reason = schema:check(values[i])
        local text, refused = schema:encode(values[i])
        assert.equal(reason == nil, checked ~= nil)
        assert.equal(refused == nil, text ~= nil)
      end
    end
  end)

  it("is written with all its digits", function()
    for _, number in ipairs { 0, -1, 9, 10, math.maxinteger, math.mininteger, 1 << 53, 1000000000000 } do
      assert.equal(("%d"):format(number), s.integer:encode(number))
    end
    for _, number in ipairs { 1 / 3, -0.0, 1e300, 5e-324, 2.0 ^ 53, 123456789.125, -1e-7 } do
      assert.equal(("%.17g"):format(number), s.number:encode(number))
    end
  end)

  it("has no more digits than it needs, where six decimals are enough", function()
    for _, text in ipairs { "0.1", "-0.1", "0.000001", "-123456.789", "1.1", "99.99", "4503599627370495.5", "7" } do
      assert.equal(text, s.number:encode(tonumber(text) + 0.0))
    end
    for seed = FIRST_SEED, FIRST_SEED + 5000 do
      local r = random.new(seed)
      local number = (r:below(1 << 31) - (1 << 30)) / 10 ^ r:below(9) * (r:below(3) == 0 and 1.1 or 1)
      assert.equal(number, tonumber(s.number:encode(number)), "seed " .. seed)
    end
  end)
end)

describe("a function of the user, in the middle of a run,", function()
  it("may use the same schema", function()
    local Inner
    Inner = s.record({ name = s.string }, { check = function(record)
      if record.name == "outer" then
        assert.equal('{"name":"inner"}', Inner:encode { name = "inner" })
        assert.is_nil(Inner:encode { name = 5 })
      end
    end })
    local long = ("z"):rep(5000)
    local Outer = s.record { a = s.string, b = Inner, c = s.string }
    assert.equal('{"a":"' .. long .. '","b":{"name":"outer"},"c":"' .. long .. '"}',
      Outer:encode { a = long, b = { name = "outer" }, c = long })
  end)

  it("raises through the schema", function()
    local Angry = s.record { n = s.integer { check = function() error("no", 0) end } }
    for _, use in ipairs { Angry.check, Angry.encode } do
      local ok, message = pcall(use, Angry, { n = 1 })
      assert.is_false(ok)
      assert.equal("no", message)
    end
  end)

  it("cannot yield, and does no harm by changing what is checked", function()
    local Yielding = s.record { n = s.integer { check = coroutine.yield } }
    assert.is_false(coroutine.resume(coroutine.create(function() Yielding:check { n = 1 } end)))
    local list
    local Shrinking = s.array(s.integer { check = function() list[#list] = nil end })
    list = { 1, 2, 3, 4 }
    assert.equal("[3]: expected an integer, got nothing", select(2, Shrinking:check(list)))
    local map
    local Growing = s.map(s.integer { check = function() for i = 1, 100 do map["k" .. i] = i end end })
    map = { a = 1, b = 2 }
    pcall(Growing.check, Growing, map) -- Lua's `next` may find it wrong
    assert.equal(100, map.k100)
  end)

  it("sees a record with its defaults, also when it is written, which changes nothing", function()
    local seen
    local Record = s.record({
      a = s.default(s.array(s.string), {}), b = s.optional(s.string),
      c = s.default(s.integer, function(record) record.b = nil return 5 end),
    }, { check = function(record) seen = record end })
    local value = { b = json.null }
    assert.equal('{"a":[],"c":5}', Record:encode(value))
    assert.same({ a = {}, c = 5 }, seen)
    assert.same({ b = json.null }, value)
    assert.same({ a = {}, c = 5 }, Record:check { b = json.null })
  end)
end)

describe("a schema of many parts", function()
  it("may use a part as often as it likes", function()
    local schema = s.integer
    for _ = 1, 60 do schema = s.record { a = s.optional(schema), b = s.optional(schema) } end
    assert.equal('{"a":{"b":{}}}', schema:encode { a = { b = {} } })
  end)

  it("is refused when it is nested too deeply", function()
    local schema = s.integer
    for _ = 1, 99 do schema = s.array(schema) end
    assert.equal(("["):rep(98) .. "[]" .. ("]"):rep(98), schema:encode(json.decode(("["):rep(99) .. ("]"):rep(99))))
    local ok, message = pcall(function() return s.array(schema):encode {} end)
    assert.is_false(ok)
    assert.truthy(message:find("a schema is nested deeper than 100", 1, true))
  end)

  it("is refused by the compiler when its description makes no sense", function()
    local cases = {
      { {}, "a program needs a node" }, { { 5 }, "table expected" }, { { { kind = "list" } }, "invalid option 'list'" },
      { { { kind = "array", items = { 1 } } }, "node 1 is not complete" },
      { { { kind = "array", items = {} } }, "a node of kind array lacks a part" },
      { { { kind = "enum" } }, "a node of kind enum lacks a part" },
      { { { kind = "record", fields = { {} } } }, "a field without a name" },
      { { { kind = "record" } }, "table expected" },
      { { { kind = "string", check = 1 } }, "check: a function expected, not a number" },
    }
    for _, case in ipairs(cases) do
      local ok, message = pcall(core.compile, case[1], {})
      assert.is_false(ok)
      assert.truthy(message:find(case[2], 1, true), message)
    end
  end)
end)

describe("values that may not fit", function()
  local odd = { 0 / 0, math.huge, 2.0 ^ 53, 2.0 ^ 63, 3.5, 1 << 40, "\xff", "x\ny", json.null, true, {},
                { 1, 2 }, { a = 1 }, { [1.5] = 1 }, { 1, nil, 3 }, "2026-01-31T12:00:00Z", print }

  local function names_of(value)
    local names = {}
    for name in next, value do names[#names + 1] = name end
    table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
    return names
  end

  -- Puts something else somewhere, or takes it away.
  local function damage(r, value)
    if type(value) ~= "table" or r:below(6) == 0 then return r:pick(odd) end
    local names = names_of(value)
    if r:below(8) == 0 or #names == 0 then value["k" .. r:text()] = r:any(2) end
    if #names > 0 then
      local name = r:pick(names)
      value[name] = r:below(8) > 0 and damage(r, value[name]) or nil
    end
    return value
  end

  it("are written only when they fit, as JSON that is read back to the same", function()
    local fitted = 0
    for seed = FIRST_SEED, FIRST_SEED + SEEDS - 1 do
      local r = random.new(seed)
      local schema, make = r:record(3)
      for _ = 1, 5 do
        local value = make(r)
        if r:below(4) > 0 then value = damage(r, value) end
        local text, refused = schema:encode(value)
        local checked, reason = schema:check(value)
        if text then
          fitted = fitted + 1
          local back, why = schema:decode(text)
          assert.is_nil(why and not why:find("cannot be carried exactly", 1, true) and why, "seed " .. seed)
          assert.is_nil(reason and not reason:find("cannot be carried exactly", 1, true) and reason, "seed " .. seed)
          -- As a float, which it is in a number's place, the least integer is written with an exponent.
          if back and not text:find(tostring(math.mininteger), 1, true) then
            assert.equal(text, schema:encode(back), "seed " .. seed)
          end
        else
          assert.is_string(refused)
          assert.truthy(checked == nil or refused:find("JSON", 1, true) or refused:find("UTF-8", 1, true)
            or refused:find("key", 1, true) or refused:find("name is a string", 1, true), ("seed %d: %s"):format(seed, refused))
        end
      end
    end
    assert.truthy(fitted > SEEDS)
  end)
end)

describe("JSON that is read by its schema", function()
  local PIECES <const> = { "null", "[]", "{}", "1", "1.5", "-0", "true", '"a"', '"f1":', ",", "]", "}", " ", "\\u0061", "0", "1e3" }

  -- The same, also in the types of numbers.
  local function same(a, b)
    if type(a) ~= "table" or type(b) ~= "table" then return rawequal(a, b) and math.type(a) == math.type(b) end
    for name, item in pairs(a) do if not same(item, b[name]) then return false end end
    for name in pairs(b) do if a[name] == nil then return false end end
    return true
  end

  it("is what it is when it is read and checked apart", function()
    local read = 0
    for seed = FIRST_SEED, FIRST_SEED + 2 * SEEDS do
      local r = random.new(seed)
      local schema, make = r:record(3)
      local decode = program.compile(schema).decode
      for _ = 1, 5 do
        local text = schema:encode(make(r)) or "{}"
        if r:below(2) == 0 then
          local at = 1 + r:below(#text)
          text = text:sub(1, at - 1) .. r:pick(PIECES) .. text:sub(at + r:below(3))
        end
        local value = decode(text)
        if value ~= nil then
          read = read + 1
          local apart = schema:check(json.decode(text))
          assert.is_true(same(apart, value), ("seed %d: %q"):format(seed, text))
        end
      end
    end
    assert.is_true(read > SEEDS, read .. " texts were read")
  end)

  it("has its defaults, without what is null, and with what it does not declare", function()
    local Item = s.record { id = s.string, note = s.optional(s.string), state = s.default(s.string, "new"),
                            tags = s.array(s.integer, { min = 1 }) }
    local decode = program.compile(Item).decode
    assert.same({ id = "1", state = "new", tags = { 2 }, extra = { 0.5 } },
      decode '{"tags":[2],"extra":[0.5],"note":null,"id":"1"}')
    assert.equal("id: expected a string, got nothing", select(2, Item:decode '{" id":"1","tags":[1]}'))
    for _, text in ipairs { '{"id":"1"}', '{" id":"1","tags":[1]}', '{"id":"1","tags":[]}', '{"id":1,"tags":[1]}', '{"id":"1","tags":[1],"id":"2"}',
                            '{"id":"1","tags":[1.5]}', '{"id":"1","tags":[1],"\\u0069d":"2"}', '{"id":"1","tags":[1],"state":null}' } do
      if text:find("state", 1, true) then
        assert.equal("state: expected a string, got null", select(2, Item:decode(text)))
      end
      assert.is_nil(decode(text))
    end
  end)
end)
