-- SPDX-License-Identifier: MIT
-- Each exit code of the program, reached for real.
local await = require "support.await"
local broker = require "support.broker"
local exit = require "docmsg.exit"
local name = require "support.name"
local own_broker = require "support.own_broker"
local process = require "support.process"
local program = require "support.program"
local script = require "support.script"
local workplace = require "support.workplace"

describe("the program ends with", function()
  local cluster, place, topic, fresh

  before_each(function()
    cluster = broker.connect()
    place = workplace.new(cluster.bootstrap_servers)
    assert(os.execute("mkdir " .. place.folder .. "/docmsg"))
    topic = cluster:topic { partitions = 1 }
    fresh = name.unique "fresh"
  end)

  after_each(function()
    local admin <close> = cluster:admin()
    admin:delete_topics { fresh }
    admin:delete_groups { fresh }
    topic:close()
    place:close()
  end)

  local function declare(topic_name, retention)
    place:write("t.lua", ('return { [%q] = { partitions = 1, config = { ["retention.ms"] = days(%d) } } }')
      :format(topic_name, retention))
  end

  ---A topic whose broker is gone: what is changed of it cannot be seen.
  local function declare_without_leader()
    local own = own_broker.start { nodes = 3 }
    finally(function() own:close() end)
    place.servers = own.cluster.bootstrap_servers
    declare("led", 1)
    place:expect(0, "topics", "apply", "t.lua")
    own:kill_leader "led"
    declare("led", 2)
  end

  ---What was done before, and the command line, whose words may be functions.
  local function T() return topic.name end
  local cases = {
    { exit.DONE, "what was asked for was done", { "topics", "show", T } },
    { exit.FAILED, "nobody answers", { "topics", "list", "--bootstrap-servers", "127.0.0.1:1", "--timeout", "500ms" } },
    { exit.FAILED, "the topic does not exist", { "cat", "no-such-topic", "-e" } },
    { exit.USAGE, "an argument is missing", { "cat" } },
    { exit.USAGE, "an option is unknown", { "cat", T, "--nope" } },
    { exit.USAGE, "the file is wrong", { "lint", "bad.lua" }, function() place:write("bad.lua", "return {") end },
    { exit.USAGE, "the event does not fit", { "publish", "query-received", "{}" } },
    { exit.PENDING, "something would change", { "topics", "plan", "t.lua", "--exit-code" }, function() declare(fresh, 1) end },
    { exit.PENDING, "it is not as declared", { "topics", "verify", "t.lua" }, function() declare(fresh, 1) end },
    { exit.REFUSED, "nobody confirmed", { "topics", "delete", T } },
    { exit.REFUSED, "it needs to be allowed", { "topics", "apply", "t.lua" }, function()
      declare(T(), 1)
    end },
    { exit.PARTLY, "one line of two is wrong", { "put", T, "-J", "in.jsonl" }, function()
      place:write("in.jsonl", '{"value":"1"}\n{"valu":"2"}\n')
    end },
    { exit.STALE, "the cluster has changed since", { "topics", "apply", "p.json" }, function()
      declare(T(), 20)
      place:expect(0, "topics", "plan", "t.lua", "--out", "p.json")
      declare(T(), 30)
      place:expect(0, "topics", "apply", "t.lua")
    end },
    { exit.UNCONVERGED, "the change is not to be seen", { "topics", "apply", "t.lua", "--wait", "1s" }, declare_without_leader },
  }
  local signals = { INT = 130, TERM = 143 }

  it("codes that are all reached here, and are those of the page", function()
    local reached, known, documented = { [exit.SIGNALLED] = true }, {}, {}
    for _, case in ipairs(cases) do reached[case[1]] = true end
    for _, code in pairs(exit) do known[code] = true end
    assert.same(known, reached)
    for _, code in pairs(signals) do known[code] = true end
    known[exit.SIGNALLED] = nil
    local table_of_codes = program.read(script.root .. "docs/cli.md"):match("## Exit codes\n(.-)\n##")
    for row in table_of_codes:gmatch("\n|([ %d,]+)|") do
      for code in row:gmatch("%d+") do documented[tonumber(code)] = true end
    end
    assert.same(known, documented)
  end)
  for _, case in ipairs(cases) do
    it(("%d when %s"):format(case[1], case[2]), function()
      if case[4] then case[4]() end
      local words = {}
      for i, word in ipairs(case[3]) do words[i] = type(word) == "function" and word() or word end
      place:expect(case[1], table.unpack(words))
    end)
  end

  for signal, code in pairs(signals) do
    it(("%d when it is told to end by SIG%s"):format(code, signal), function()
      place:write("in.txt", "v\n")
      place:expect(0, "put", topic.name, "in.txt")
      local child <close> = place:start("cat", topic.name)
      child:await_stdout "^v\n$"
      child:kill(signal)
      assert.equal(code, child:wait().code)
    end)
  end

  -- Verbs that wait for a broker.
  local waits = {
    { "topics", "list" }, { "topics", "show", "t" }, { "topics", "plan", "t.lua" }, { "topics", "verify", "t.lua" },
    { "topics", "apply", "t.lua" }, { "topics", "export" }, { "topics", "delete", "t", "--yes" }, { "groups", "list" },
    { "groups", "show", "g" }, { "groups", "lag", "g" }, { "groups", "seek", "g", "start", "--topic", "t" },
    { "groups", "delete", "g", "--yes" }, { "cat", "t", "-e" }, { "tail", "t" }, { "put", "t", "t.lua" },
    { "put", "t", "-J", "t.lua" }, { "dlq", "list" }, { "doctor" },
  }
  for _, words in ipairs(waits) do
    it("130 when it is interrupted while nobody answers: " .. table.concat(words, " "), function()
      declare(fresh, 1)
      place.servers = "127.0.0.1:1"
      local line = { table.unpack(words) }
      table.move({ "--timeout", "60s" }, 1, 2, #line + 1, line)
      local child <close> = place:start(table.unpack(line))
      await(function() return child:threads() > 1 or not child:is_running() end, "30s", "a client")
      child:kill "INT"
      local result = child:wait()
      assert.message(result.stderr).equal(130, result.code)
      assert.not_matches("had not ended", result.stderr, 1, true)
    end)
  end

  -- Verbs that change something; words may be functions.
  local function G() return fresh end
  local writes = {
    { "put", T, "in.txt" }, { "topics", "apply", "t.lua" }, { "topics", "delete", T, "--yes" },
    { "groups", "seek", G, "start", "--topic", T, "--execute" }, { "groups", "delete", G, "--yes" },
    { "publish", T, "{}" }, { "run", "app.lua" },
  }
  for _, case in ipairs(writes) do
    local verb = table.concat(case, " ", 1, case[1] == "publish" and 1 or case[1] == "put" and 1 or 2)
    it("4 when the context is protected: " .. verb, function()
      place:write("docmsg/contexts.lua", ("return { prod = { bootstrap_servers = %q, protected = true } }")
        :format(cluster.bootstrap_servers))
      place:write("in.txt", "v\n")
      declare(fresh, 1)
      do
        local consumer <close> = cluster:consumer { group = G() }
        await(function() return consumer:commit { { topic = topic.name, partition = 0, offset = 5 } } end, "30s",
          "the group's coordinator")
      end
      place:write("events.lua", ("return { [%q] = {} }"):format(topic.name))
      place:write("app.lua", ([[local app = require("docmsg").app { name = "a" }
        app:consumer("g"):on(%q, print) return app]]):format(topic.name))
      local words = {}
      for i, word in ipairs(case) do words[i] = type(word) == "function" and word() or word end
      local result = process.run { process.program, "--context", "prod", cwd = place.folder,
        env = { XDG_CONFIG_HOME = place.folder }, table.unpack(words) }
      assert.message(result.stdout .. result.stderr).equal(exit.REFUSED, result.code)
      assert.matches("the context prod is protected", result.stderr, 1, true)
    end)
  end

  it("0 when the shell asks for the names of topics and groups", function()
    local consumer <close> = cluster:consumer()
    await(function() return consumer:commit { { topic = topic.name, partition = 0, offset = 0 } } end, "30s",
      "the group's coordinator")
    assert.equal(topic.name .. "\n", (place:expect(0, "completion", "words", "--", "cat", topic.name:sub(1, -2))))
    assert.matches("group", (place:expect(0, "completion", "words", "--", "groups", "lag", "")))
  end)

  it("0 when an event was published, with its envelope", function()
    place:write("events.lua", ([[local s = require "docmsg.schema"
      return { [%q] = { key = "id", data = s.record { id = s.string, n = s.integer } } }]]):format(topic.name))
    assert.matches(' 0 +0\n$', (place:expect(0, "publish", topic.name, '{"id":"a","n":5}')))
    assert.matches("^a {.*} .*ce_type=", (place:expect(0, "cat", topic.name, "-e", "-f", "%k %s %h\\n")))
    local _, stderr = place:expect(2, "publish", topic.name, '{"id":"a","n":"x"}')
    assert.matches(": n: ", stderr, 1, true)
    _, stderr = place:expect(2, "publish", topic.name:sub(1, -2) .. "x", "{}")
    assert.matches("unknown event type", stderr)
    place:expect(2, "publish", topic.name, "nothing")
  end)
end)
