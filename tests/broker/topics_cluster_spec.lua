-- SPDX-License-Identifier: MIT
-- Topics as code on three brokers of this spec's own: every class of change, the keys that move, and
-- what happens when the controller or the program is killed in the middle.
local await = require "support.await"
local document = require "support.document"
local json = require "docmsg.json"
local own_broker = require "support.own_broker"
local script = require "support.script"
local system = require "system"
local workplace = require "support.workplace"

local own, place

-- Writes a topic table; "rf" stands for three replicas.
local function declare(text)
  place:write("t.lua", "return { defaults = { replication_factor = 3 },\n" .. text .. " }")
end

-- Applies what is declared and shows that nothing is left to do.
local function applied(...)
  place:expect(0, "topics", "apply", "t.lua", ...)
  place:expect(0, "topics", "verify", "t.lua")
  assert.same({}, place:plan("t.lua").changes)
end

local function quiet_admin()
  return own.cluster:admin { on_error = function() end, on_log = function() end }
end

local function topic_of(name)
  local admin <close> = quiet_admin()
  local info = assert(admin:describe_topics { name })[name]
  return info, assert(admin:describe_configs { name })[name].configs
end

-- The partition of each of 10,000 keys, as the broker acknowledged it.
local function produce_keys(topic)
  local producer <close> = own.cluster:producer { on_log = function() end }
  local deliveries, partitions = {}, {}
  for i = 1, 10000 do deliveries[i] = assert(producer:send { topic = topic, key = "key-" .. i, value = "v" }) end
  assert(producer:flush "60s")
  for i, delivery in ipairs(deliveries) do partitions[i] = assert(delivery:wait(0)).partition end
  return partitions
end

local function moved(before, after)
  local count = 0
  for i, partition in ipairs(before) do count = count + (partition ~= after[i] and 1 or 0) end
  return count / #before
end

-- Several topics, so that an apply of them takes its time.
local function declare_many(prefix, count)
  place:write("t.lua", ([[for i = 1, %d do
    topic(env("PREFIX", %q) .. i) { partitions = 1, replication_factor = 3, config = { ["retention.ms"] = days(2) } }
  end]]):format(count, prefix))
end

local function await_some(prefix)
  local admin <close> = quiet_admin()
  await(function()
    for name in pairs(assert(admin:describe_topics())) do
      if name:find(prefix, 1, true) then return true end
    end
  end, "60s", "the first topics")
end

local function has_lost_a_leader(topic)
  local admin <close> = quiet_admin()
  for _, partition in ipairs(assert(admin:describe_topics { topic })[topic].partitions) do
    if not partition.leader then return true end
  end
end

-- What other specs left.
local function delete_all()
  local names = {}
  for line in place:expect(0, "topics", "list", "-F", "jsonl"):gmatch "[^\n]+" do
    names[#names + 1] = assert(json.decode(line)).name
  end
  if #names > 0 then place:expect(0, "topics", "delete", "--yes", table.unpack(names)) end
end

describe("topics as code on three brokers", function()
  setup(function()
    own = own_broker.start { nodes = 3 }
    place = workplace.new(own.cluster.bootstrap_servers)
  end)
  teardown(function()
    if place then place:close() end
    if own then own:close() end
  end)

  it("prints the plan that the page shows", function()
    delete_all()
    place:write("t.lua", [[return { defaults = { partitions = 1 },
      ["archive"] = {}, ["audit"] = {}, ["customers"] = { config = { ["retention.ms"] = days(7) } },
      ["orders"] = { partitions = 6, config = { ["segment.ms"] = hours(1) } } }]])
    place:expect(0, "topics", "apply", "t.lua")
    place:write("topics.lua", [[return { defaults = { partitions = 1 },
      ["archive"] = { replication_factor = 3, config = { ["min.insync.replicas"] = INHERIT } },
      ["customers"] = { config = { ["retention.ms"] = days(1) } },
      ["orders"] = { partitions = 9, key = "customer_id" },
      ["payments"] = { partitions = 6, replication_factor = 3, config = { ["retention.ms"] = days(7) } } }]])
    local shown
    for _, block in ipairs(document.blocks(script.root .. "docs/topics.md", "")) do
      shown = shown or block.text:match("^%$ docmsg%-lua topics plan topics%.lua\n(.*)")
    end
    local function without_id(text) return (text:gsub("^cluster %S+", "cluster")) end
    assert.equal(without_id(shown), without_id((place:expect(0, "topics", "plan", "topics.lua"))))
  end)

  -- A class, what is declared first, what then, the guard's word.
  local classes = {
    { "config.safe", "['safe'] = { partitions = 1, config = { ['retention.ms'] = days(1) } }",
      "['safe'] = { partitions = 1, config = { ['retention.ms'] = days(2) } }" },
    { "config.risky", "['risky'] = { partitions = 1, config = { ['retention.ms'] = days(2) } }",
      "['risky'] = { partitions = 1, config = { ['retention.ms'] = days(1) } }", "config" },
    { "grow", "['grown'] = { partitions = 2 }", "['grown'] = { partitions = 3 }" },
    { "repartition", "['keyed'] = { partitions = 2, key = 'k' }", "['keyed'] = { partitions = 3, key = 'k' }", "repartition" },
    { "delete", "['gone'] = { partitions = 1 }", "['gone'] = { deleted = true }", "delete" },
  }
  for _, case in ipairs(classes) do
    it(("plans, guards, applies and verifies %s"):format(case[1]), function()
      declare(case[2])
      assert.equal("create", place:plan("t.lua").changes[1].class)
      applied()
      local topic = case[2]:match("%['(%w+)'%]")
      local before = { topic_of(topic) }
      declare(case[3])
      local change = place:plan("t.lua").changes[1]
      assert.same({ case[1], case[4] }, { change.class, change.needs })
      place:expect(3, "topics", "plan", "t.lua", "--exit-code")
      place:expect(3, "topics", "verify", "t.lua")
      if case[4] then
        local _, stderr = place:expect(4, "topics", "apply", "t.lua")
        assert.matches(("%s: %s needs --allow %s\n"):format(topic, case[1], case[4]), stderr, 1, true)
        assert.same(before, { topic_of(topic) })
        applied("--allow", case[4])
      else
        applied()
      end
    end)
  end

  it("refuses all of a plan for one blocked topic, and leaves it out with --only", function()
    declare "['shrunk'] = { partitions = 3 }"
    applied()
    declare "['shrunk'] = { partitions = 2 }, ['fresh'] = { partitions = 1 }"
    place:expect(4, "topics", "apply", "t.lua", "--allow", "config,repartition,delete")
    assert.truthy(topic_of("fresh").error)
    place:expect(0, "topics", "apply", "t.lua", "--only", "fre*")
    assert.is_nil(topic_of("fresh").error)
    assert.equal(3, #topic_of("shrunk").partitions)
  end)

  it("writes a reassignment for another replication factor, which Kafka's own program carries out", function()
    place:write("t.lua", "return { moved = { partitions = 4, replication_factor = 1 } }")
    applied()
    declare "moved = { partitions = 4, config = { ['min.insync.replicas'] = INHERIT } }"
    local stdout, stderr = place:expect(0, "topics", "plan", "t.lua")
    assert.matches("! moved +blocked +replication factor 1 → 3", stdout)
    assert.matches("the reassignment is in reassign.json", stderr, 1, true)
    place:expect(4, "topics", "apply", "t.lua")
    own.kafka("java", "org.apache.kafka.tools.reassign.ReassignPartitionsCommand", "--bootstrap-server",
      own.cluster.bootstrap_servers, "--reassignment-json-file", place.folder .. "/reassign.json", "--execute")
    await(function() return place:run("topics", "verify", "t.lua").code == 0 end, "60s", "the reassignment")
    assert.same({}, place:plan("t.lua").changes)
  end)

  for _, case in ipairs { { 6, 9 }, { 6, 12 }, { 8, 12 } } do
    local from, to = case[1], case[2]
    it(("moves the share of keys that it printed, %d → %d"):format(from, to), function()
      local topic = ("keys-%d-%d"):format(from, to)
      declare(("['%s'] = { partitions = %d, key = 'k' }"):format(topic, from))
      applied()
      local before = produce_keys(topic)
      declare(("['%s'] = { partitions = %d, key = 'k' }"):format(topic, to))
      local printed = place:plan("t.lua").changes[1].moved
      assert.matches(("%.1f %% of keys"):format(printed * 100), place:expect(0, "topics", "plan", "t.lua"), 1, true)
      applied("--allow", "repartition")
      local measured = moved(before, produce_keys(topic))
      assert.message(("printed %.4f, measured %.4f"):format(printed, measured)).is_true(math.abs(printed - measured) < 0.02)
    end)
  end

  it("exports what other tools made to a table that plans to nothing", function()
    own.kafka("java", "org.apache.kafka.tools.TopicCommand", "--bootstrap-server", own.cluster.bootstrap_servers,
      "--create", "--topic", "odd-1", "--partitions", "3", "--replication-factor", "3",
      "--config", "cleanup.policy=compact,delete", "--config", "min.insync.replicas=1", "--config", "retention.ms=-1")
    do
      local admin <close> = own.cluster:admin()
      local made = assert(admin:create_topics {
        { name = "odd-2", partitions = 1, replication_factor = 2, config = { ["compression.type"] = "zstd",
          ["compression.zstd.level"] = 7, ["min.cleanable.dirty.ratio"] = "0.01", ["flush.messages"] = "9223372036854775807" } },
        { name = "odd.3", partitions = 2, assignment = { { 3, 1 }, { 2, 3 } }, config = { ["min.insync.replicas"] = 2,
          ["leader.replication.throttled.replicas"] = "*", ["message.timestamp.type"] = "LogAppendTime" } },
        { name = "odd-4", partitions = 1, config = { ["min.insync.replicas"] = 2, ["unclean.leader.election.enable"] = true } },
        { name = "defaults", partitions = 1, replication_factor = 3 },
      })
      for name, result in pairs(made) do assert.message(name .. ": " .. tostring(result.error)).is_nil(result.error) end
    end
    local exported = await(function()
      local text = place:expect(0, "topics", "export")
      for _, topic in ipairs { "odd-1", "odd-2", "odd.3", "odd-4", "defaults" } do
        if not text:find(('"%s"'):format(topic), 1, true) then return nil end
      end
      return text
    end, "30s", "the topics on every broker")
    place:write("exported.lua", exported)
    local planned = place:plan("exported.lua")
    assert.same({}, planned.changes)
    assert.same({}, planned.undeclared)
    assert.is_true(planned.declared >= 5)
    place:expect(0, "topics", "verify", "exported.lua")
  end)

  it("is stale when a topic changes between plan and apply", function()
    declare "['other'] = { partitions = 1, config = { ['segment.ms'] = days(1) } }, ['stale'] = { partitions = 1 }"
    applied()
    declare "['other'] = { partitions = 2, config = { ['segment.ms'] = days(1) } }, ['stale'] = { partitions = 2 }"
    place:expect(0, "topics", "plan", "t.lua", "--out", "p.json")
    do
      local admin <close> = own.cluster:admin()
      assert(admin:alter_configs { { name = "stale", set = { ["flush.ms"] = 7 } } })
    end
    await(function() return select(2, topic_of "stale")["flush.ms"].value == "7" end, "30s", "the change")
    local results = assert(json.decode((place:expect(6, "topics", "apply", "p.json", "-F", "json")))).results
    assert.same({ "done", "stale" }, { results[1].status, results[2].status })
    assert.matches("flush.ms 7, was not set", results[2].reason, 1, true)
  end)

  -- It connects to the others only now, and the cluster misses the dead one after some seconds.
  it("creates topics with an admin whose controller was killed", function()
    local admin <close> = quiet_admin()
    local controller = assert(admin:cluster()).controller
    own.kafka("kill", controller)
    local start = system.monotime()
    await(function()
      local made, err = admin:create_topics({ { name = "orphan", partitions = 1, replication_factor = 1 } },
        { timeout = "60s" })
      local failure = err or made.orphan.error
      assert.message(tostring(failure)).is_true(not failure or failure.name == "_TRANSPORT" or failure.name == "TOPIC_ALREADY_EXISTS")
      return not failure or failure.name == "TOPIC_ALREADY_EXISTS"
    end, "50s", "the topic")
    assert.is_true(system.monotime() - start < 50)
    own.kafka("restart", controller)
  end)

  it("ends as declared when it was killed and runs again", function()
    declare_many("killed-", 120)
    place:expect(0, "topics", "plan", "t.lua", "--out", "p.json")
    local child <close> = place:start("topics", "apply", "p.json")
    await_some "killed-"
    child:kill "KILL"
    assert.equal(9, child:wait().signal)
    place:expect(0, "topics", "apply", "p.json")
    place:expect(0, "topics", "verify", "t.lua")
    assert.same({}, place:plan("t.lua").changes)
  end)

  it("ends as declared when the controller is killed in the middle and it runs again", function()
    local LED <const> = "return { led = { partitions = 3, replication_factor = 1, config = { ['retention.ms'] = days(%d) } } }"
    place:write("led.lua", LED:format(1))
    place:expect(0, "topics", "apply", "led.lua")
    local leader = own.kafka("java", "org.apache.kafka.tools.MetadataQuorumCommand", "--bootstrap-server",
      own.cluster.bootstrap_servers, "describe", "--status"):match("LeaderId:%s*(%d)")
    declare_many("controlled-", 120)
    local child <close> = place:start("topics", "apply", "t.lua", "-F", "jsonl", "--timeout", "10s", "--wait", "10s")
    await_some "controlled-"
    own.kafka("kill", leader)
    local first = child:wait()
    assert.message(first.stderr).is_true(first.code == 0 or first.code == 1 or first.code == 5 or first.code == 7)

    -- A partition of the topic without replicas was on that broker: its change cannot be seen.
    await(function() return has_lost_a_leader "led" end, "60s", "the broker to be missed")
    place:write("led.lua", LED:format(2))
    assert.matches("led  config.safe  unconverged: ", place:expect(7, "topics", "apply", "led.lua", "--wait", "3s"), 1, true)

    own.kafka("restart", leader)
    place:expect(0, "topics", "apply", "t.lua")
    place:expect(0, "topics", "verify", "t.lua")
    assert.same({}, place:plan("t.lua").changes)
    await(function() return place:run("topics", "verify", "led.lua").code == 0 end, "60s", "the leader to be back")
  end)
end)
