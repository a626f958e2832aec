-- SPDX-License-Identifier: MIT
local command = require "docmsg.command"
local options = require "docmsg.options"
local program = require "support.program"
local root = require "docmsg.verb"

-- Every verb by its words, groups too.
local function verbs()
  local list = {}
  local function add(words, verb)
    list[#list + 1] = { words, verb }
    for _, entry in ipairs(verb.verbs or {}) do
      local name = words .. " " .. entry[1]
      add(name, require("docmsg.verb." .. name:gsub(" ", ".")))
    end
  end
  for _, entry in ipairs(root.verbs) do add(entry[1], require("docmsg.verb." .. entry[1])) end
  return list
end

local function words_of(line)
  local words = {}
  for word in line:gsub("%b''", function(quoted) return (quoted:sub(2, -2):gsub(" ", "\0")) end):gmatch("%S+") do
    words[#words + 1] = word:gsub("%z", " ")
  end
  return words
end

-- Reads a command line as the program does. Returns the found verb and the options, or a reason.
local function read(line)
  local argv = words_of(line)
  local parsed = assert(options.parse(argv))
  local found, reason = command.find(argv, parsed.script, parsed)
  if not found then return nil, reason end
  reason = command.read(found, argv, parsed)
  return not reason and found, reason or parsed
end

describe("every verb", function()
  for _, case in ipairs(verbs()) do
    local words, verb = case[1], case[2]

    it("says what it is for: " .. words, function()
      assert.is_string(verb.about)
      assert.equal(verb.verbs == nil, verb.run ~= nil)
      local help = command.help(words, verb)
      assert.matches("usage: docmsg-lua " .. words, help, 1, true)
      for line in help:gmatch("[^\n]+") do assert.is_true(utf8.len(line) <= 130, line) end
    end)

    it("has examples that can be read: " .. words, function()
      assert.is_true(#verb.examples > 0)
      for _, example in ipairs(verb.examples) do
        local line = example[1]:match("^docmsg%-lua ([^|<>]*)")
        assert.message(example[1]).truthy(line)
        local found, reason = read(line)
        assert.message(reason).truthy(found)
        assert.equal(words, verb.verbs and found.words:match "^%S+" or found.words)
      end
    end)
  end
end)

describe("a verb", function()
  it("has the program's options before and after it", function()
    local _, parsed = read "-X a=1 --embedded lint -F json -X b=2 t.lua --verbose"
    assert.same({ "a=1", "b=2" }, parsed.properties)
    assert.same({ true, true, "json", "t.lua" }, { parsed.embedded, parsed.verbose, parsed.format, parsed.FILE })
  end)

  it("refuses options that exclude each other on either side of it", function()
    local found, reason = read "--embedded lint t.lua --bootstrap-servers a:1"
    assert.is_false(found)
    assert.matches("exclude each other", reason)
  end)

  it("is the nearest one when it is misspelt", function()
    assert.equal("lint", command.nearest "lnt")
    assert.is_nil(command.nearest "qqqqqq")
    assert.is_true(command.is_verb "lint")
    assert.is_false(command.is_verb "lnt")
  end)
end)

describe("docmsg-lua VERB", function()
  local folder

  before_each(function()
    folder = program.folder()
    program.write(folder .. "/good.lua", "return { a = { partitions = 1 } }")
    program.write(folder .. "/bad.lua", "return {\n a = { partitions = 0 },\n ['b c'] = { partitions = 1, kye = 1 } }")
    program.write(folder .. "/env.lua", "return { [env 'NAME'] = { partitions = 1 } }")
    program.write(folder .. "/.env", "NAME=value")
    program.write(folder .. "/version.lua", "print 'a script'")
  end)
  after_each(function() program.remove(folder) end)

  -- name, what is run, exit status, pattern of standard output, pattern of standard error
  local cases = {
    { "shows its help", { "lint", "-h" }, 0, "^usage: docmsg%-lua lint FILE.*examples:\n", "^$" },
    { "shows its help wherever it is asked for", { "--help", "lint" }, 0, "^usage: docmsg%-lua lint", "^$" },
    { "goes before a script of its name", { "version" }, 0, "^docmsg%-lua %d", "^$" },
    { "leaves a script its file name", { "version.lua" }, 0, "^a script\n$", "^$" },
    { "leaves a script its path", { "./version.lua" }, 0, "^a script\n$", "^$" },
    { "prints JSON", { "version", "-F", "json" }, 0, '^{"features":{.*"librdkafka":"%d.*}\n$', "^$" },
    { "finds a table by its word", { "lint", "good" }, 0, "^$", "^good%.lua: 1 topic, nothing wrong\n$" },
    { "finds an installed table", { "lint", "topics.lua" }, 0, "^$", "topics%.lua: 13 topics" },
    { "lists everything that is wrong", { "lint", "bad.lua" }, 2,
      "^bad%.lua:2: error: a: partitions must.*\nbad%.lua:3: error: b c: a name.*\nbad%.lua:3: error: b c: unknown attribute", "^$" },
    { "lists it as JSON lines", { "lint", "bad.lua", "-F", "jsonl" }, 2,
      '^{"file":"bad.lua","line":2,"message":"a: partitions.-","severity":"error"}\n{', "^$" },
    { "refuses a table that is nowhere", { "lint", "nowhere.lua" }, 2, "cannot find the topic table 'nowhere.lua'", "^$" },
    { "refuses an unknown option, with the nearest", { "lint", "--fromat", "json", "x" }, 2, "^$",
      "^docmsg%-lua: unknown option %-%-fromat; did you mean %-%-format%?\ndocmsg%-lua: 'docmsg%-lua lint %-%-help'" },
    { "refuses what is missing", { "lint" }, 2, "^$", "FILE is missing: a topic table" },
    { "refuses what is too much", { "version", "x" }, 2, "^$", 'unexpected argument "x"' },
    { "suggests a verb beside the script that is not there", { "lnt" }, 2, "^$",
      "cannot find the script 'lnt'.*\ndocmsg%-lua: 'lnt' is no verb either; did you mean 'lint'%?\n$" },
    { "says that a word is neither", { "qqqqqq" }, 2, "^$", "'qqqqqq' is no verb either; 'docmsg%-lua %-%-help' lists" },
    { "checks properties before it begins", { "lint", "good.lua", "-X", "liner.ms=5" }, 2, "^$", "linger%.ms" },
    { "reads .env for the environment of a table", { "lint", "env.lua" }, 0, "^$", "1 topic," },
    { "has the servers named after it", { "topics", "list", "--timeout", "300ms", "--bootstrap-servers", "127.0.0.1:1" },
      1, "^$", "^docmsg%-lua: Failed to connect to Kafka after 1 attempt: .*127%.0%.0%.1:1" },
    { "has properties named after it", { "topics", "list", "-X", "liner.ms=5" }, 2, "^$", "linger%.ms" },
    { "suggests a group's verb", { "topics", "pln", "x" }, 2, "^$",
      "^docmsg%-lua: there is no verb 'topics pln'; did you mean 'topics plan'%?\n" },
    { "lists a group's verbs", { "topics" }, 2, "^$", "topics: which one of list, show, plan, apply, verify, export, delete%?" },
    { "shows a group's help", { "topics", "--help" }, 0, "^usage: docmsg%-lua topics VERB.*\n  plan ", "^$" },
    { "has options between its words", { "topics", "--timeout", "1s", "list" }, 2, "^$", "unknown option %-%-timeout" },
    { "is quiet when its reader leaves", { shell = "@ lint bad.lua | true; exit ${PIPESTATUS[0]}" }, 2, "^$", "^$" },
    { "fails when its output is lost", { shell = "@ version >/dev/full" }, 1, "^$", "standard output: " },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      case[2].cwd = folder
      local result = program.run(case[2])
      assert.message(result.err).equal(case[3], result.status)
      assert.message(result.out).truthy(result.out:find(case[4]))
      assert.message(result.err).truthy(result.err:find(case[5]))
    end)
  end
end)
