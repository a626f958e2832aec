-- SPDX-License-Identifier: MIT
local fake = require "support.fake_admin"
local log = require "docmsg.log"
local topics = require "docmsg.topics"

local function declare(text)
  return assert(topics.parse(text, "t.lua", function() end))
end

local function connect(admin, options)
  options = options or {}
  options.admin = function(client_options)
    admin.options = client_options
    return admin
  end
  options.sleep = options.sleep or function(pause) admin.slept = (admin.slept or 0) + tonumber(pause:match "%d+") end
  return topics.connect(options)
end

local function statuses(results)
  local list = {}
  for i, result in ipairs(results) do list[i] = result.name .. "=" .. result.status end
  return table.concat(list, " ")
end

local TWO <const> = [[
  return {
    defaults = { config = { ["retention.ms"] = 5 } },
    b = { partitions = 2 }, a = { partitions = 1 },
  }]]

describe("connecting", function()
  local lines, slept
  local function options(more)
    lines, slept = {}, {}
    local result = {
      bootstrap_servers = { "one:9092", "two:9092" },
      log = log.new { write = function(line) lines[#lines + 1] = line:match "Z (.*)\n" end },
      sleep = function(duration) slept[#slept + 1] = duration end,
    }
    for key, value in pairs(more or {}) do result[key] = value end
    return result
  end

  it("logs the brokers", function()
    assert(connect(fake.admin(), options()))
    assert.same({ "INFO Connected to Kafka: [one:9092, two:9092]" }, lines)
  end)

  it("tries again after a pause, and says why", function()
    local admin = fake.admin { cluster = { fake.err("_TRANSPORT", "no broker"), fake.err("_TRANSPORT", "still none") } }
    assert(connect(admin, options { attempts = 5, retry_delay = "7s" }))
    assert.same({
      "WARN Connection attempt 1/5 failed: no broker (_TRANSPORT)",
      "WARN Connection attempt 2/5 failed: still none (_TRANSPORT)",
      "INFO Connected to Kafka: [one:9092, two:9092]",
    }, lines)
    assert.same({ "7s", "7s" }, slept)
    assert.equal("5s", admin.calls[1].options.timeout)
  end)

  it("makes 30 attempts, 2 s apart, then closes the client", function()
    local admin = fake.admin { unreachable = fake.err("_TRANSPORT", "no broker") }
    local manager, err = connect(admin, options())
    assert.is_nil(manager)
    assert.equal("Failed to connect to Kafka after 30 attempts: no broker (_TRANSPORT)", tostring(err))
    assert.equal(30, #lines)
    assert.equal(29, #slept)
    assert.equal("2s", slept[1])
    assert.equal(1, admin.closed)
  end)

  it("prefers the connection's own error to a time-out", function()
    local admin = fake.admin { unreachable = fake.err("_TIMED_OUT", "timed out") }
    admin.on_cluster = function()
      admin.options.on_error(fake.err("_TRANSPORT", "one:9092: connection refused"))
      admin.options.on_error(fake.err("_ALL_BROKERS_DOWN", "2/2 brokers are down"))
    end
    local _, err = connect(admin, options { attempts = 1 })
    assert.equal("Failed to connect to Kafka after 1 attempt: one:9092: connection refused (_TRANSPORT)", tostring(err))
  end)

  for _, name in ipairs { "_AUTHENTICATION", "_SSL" } do
    it("stops at once for " .. name .. ", which time does not heal", function()
      local admin = fake.admin { unreachable = fake.err("_TIMED_OUT", "timed out") }
      admin.on_cluster = function() admin.options.on_error(fake.err(name, "refused")) end
      local manager, err = connect(admin, options())
      assert.is_nil(manager)
      assert.equal("Failed to connect to Kafka after 1 attempt: refused (" .. name .. ")", tostring(err))
      assert.same({}, slept)
    end)
  end

  it("returns the error of a client that cannot be made", function()
    local manager, err = topics.connect { admin = function() return nil, fake.err("_INVALID_ARG", "bad property") end }
    assert.is_nil(manager)
    assert.equal("_INVALID_ARG", err.name)
  end)
end)

describe("ensure", function()
  it("creates what is missing in one request", function()
    local admin = fake.admin()
    local manager = assert(connect(admin))
    local results = assert(manager:ensure(declare(TWO)))
    assert.equal("b=created a=created", statuses(results))
    assert.equal(1, admin:count "create_topics")
    assert.same({ name = "b", partitions = 2, replication_factor = 1, config = { ["retention.ms"] = "5" } },
      admin:call("create_topics").argument[2])
    assert.equal("30s", admin:call("create_topics").options.timeout)
  end)

  it("asks twice and changes nothing when nothing is to do", function()
    local admin = fake.admin()
    local manager = assert(connect(admin))
    assert(manager:ensure(declare(TWO)))
    admin.calls = {}
    assert.equal("b=exists a=exists", statuses(assert(manager:ensure(declare(TWO)))))
    assert.equal("describe_topics describe_configs", admin:called())
  end)

  it("creates only what is missing and shows what differs", function()
    local admin = fake.admin { topics = { b = { partitions = 1, config = { ["retention.ms"] = "5" } } } }
    local results = assert(assert(connect(admin)):ensure(declare(TWO)))
    assert.equal("b=exists a=created", statuses(results))
    assert.equal(1, #admin:call("create_topics").argument)
    assert.equal("partitions 1, declared 2", topics.describe(results[1].differences))
  end)

  it("waits until leaders and configuration read back three times running", function()
    local admin = fake.admin { appears_after = 4 }
    local results = assert(assert(connect(admin)):ensure(declare(TWO)))
    assert.equal("b=created a=created", statuses(results))
    assert.same({}, results[1].differences)
    assert.equal(10 + 20 + 40 + 1 + 1, admin.slept)
  end)

  it("stops waiting at the time-out and says what is missing", function()
    local admin = fake.admin { appears_after = math.huge }
    local results = assert(assert(connect(admin, { timeout = "3s" })):ensure(declare(TWO)))
    assert.equal("existence does not exist, declared exists", topics.describe(results[1].differences))
    assert.is_true(admin.slept >= 3000 and admin.slept < 4000)
  end)

  it("takes a topic that somebody else just created for one that exists", function()
    local admin = fake.admin()
    local manager = assert(connect(admin))
    admin.on_create = function(topic) admin.topics[topic.name] = { partitions = 1, config = topic.config } end
    local results = assert(manager:ensure(declare(TWO)))
    assert.equal("b=exists a=exists", statuses(results))
    assert.equal("partitions 1, declared 2", topics.describe(results[1].differences))
    assert.is_nil(results[1].error)
  end)

  it("goes on when one topic is refused", function()
    local admin = fake.admin { refuse = { b = fake.err("INVALID_REPLICATION_FACTOR", "Unable to replicate") } }
    local results = assert(assert(connect(admin)):ensure(declare(TWO)))
    assert.equal("b=failed a=created", statuses(results))
    assert.equal("Unable to replicate", results[1].error.message)
    assert.truthy(results[1].error.hint:find("the cluster has 1 broker", 1, true))
  end)

  it("asks the broker what a time-out has done", function()
    local admin = fake.admin { request_error = fake.err("_TIMED_OUT", "timed out"), done = { b = true } }
    local results = assert(assert(connect(admin)):ensure(declare(TWO)))
    assert.equal("b=created a=failed", statuses(results))
    assert.equal("_TIMED_OUT", results[2].error.name)
  end)

  it("returns the error when the broker cannot be asked", function()
    local admin = fake.admin()
    local manager = assert(connect(admin))
    admin.describe_topics = function() return nil, fake.err("_TRANSPORT", "gone") end
    local results, err = manager:ensure(declare(TWO))
    assert.is_nil(results)
    assert.equal("gone", err.message)
  end)
end)

describe("verify", function()
  local cases = {
    { "nothing", {}, "" },
    { "existence", { missing = true }, "existence does not exist, declared exists" },
    { "partitions", { partitions = 4 }, "partitions 4, declared 2" },
    { "replicas", { replicas = 3 }, "replication factor 3, declared 1" },
    { "leaders", { leaderless = 1 }, "leader none for 1 partitions, declared one a partition" },
    { "a value", { config = { ["retention.ms"] = "6" } }, "retention.ms 6, declared 5" },
    { "a missing value", { config = {} }, "retention.ms not set, declared 5" },
    { "two things", { partitions = 1, config = { ["retention.ms"] = "6" } },
      "partitions 1, declared 2; retention.ms 6, declared 5" },
    { "nothing for what is not declared", { config = { ["retention.ms"] = "5", ["segment.ms"] = "1" } }, "" },
    { "nothing for another spelling of a number", { config = { ["retention.ms"] = "5.0" } }, "" },
  }
  for _, case in ipairs(cases) do
    it("reports " .. case[1], function()
      local seen = { partitions = 2, config = { ["retention.ms"] = "5" } }
      for key, value in pairs(case[2]) do seen[key] = value end
      local admin = fake.admin { topics = { a = not seen.missing and seen or nil } }
      local declared = declare [[return { a = { partitions = 2, config = { ["retention.ms"] = 5 } } }]]
      local report = assert(assert(connect(admin)):verify(declared))
      assert.equal(case[3], topics.describe(report[1].differences))
      assert.equal(seen.missing and 0 or seen.partitions, report[1].partitions)
    end)
  end

  it("compares lists without order, and inherited values by their source", function()
    local admin = fake.admin { topics = { a = {
      partitions = 1, config = { ["cleanup.policy"] = "delete,compact", ["segment.ms"] = "1" } } } }
    local declared = declare [[return { a = { partitions = 1, key = "k",
      config = { ["cleanup.policy"] = set { "compact", "delete" }, ["segment.ms"] = INHERIT } } }]]
    local report = assert(assert(connect(admin)):verify(declared))
    assert.equal("segment.ms 1, declared inherited", topics.describe(report[1].differences))
  end)
end)

describe("list", function()
  it("leaves out Kafka's own topics and sorts by name", function()
    local admin = fake.admin { topics = { z = { partitions = 1 }, a = { partitions = 2 }, __consumer_offsets = { partitions = 50 } } }
    local list = assert(assert(connect(admin)):list())
    assert.equal("a z", list[1].name .. " " .. list[2].name)
    assert.equal(2, #list)
    assert.same({ 1 }, list[1].partitions[2].isr)
  end)

  it("gives the error of a topic that does not exist", function()
    local list, err = assert(connect(fake.admin())):list { "nowhere" }
    assert.is_nil(list)
    assert.equal("UNKNOWN_TOPIC_OR_PART", err.name)
  end)
end)

describe("statistics", function()
  local function admin()
    return fake.admin {
      topics = { a = { partitions = 2, offsets = { { 0, 10 }, { 5, 7 } } }, b = { partitions = 1, offsets = { { 0, 0 } } } },
      groups = {
        half = { { topic = "a", partition = 0, offset = 4 } },
        expired = { { topic = "a", partition = 0, offset = 10 }, { topic = "a", partition = 1, offset = 2 } },
        elsewhere = { { topic = "b", partition = 0, offset = 0 } },
      },
    }
  end

  it("counts records and the lag of groups", function()
    local statistics = assert(assert(connect(admin())):statistics())
    assert.equal("a", statistics[1].name)
    assert.equal(12, statistics[1].records)
    assert.same({ { partition = 0, low = 0, high = 10 }, { partition = 1, low = 5, high = 7 } }, statistics[1].partitions)
    assert.same({ half = 8, expired = 2 }, statistics[1].lag)
    assert.same({ elsewhere = 0 }, statistics[2].lag)
  end)

  it("asks for the named topics and groups only", function()
    local statistics = assert(assert(connect(admin())):statistics({ "a" }, { "half" }))
    assert.equal(1, #statistics)
    assert.same({ half = 8 }, statistics[1].lag)
  end)
end)
