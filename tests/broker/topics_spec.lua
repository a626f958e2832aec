-- SPDX-License-Identifier: MIT
-- Topics as code on a real broker that others use too: every topic has a name of its own, and every
-- command is limited to those.
local await = require "support.await"
local broker = require "support.broker"
local json = require "docmsg.json"
local listener = require "support.listener"
local name = require "support.name"
local process = require "support.process"
local property = require "docmsg.topic.property"
local terminal = require "support.terminal"
local workplace = require "support.workplace"

local function place_with(text)
  local place = workplace.new(broker.address())
  place.prefix = name.unique "plan"
  finally(function()
    local admin <close> = broker.connect():admin()
    local mine = {}
    for topic in pairs(assert(admin:describe_topics())) do
      if topic:sub(1, #place.prefix) == place.prefix then mine[#mine + 1] = topic end
    end
    if #mine > 0 then assert(admin:delete_topics(mine)) end
    place:close()
  end)
  place:write("t.lua", (text:gsub("PREFIX", place.prefix)))
  return place
end

local function describe_config(topic)
  local admin <close> = broker.connect():admin()
  return assert(admin:describe_configs { topic })[topic].configs
end

local ONE <const> = "return { ['PREFIX-a'] = { partitions = 2, config = { ['retention.ms'] = days(1) } } }"

describe("exit codes of topics on Apache Kafka", function()
  local function only(place) return "--only", place.prefix .. "*" end

  -- code, how it is reached
  local cases = {
    { 0, "applied", function(place)
      return place:run("topics", "apply", "t.lua", only(place))
    end },
    { 0, "nothing to do", function(place)
      place:expect(0, "topics", "apply", "t.lua")
      return place:run("topics", "apply", "t.lua")
    end },
    { 0, "a plan with changes, without --exit-code", function(place) return place:run("topics", "plan", "t.lua") end },
    { 0, "a trial", function(place) return place:run("topics", "apply", "t.lua", "--dry-run") end },
    { 1, "no broker", function(place)
      place.servers = "127.0.0.1:1"
      return place:run("topics", "plan", "t.lua", "--timeout", "300ms")
    end },
    { 1, "a wrong password", function(place)
      local options = listener.sasl()
      place.servers = options.bootstrap_servers
      return place:run("topics", "plan", "t.lua", "-X", "security.protocol=sasl_plaintext", "-X",
        "sasl.mechanism=PLAIN", "-X", "sasl.username=docmsg", "-X", "sasl.password=wrong")
    end },
    { 1, "nothing that could be done", function(place)
      place:write("t.lua", ("return { ['%s-x'] = { partitions = 1, replication_factor = 99 } }"):format(place.prefix))
      return place:run("topics", "apply", "t.lua")
    end },
    { 1, "a topic that does not exist", function(place)
      return place:run("topics", "delete", place.prefix .. "-none", "--yes")
    end },
    { 1, "a topic to show that does not exist", function(place) return place:run("topics", "show", place.prefix .. "-none") end },
    { 2, "a table with a mistake", function(place)
      place:write("t.lua", "return { a = { partitons = 1 } }")
      return place:run("topics", "plan", "t.lua")
    end },
    { 2, "a pattern that matches nothing", function(place) return place:run("topics", "plan", "t.lua", "--only", "x*") end },
    { 2, "an unknown word of --allow", function(place) return place:run("topics", "apply", "t.lua", "--allow", "all") end },
    { 2, "a file that is no plan", function(place)
      place:write("p.json", "{}")
      return place:run("topics", "apply", "p.json")
    end },
    { 2, "a plan that cannot be saved", function(place)
      return place:run("topics", "plan", "t.lua", "--out", "/nonexistent/p.json")
    end },
    { 3, "a plan with changes, with --exit-code", function(place)
      return place:run("topics", "plan", "t.lua", "--exit-code")
    end },
    { 3, "a cluster that is not as declared", function(place) return place:run("topics", "verify", "t.lua") end },
    { 4, "a guard", function(place)
      place:expect(0, "topics", "apply", "t.lua")
      place:write("t.lua", ("return { ['%s-a'] = { deleted = true } }"):format(place.prefix))
      return place:run("topics", "apply", "t.lua")
    end },
    { 4, "another cluster than --cluster", function(place)
      return place:run("topics", "apply", "t.lua", "--cluster", "elsewhere")
    end },
    { 4, "a question that nobody answers", function(place)
      place:expect(0, "topics", "apply", "t.lua")
      return place:run("topics", "delete", place.prefix .. "-a")
    end },
    { 4, "a topic of Kafka's own", function(place) return place:run("topics", "delete", "__consumer_offsets", "--yes") end },
    { 5, "one of two topics refused", function(place)
      place:write("t.lua", (([[return { ['PREFIX-a'] = { partitions = 1 },
        ['PREFIX-b'] = { partitions = 1, replication_factor = 99 } }]]):gsub("PREFIX", place.prefix)))
      return place:run("topics", "apply", "t.lua")
    end },
    { 6, "a topic that is not what the plan saw", function(place)
      place:expect(0, "topics", "apply", "t.lua")
      place:write("t.lua", (ONE:gsub("PREFIX", place.prefix):gsub("days%(1%)", "days(2)")))
      place:expect(0, "topics", "plan", "t.lua", "--out", "p.json")
      local admin <close> = broker.connect():admin()
      assert(admin:create_partitions { { name = place.prefix .. "-a", partitions = 3 } })
      await(function()
        return #assert(admin:describe_topics { place.prefix .. "-a" })[place.prefix .. "-a"].partitions == 3
      end, "30s", "the third partition")
      return place:run("topics", "apply", "p.json")
    end },
    { 6, "a plan of another cluster", function(place)
      place:expect(0, "topics", "plan", "t.lua", "--out", "p.json")
      place:write("p.json", (place:read("p.json"):gsub('"id":"[^"]*"', '"id":"elsewhere"')))
      return place:run("topics", "apply", "p.json")
    end },
  }
  for _, case in ipairs(cases) do
    it(("are %d for %s"):format(case[1], case[2]), function()
      local place = place_with(ONE)
      local result = case[3](place)
      assert.message(result.stdout .. result.stderr).equal(case[1], result.code)
      if case[1] ~= 0 and case[1] ~= 3 then assert.not_equal("", result.stdout .. result.stderr) end
      assert.is_nil(result.stderr:find("traceback", 1, true), result.stderr)
      if case[1] == 4 then assert.truthy(result.stderr:find("nothing was changed", 1, true)
        or result.stderr:find("--yes", 1, true), result.stderr) end
    end)
  end

  for signal, code in pairs { INT = 130, TERM = 143 } do
    it(("are %d when %s interrupts a request"):format(code, signal), function()
      local place = place_with(ONE)
      place.servers = "127.0.0.1:1"
      local child <close> = place:start("topics", "apply", "t.lua", "--timeout", "60s", "--verbose")
      await(function() return child:threads() > 1 end, "30s", "a client")
      child:kill(signal)
      local result = child:wait()
      assert.equal(code, result.code)
      assert.is_true(result.seconds < 20)
    end)
  end
end)

describe("topics as code on Apache Kafka", function()
  it("keeps standard output to data in the chosen format", function()
    local place = place_with(ONE)
    local only = place.prefix .. "*"
    local planned = place:plan("t.lua", "--only", only)
    assert.equal("create", planned.changes[1].class)
    local applied = assert(json.decode((place:expect(0, "topics", "apply", "t.lua", "-F", "json"))))
    assert.same({ { topic = place.prefix .. "-a", class = "create", status = "done" } }, applied.results)
    local listed = assert(json.decode((place:expect(0, "topics", "list", "-F", "json", "--only", only))))
    assert.same({ { name = place.prefix .. "-a", partitions = 2, replicas = 1, without_leader = 0, out_of_sync = 0 } }, listed)
    local shown = assert(json.decode((place:expect(0, "topics", "show", place.prefix .. "-a", "-F", "jsonl"))))
    assert.equal(0, shown.records)
    assert.same({ value = "86400000", source = "topic" }, shown.config["retention.ms"])
    assert.equal("", place:expect(0, "topics", "plan", "t.lua", "-F", "jsonl"))
    local report = assert(json.decode((place:expect(0, "topics", "verify", "t.lua", "-F", "jsonl"))))
    assert.is_true(report.as_declared)
  end)

  it("changes nothing in a trial, and asks the broker", function()
    local place = place_with(ONE)
    place:expect(0, "topics", "apply", "t.lua", "--dry-run")
    assert.equal("create", place:plan("t.lua").changes[1].class)
    place:write("t.lua", ("return { ['%s-a'] = { partitions = 1, config = { ['no.such.key'] = 1 } } }"):format(place.prefix))
    local stdout = place:expect(1, "topics", "apply", "t.lua", "--dry-run")
    assert.matches("no.such.key", stdout, 1, true)
  end)

  it("applies a saved plan, twice to the same end", function()
    local place = place_with(ONE)
    place:expect(0, "topics", "plan", "t.lua", "--out", "p.json")
    place:expect(0, "topics", "apply", "p.json")
    local again = place:expect(0, "topics", "apply", "p.json")
    assert.matches("create  already", again, 1, true)
    place:expect(0, "topics", "verify", "t.lua")
  end)

  it("never resets a property that is not named", function()
    local place = place_with [[return { ['PREFIX-a'] = { partitions = 1, config = { ['segment.ms'] = days(1) } } }]]
    local topic = place.prefix .. "-a"
    local admin <close> = broker.connect():admin()
    local odd = { ["compression.type"] = "gzip", ["flush.messages"] = "7", ["min.cleanable.dirty.ratio"] = "0.25" }
    assert(not assert(admin:create_topics { { name = topic, partitions = 1, config = odd } })[topic].error)
    place:expect(0, "topics", "apply", "t.lua")
    local configs = describe_config(topic)
    for key, value in pairs(odd) do assert.equal(value, configs[key].value) end
    assert.equal("86400000", configs["segment.ms"].value)
    assert.matches("= " .. topic:gsub("%-", "%%-") .. " +kept  flush.messages=7 is not declared", (place:expect(0, "topics", "plan", "t.lua")))
    place:write("t.lua", ("return { ['%s'] = { partitions = 1, config = { ['segment.ms'] = INHERIT } } }"):format(topic))
    place:expect(0, "topics", "apply", "t.lua")
    configs = describe_config(topic)
    for key, value in pairs(odd) do assert.equal(value, configs[key].value) end
    assert.not_equal("topic", configs["segment.ms"].source)
  end)

  it("asks a person before it deletes", function()
    local place = place_with(ONE)
    place:expect(0, "topics", "apply", "t.lua")
    local line = ("'%s' --bootstrap-servers %s topics delete %s-a"):format(process.program, place.servers, place.prefix)
    do
      local person <close> = terminal.open(line)
      person:await "Delete 1 topic%? %[y/N%]"
      person:enter "n"
      person:await "exit=4"
    end
    local person <close> = terminal.open(line)
    person:await "Delete 1 topic%? %[y/N%]"
    person:enter "y"
    person:await "delete +done"
    person:await "exit=0"
  end)

  it("is quiet when its reader leaves", function()
    local place = place_with(ONE)
    local result = process.run { "sh", "-c", ("'%s' topics list | true"):format(process.program),
      env = { KAFKA_BOOTSTRAP_SERVERS = place.servers } }
    assert.equal("", result.stderr)
  end)

  it("knows every property of a topic that the broker has", function()
    local place = place_with(ONE)
    place:expect(0, "topics", "apply", "t.lua")
    for key, entry in pairs(describe_config(place.prefix .. "-a")) do
      assert.is_nil(property.nearest(key), key)
      assert.is_nil(property.check(key, entry.value), key)
    end
  end)
end)
