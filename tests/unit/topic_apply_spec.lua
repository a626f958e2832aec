-- SPDX-License-Identifier: MIT
local fake = require "support.fake_admin"
local json = require "docmsg.json"
local saved = require "docmsg.topic.saved"
local session = require "docmsg.topic.session"
local topics = require "docmsg.topics"

local function connect(admin)
  local slept = 0
  return assert(topics.connect { admin = function() return admin end,
    sleep = function(pause)
      slept = slept + tonumber(pause:match "%d+")
      if admin.on_sleep then admin.on_sleep(slept) end
    end })
end

local function plan_of(manager, text)
  return assert(manager:plan(assert(topics.parse("return { " .. text .. " }", "t.lua", function() end))))
end

local function statuses(results)
  local list = {}
  for i, result in ipairs(results) do list[i] = ("%s %s %s"):format(result.topic, result.class, result.status) end
  return table.concat(list, "; ")
end

local function start()
  return fake.admin { topics = {
    grown = { partitions = 1, config = { ["segment.ms"] = "1", ["retention.ms"] = "9" } },
    gone = { partitions = 1 },
    same = { partitions = 1 },
  } }
end

local TABLE <const> = [[
  grown = { partitions = 3, config = { ["segment.ms"] = 2, ["retention.ms"] = 5 } },
  new = { partitions = 2 }, gone = { deleted = true }, same = { partitions = 1 }]]

describe("applying a plan", function()
  it("makes the changes in order, then has nothing to do", function()
    local admin = start()
    local manager = connect(admin)
    local results = manager:apply(plan_of(manager, TABLE))
    assert.equal("new create done; grown config.safe done; grown grow done; grown config.risky done; gone delete done",
      statuses(results))
    local order = admin:called():gsub("describe_%a+ ?", ""):gsub(" +", " ")
    assert.equal("cluster create_topics alter_configs create_partitions alter_configs delete_topics ", order)
    assert.same({}, plan_of(manager, TABLE).changes)
    assert.equal(0, session.code(results))
  end)

  it("describes a topic right before its change, and leaves one that changed meanwhile", function()
    local admin = start()
    local manager = connect(admin)
    local planned = plan_of(manager, TABLE)
    admin.topics.grown.partitions = 2
    local results = manager:apply(planned)
    assert.equal("new create done; grown config.safe stale; gone delete done; grown grow skipped; grown config.risky skipped",
      (statuses(results):gsub("^(.-stale); (.-; .-); (gone.*)$", "%1; %3; %2")))
    assert.equal("it is not what the plan saw: partitions 2, was 1", results[2].reason)
    assert.equal(6, session.code(results))
    assert.equal("1", admin.topics.grown.config["segment.ms"])
  end)

  local meanwhile = {
    { "an override came", function(all) all.grown.config["flush.ms"] = "1" end, "flush.ms 1, was not set" },
    { "a value changed", function(all) all.grown.config["segment.ms"] = "7" end, "segment.ms 7, was 1" },
    { "it is gone", function(all) all.grown = nil end, "it does not exist" },
    { "it has more replicas", function(all) all.grown.replicas = 3 end, "replication factor 3, was 1" },
  }
  for _, case in ipairs(meanwhile) do
    it("knows that a plan is stale when " .. case[1], function()
      local admin = start()
      local manager = connect(admin)
      local planned = plan_of(manager, TABLE)
      case[2](admin.topics)
      local results = manager:apply(planned)
      assert.equal("stale", results[2].status)
      assert.equal("it is not what the plan saw: " .. case[3], results[2].reason)
    end)
  end

  it("goes on where an earlier run was cut short", function()
    local admin = start()
    local manager = connect(admin)
    local planned = plan_of(manager, TABLE)
    admin.topics.new = { partitions = 2, config = {} }
    admin.topics.grown.config["segment.ms"] = "2"
    admin.topics.gone = nil
    local results = manager:apply(planned)
    assert.equal("new create already; grown config.safe already; grown grow done; grown config.risky done; gone delete already",
      statuses(results))
    assert.equal(0, session.code(results))
  end)

  it("takes an override away, and knows when it is gone", function()
    local admin = start()
    local manager = connect(admin)
    local text = "grown = { partitions = 1, config = { ['segment.ms'] = INHERIT } }"
    local planned = plan_of(manager, text)
    assert.equal("grown config.safe done", statuses(manager:apply(planned)))
    assert.same({ ["retention.ms"] = "9" }, admin.topics.grown.config)
    assert.equal("grown config.safe already", statuses(manager:apply(planned)))
  end)

  it("gives every topic its own result when one is refused", function()
    local admin = start()
    admin.refuse = { new = fake.err("INVALID_REPLICATION_FACTOR", "Unable to replicate") }
    local manager = connect(admin)
    local results = manager:apply(plan_of(manager, TABLE))
    assert.equal("new create failed", statuses { results[1] })
    assert.matches("the cluster has 1 broker", results[1].error.hint)
    assert.equal("done", results[5].status)
    assert.equal(5, session.code(results))
    assert.equal(1, session.code { results[1] })
  end)

  it("asks the cluster what a lost answer has done", function()
    local admin = start()
    local manager = connect(admin)
    local planned = plan_of(manager, "new = { partitions = 1 }, other = { partitions = 1 }")
    admin.request_error, admin.done = fake.err("_TIMED_OUT", "timed out"), { new = true }
    assert.equal("new create done; other create failed", statuses(manager:apply(planned, { wait = "1s" })))
  end)

  it("compares what somebody else created first", function()
    for partitions, status in pairs { [1] = "already", [2] = "stale" } do
      local admin = start()
      local manager = connect(admin)
      local planned = plan_of(manager, "new = { partitions = 1 }")
      admin.on_create = function() admin.topics.new = { partitions = partitions, config = {} } end
      assert.equal("new create " .. status, statuses(manager:apply(planned)))
    end
  end)

  it("waits until the change reads back three times running", function()
    local admin = start()
    local manager = connect(admin)
    local planned = plan_of(manager, "new = { partitions = 1 }")
    local before = admin:count "describe_topics"
    admin.appears_after = 4
    assert.equal("new create done", statuses(manager:apply(planned)))
    assert.equal(1 + 3 + 3, admin:count "describe_topics" - before)
  end)

  it("says when it is not to be seen in time", function()
    local admin = start()
    admin.appears_after = math.huge
    local manager = connect(admin)
    local results = manager:apply(plan_of(manager, "new = { partitions = 1 }"), { wait = "2s" })
    assert.equal("unconverged", results[1].status)
    assert.equal("it does not exist", results[1].reason)
    assert.equal(7, session.code(results))
    admin = start()
    manager = connect(admin)
    local planned = plan_of(manager, "grown = { partitions = 2 }")
    admin.topics.grown.leaderless = 1
    results = manager:apply(planned, { wait = "2s" })
    assert.equal("a partition has no leader", results[1].reason)
  end)

  it("fails for each topic when the cluster does not answer", function()
    local admin = start()
    local manager = connect(admin)
    local planned = plan_of(manager, TABLE)
    admin.describe_topics = function() return nil, fake.err("_TRANSPORT", "gone") end
    local results = manager:apply(planned)
    assert.equal("failed", results[1].status)
    assert.equal(1, session.code(results))
  end)

  it("fails as a whole when the cluster may not be described", function()
    local manager = connect(start())
    for _, call in ipairs { "describe_topics", "describe_configs" } do
      local admin = start()
      manager = connect(admin)
      local refusal = fake.err("TOPIC_AUTHORIZATION_FAILED", "not allowed")
      admin[call] = function()
        return { same = { name = "same", partitions = {}, error = refusal }, grown = { name = "grown", partitions = {} } }
      end
      local declared = assert(topics.parse("return { same = { partitions = 1 } }", "t.lua", function() end))
      local planned, err = manager:plan(declared)
      assert.is_nil(planned)
      assert.equal("TOPIC_AUTHORIZATION_FAILED", err.name)
    end
    manager:close()
  end)

  it("fails for the topics that may not be changed", function()
    local admin = start()
    local manager = connect(admin)
    local planned = plan_of(manager, TABLE)
    admin.refuse = { grown = fake.err("TOPIC_AUTHORIZATION_FAILED", "not allowed") }
    local results = manager:apply(planned)
    assert.equal("grown config.safe failed", statuses { results[2] })
    assert.equal("skipped", results[3].status)
    assert.equal(5, session.code(results))
  end)

  it("only asks the broker when it is dry", function()
    local admin = start()
    local manager = connect(admin)
    local results = manager:apply(plan_of(manager, TABLE), { validate_only = true })
    assert.equal("done", results[1].status)
    assert.is_nil(admin.topics.new)
    assert.equal(1, admin.topics.grown.partitions)
    assert.truthy(admin.topics.gone)
    assert.is_true(admin:call("create_topics").options.validate_only)
    assert.equal(0, session.code(results))
  end)

  it("takes a constant number of requests for each hundred topics", function()
    local text = {}
    for i = 1, 1000 do text[i] = ("['t%04d'] = { partitions = 1 }"):format(i) end
    local admin = start()
    local manager = connect(admin)
    manager:apply(plan_of(manager, table.concat(text, ", ")))
    assert.is_true(#admin.calls <= 1 + 2 + 10 * 9, tostring(#admin.calls))
    admin.calls = {}
    assert.same({}, plan_of(manager, table.concat(text, ", ")).changes)
    assert.is_true(#admin.calls <= 3, admin:called())
  end)
end)

describe("a saved plan", function()
  local function round_trip(admin, text)
    local manager = connect(admin)
    local planned = plan_of(manager, text)
    return manager, planned, assert(saved.read(assert(json.encode(saved.document(planned)))))
  end

  it("is the plan", function()
    local _, planned, read = round_trip(start(), TABLE .. ", keyed = { partitions = 1, key = 'k' }")
    assert.same(planned.changes, read.changes)
    assert.same(planned.seen, read.seen)
    assert.same(planned.cluster, read.cluster)
  end)

  it("is applied as it is", function()
    local manager, _, read = round_trip(start(), TABLE)
    assert.equal(0, session.code(manager:apply(read)))
    assert.same({}, plan_of(manager, TABLE).changes)
  end)

  it("needs what its classes need, whatever the file says", function()
    local _, planned = round_trip(start(), TABLE)
    for _, change in ipairs(planned.changes) do change.needs = nil end
    local read = assert(saved.read(assert(json.encode(saved.document(planned)))))
    local needs = {}
    for i, change in ipairs(read.changes) do needs[i] = change.class .. " " .. tostring(change.needs) end
    assert.same({ "delete delete", "config.safe nil", "grow nil", "config.risky config", "create nil" }, needs)
  end)

  local good <const> = '{"docmsg_plan":1,"cluster":{"brokers":[1]},"kept":[],"undeclared":[],"declared":1,"existing":0,'
    .. '"unchanged":0,"changes":[%s],"seen":{"a":%s}}'
  local refused = {
    { "", "no JSON" }, { "[]", "it is no plan" }, { "5", "it is no plan" }, { '{"docmsg_plan":2}', "it is a plan of format 2" },
    { '{"docmsg_plan":1}', "cluster is missing" },
    { good:format('{"topic":"a"}', '{"exists":false}'), "change 1: it names no topic and class" },
    { good:format('{"topic":"a","class":"explode"}', '{"exists":false}'), "change 1: it names no topic and class" },
    { good:format('{"topic":"a","class":"grow","from":1}', '{"exists":false}'), "to of a is not what a plan has there" },
    { good:format('{"topic":"a","class":"grow","from":1,"to":"2"}', '{"exists":false}'), "to of a" },
    { good:format('{"topic":"a","class":"delete","partitions":1}', '{}'), "what was seen of a is missing" },
    { good:format('{"topic":"a","class":"delete","partitions":1}', '{"exists":true}'), "what was seen of a is missing" },
    { good:format('{"topic":"a","class":"config.safe","properties":[{"to":"1"}]}', '{"exists":false}'), "properties of a" },
  }
  for _, case in ipairs(refused) do
    it("is refused: " .. case[2] .. " " .. #case[1], function()
      local read, reason = saved.read(case[1])
      assert.is_nil(read)
      assert.truthy(reason:find(case[2], 1, true), reason)
    end)
  end
end)
