-- SPDX-License-Identifier: MIT
local topics = require "docmsg.topics"

local function no_environment() end

local function parse(text, environment)
  return topics.parse(text, "t.lua", environment and function(name) return environment[name] end
    or no_environment)
end

local function names_of(declared)
  return table.concat(declared.names, " ")
end

describe("a topic file", function()
  it("returns a table whose topics keep the order of the file", function()
    local declared = assert(parse [[
      -- "commented" = { partitions = 1 }
      return {
        defaults = { partitions = 1 },
        ["zebra"] = {}, apple = { partitions = 2 }; ["mango.x"] = { config = {} },
      }]])
    assert.equal("zebra apple mango.x", names_of(declared))
    assert.equal(2, declared.topics[2].partitions)
  end)

  it("may call topic and defaults instead", function()
    local declared = assert(parse [[
      defaults { partitions = 3, config = { ["retention.ms"] = minutes(1) } }
      topic "b" {}
      topic("a", { partitions = 1 })
      return { c = {} }]])
    assert.equal("b a c", names_of(declared))
    assert.equal(3, declared.topics[1].partitions)
    assert.equal("60000", declared.topics[2].config["retention.ms"])
  end)

  it("puts computed names last, sorted", function()
    local declared = assert(parse [[
      local t = { first = { partitions = 1 } }
      t["x" .. 2] = { partitions = 1 }
      t["x" .. 1] = { partitions = 1 }
      return t]])
    assert.equal("first x1 x2", names_of(declared))
  end)

  it("sees the environment through env and env_int only", function()
    local declared = assert(parse([[
      return { [env("PREFIX", "p") .. ".a"] = { partitions = env_int("PARTITIONS", 1) } }]],
      { PREFIX = "dev", PARTITIONS = "7" }))
    assert.equal("dev.a", names_of(declared))
    assert.equal(7, declared.topics[1].partitions)
  end)

  it("leaves strings with their methods", function()
    assert.is_nil(parse 'return { a = { partitions = ("x"):len() } }')
    assert.equal(1, ("x"):len())
  end)

  local refused = {
    { "a syntax error", "return {\n  a = = {},\n}", "t.lua:2: unexpected symbol near '='" },
    { "compiled code", string.dump(function() end), "attempt to load a binary chunk" },
    { "an endless loop", "local i = 0\nwhile true do i = i + 1 end", "t.lua:2: stopped after 10000000 instructions" },
    { "endless recursion", "local function f() return 1 + f() end\nf()", "t.lua:1: stack overflow" },
    { "another type", "return 5", "t.lua: returns a number, not a table of topics" },
    { "nothing at all", "", "t.lua: declares no topic" },
    { "a misspelt function", "return { a = { partitions = 1, config = { ['retention.ms'] = day(1) } } }",
      't.lua:1: unknown name "day"; did you mean days?' },
    { "the standard library", "os.exit(1)", 't.lua:1: unknown name "os"' },
    { "string methods", "return { a = { partitions = ('x'):rep(9) } }", "t.lua:1: attempt to index a string value" },
    { "a global", "x = 1", "t.lua:1: x: a topic file has no globals; write local x" },
    { "a duplicate in a returned table", 'return {\n  a = { partitions = 1 },\n  ["a"] = { partitions = 2 },\n}',
      't.lua:3: duplicate topic "a", first on line 2' },
    { "a duplicate call", 'topic "a" { partitions = 1 }\ntopic "a" { partitions = 2 }',
      't.lua:2: duplicate topic "a", first on line 1' },
    { "a call and a table that name the same topic", 'topic "a" { partitions = 1 }\nreturn { a = { partitions = 1 } }',
      't.lua:2: duplicate topic "a", first on line 1' },
    { "a duplicate attribute", 'topic "a" {\n  partitions = 1,\n  partitions = 2,\n}',
      't.lua:3: duplicate attribute "partitions" of a, first on line 2' },
    { "a duplicate property", 'return { a = { partitions = 1, config = {\n["retention.ms"] = 1,\n["retention.ms"] = 2 } } }',
      't.lua:3: duplicate attribute "retention.ms" of a, first on line 2' },
    { "defaults twice", "defaults {}\ndefaults {}", "t.lua:2: defaults are declared twice" },
    { "defaults by call and by table", "defaults {}\nreturn { defaults = {} }", "t.lua: defaults are declared twice" },
    { "a topic without a table", 'topic "a"', 't.lua:1: write topic "a" { … }' },
    { "a topic that is no table", "return { a = 6 }", 't.lua: expected ["topic-name"] = { … }, found a = number' },
    { "a list", "return { { partitions = 1 } }", 'expected ["topic-name"] = { … }, found 1 = table' },
    { "a variable that is not set", 'return { a = { partitions = env_int "N" } }', "t.lua:1: environment variable N is not set" },
    { "part of a millisecond", 'return { a = { partitions = 1, config = { ["retention.ms"] = days(1/7) } } }',
      "t.lua:1: days takes a number that comes to whole milliseconds" },
    { "a word for a number of days", 'return { a = { partitions = days "x" } }', "days takes a number" },
  }
  for _, case in ipairs(refused) do
    it("is refused for " .. case[1], function()
      local declared, reason = parse(case[2])
      assert.is_nil(declared)
      assert.truthy(reason:find(case[3], 1, true), reason)
    end)
  end

  it("is refused for an environment variable that is no number", function()
    local declared, reason = parse('return { a = { partitions = env_int("N") } }', { N = "0x10" })
    assert.is_nil(declared)
    assert.truthy(reason:find("environment variable N is no whole number", 1, true), reason)
  end)

  it("takes keys inside functions and long strings for what they are", function()
    local declared = assert(parse [==[
      local function make(n)
        local a, partitions = 1, n
        if n > 1 then a, partitions = 2, n end
        return { partitions = partitions }
      end
      local note = [[ a = { ]] --[=[ b = { }, ]=]
      return { x = make(2), y = make(3), z = { partitions = (function() local q, x = 1, 2; return q + x end)() } }
    ]==])
    assert.equal("x y z", names_of(declared))
  end)
end)

describe("a topic file on disk", function()
  local function load_bytes(write)
    local path = os.tmpname()
    local file = assert(io.open(path, "wb"))
    write(file)
    file:close()
    local declared, reason = topics.load(path, no_environment)
    os.remove(path)
    return declared, reason, path
  end

  it("is refused when it is larger than a mebibyte", function()
    local declared, reason, path = load_bytes(function(file)
      file:seek("set", 100 << 20)
      file:write("x")
    end)
    assert.is_nil(declared)
    assert.equal(path .. ": larger than the limit of 1048576 bytes", reason)
  end)

  it("is named when it does not exist or is a folder", function()
    assert.truthy(select(2, topics.load "/nonexistent/t.lua"):find("/nonexistent/t.lua: No such file", 1, true))
    assert.equal("/tmp: Is a directory", select(2, topics.load "/tmp"))
  end)
end)
