-- SPDX-License-Identifier: MIT
-- Topics and configurations through the admin client, on Apache Kafka.
local await = require "support.await"
local broker = require "support.broker"
local name = require "support.name"

describe("an admin client", function()
  local cluster, admin, made

  before_each(function()
    cluster = broker.connect()
    admin, made = cluster:admin(), {}
  end)

  after_each(function()
    if made[1] then
      admin:delete_topics(made)
    end
    admin:close()
  end)

  ---A new name, whose topic is deleted when the spec ends.
  local function fresh(word)
    made[#made + 1] = name.unique(word)
    return made[#made]
  end

  ---Creates one topic and waits until the broker describes all of it.
  local function create(topic)
    topic.name = topic.name or fresh()
    topic.partitions = topic.partitions or 1
    assert.same({ [topic.name] = { name = topic.name } }, assert(admin:create_topics { topic }))
    await(function()
      local info = assert(admin:describe_topics { topic.name })[topic.name]
      return not info.error and #info.partitions == topic.partitions
    end)
    return topic.name
  end

  ---The values that a topic has of its own.
  local function own_configs(topic)
    local own = {}
    for key, config in pairs(assert(admin:describe_configs { topic })[topic].configs) do
      own[key] = config.source == "topic" and config.value or nil
    end
    return own
  end

  local function fails(code, result, text)
    assert.equal(code, result.error and result.error.name, tostring(result.error))
    assert.matches(text or result.name, tostring(result.error), 1, true)
  end

  describe("creates topics", function()
    it("with partitions, replicas and configuration", function()
      local topic = create { partitions = 3, replication_factor = 1, config = {
        ["retention.ms"] = 86400000, ["cleanup.policy"] = "compact", ["unclean.leader.election.enable"] = true } }
      local info = assert(admin:describe_topics { topic })[topic]
      assert.equal(topic, info.name)
      local id = assert(admin:cluster()).brokers[1].id
      for i, partition in ipairs(info.partitions) do
        assert.same({ partition = i - 1, leader = id, replicas = { id }, isr = { id } }, partition)
      end
      assert.same({ ["retention.ms"] = "86400000", ["cleanup.policy"] = "compact",
        ["unclean.leader.election.enable"] = "true" }, own_configs(topic))
    end)

    it("with the replicas it is told", function()
      local id = assert(admin:cluster()).brokers[1].id
      local topic = create { partitions = 2, assignment = { { id }, { id } } }
      assert.equal(2, #assert(admin:describe_topics { topic })[topic].partitions)
      local wrong = fresh()
      fails("INVALID_REPLICA_ASSIGNMENT", assert(admin:create_topics {
        { name = wrong, partitions = 1, assignment = { { 99 } } } })[wrong])
    end)

    it("and says of each what became of it", function()
      local good, twice, wide, odd = fresh "good", create {}, fresh "wide", fresh "odd"
      local results = assert(admin:create_topics {
        { name = twice, partitions = 1 },
        { name = wide, partitions = 1, replication_factor = 99 },
        { name = odd, partitions = 1, config = { ["retention.mss"] = 1 } },
        { name = good, partitions = 1 },
      })
      assert.is_nil(results[good].error)
      fails("TOPIC_ALREADY_EXISTS", results[twice])
      fails("INVALID_REPLICATION_FACTOR", results[wide], "lower the replication factor")
      fails("INVALID_CONFIG", results[odd], "retention.mss")
      await(function() return not assert(admin:describe_topics { good })[good].error end)
      for _, refused in ipairs { wide, odd } do
        fails("UNKNOWN_TOPIC_OR_PART", assert(admin:describe_topics { refused })[refused], "create the topic first")
      end
    end)

    it("but not what only differs by a dot, or has letters that are not allowed", function()
      local base = fresh()
      create { name = base .. ".x" }
      made[#made + 1] = base .. ".x"
      local results = assert(admin:create_topics { { name = base .. "_x", partitions = 1 },
        { name = "a b", partitions = 1 }, { name = "..", partitions = 1 } })
      fails("TOPIC_EXCEPTION", results[base .. "_x"])
      fails("TOPIC_EXCEPTION", results["a b"])
      fails("TOPIC_EXCEPTION", results[".."])
    end)

    it("not at all when it is only to check them", function()
      local topic = fresh()
      local results = assert(admin:create_topics({ { name = topic, partitions = 1 } }, { validate_only = true }))
      assert.is_nil(results[topic].error)
      fails("UNKNOWN_TOPIC_OR_PART", assert(admin:describe_topics { topic })[topic])
    end)
  end)

  it("deletes topics, and says which there were none of", function()
    local topic, missing = create {}, fresh()
    local results = assert(admin:delete_topics { topic, missing })
    assert.is_nil(results[topic].error)
    fails("UNKNOWN_TOPIC_OR_PART", results[missing])
    await(function() return assert(admin:describe_topics { topic })[topic].error end)
  end)

  it("adds partitions and never takes one away", function()
    local topic, missing = create { partitions = 2 }, fresh()
    local function grow(partitions, options)
      return assert(admin:create_partitions({ { name = topic, partitions = partitions } }, options))[topic]
    end
    assert.is_nil(grow(5, { validate_only = true }).error)
    assert.equal(2, #assert(admin:describe_topics { topic })[topic].partitions)
    assert.is_nil(grow(3).error)
    await(function() return #assert(admin:describe_topics { topic })[topic].partitions == 3 end)
    fails("INVALID_PARTITIONS", grow(1))
    fails("UNKNOWN_TOPIC_OR_PART", assert(admin:create_partitions { { name = missing, partitions = 2 } })[missing])
  end)

  it("describes all topics, or those it is asked for", function()
    local one, two, missing = create {}, create { partitions = 2 }, fresh()
    local all = assert(admin:describe_topics())
    assert.equal(1, #all[one].partitions)
    assert.equal(2, #all[two].partitions)
    local some = assert(admin:describe_topics { two, missing })
    assert.is_nil(some[one])
    assert.equal(2, #some[two].partitions)
    fails("UNKNOWN_TOPIC_OR_PART", some[missing])
  end)

  it("describes the cluster", function()
    local info = assert(admin:cluster())
    assert.matches("^%S+$", info.id)
    assert.equal(1, #info.brokers)
    assert.equal(info.brokers[1].id, info.controller)
    assert.equal(cluster.bootstrap_servers, ("%s:%d"):format(info.brokers[1].host, info.brokers[1].port))
  end)

  describe("describes configurations", function()
    it("with where each value comes from", function()
      local topic = create { config = { ["retention.ms"] = 5000 } }
      local configs = assert(admin:describe_configs { topic })[topic].configs
      assert.same({ value = "5000", source = "topic", read_only = false, sensitive = false },
        configs["retention.ms"])
      assert.equal("default", configs["cleanup.policy"].source)
    end)

    it("of brokers, without what is secret", function()
      local id = tostring(assert(admin:cluster()).brokers[1].id)
      local described = assert(admin:describe_configs { { type = "broker", name = id } })[id]
      assert.equal("broker", described.type)
      assert.equal("broker_static", described.configs["log.dirs"].source)
      assert.is_true(described.configs["node.id"].read_only)
      local secret = described.configs["ssl.keystore.password"]
      assert.is_true(secret.sensitive)
      assert.is_nil(secret.value)
    end)

    it("of the others when one topic does not exist", function()
      local topic, missing = create {}, fresh()
      local results = assert(admin:describe_configs { missing, topic })
      assert.is_nil(results[topic].error)
      fails("UNKNOWN_TOPIC_OR_PART", results[missing])
    end)
  end)

  describe("alters configurations", function()
    local function is_same(one, other)
      return (pcall(assert.same, one, other))
    end

    it("of the topics that exist, and says why not of the others", function()
      local topic, missing = create {}, fresh()
      local set = { ["retention.ms"] = 7000 }
      local results = assert(admin:alter_configs { { name = missing, set = set }, { name = topic, set = set } })
      assert.is_nil(results[topic].error)
      assert.equal("7000", own_configs(topic)["retention.ms"])
      fails("UNKNOWN_TOPIC_OR_PART", results[missing])
    end)

    it("not when a key is unknown or its value impossible, or when it is only to check", function()
      local topic = create { config = { ["retention.ms"] = 5000 } }
      local function alter(set, options)
        return assert(admin:alter_configs({ { name = topic, set = set } }, options))[topic]
      end
      fails("INVALID_CONFIG", alter { ["retention.mss"] = 1 }, "retention.mss")
      fails("INVALID_CONFIG", alter { ["retention.ms"] = "soon" }, "retention.ms")
      assert.is_nil(alter({ ["retention.ms"] = 1 }, { validate_only = true }).error)
      assert.same({ ["retention.ms"] = "5000" }, own_configs(topic))
    end)

    -- Keys and two values of each, none of which is the default.
    local KEYS <const> = {
      ["retention.ms"] = { "60000", "70000" }, ["segment.ms"] = { "50000", "40000" },
      ["compression.type"] = { "snappy", "lz4" }, ["cleanup.policy"] = { "compact", "compact,delete" },
      ["max.message.bytes"] = { "2000000", "3000000" }, ["min.insync.replicas"] = { "2", "3" },
      ["message.timestamp.type"] = { "LogAppendTime", "LogAppendTime" },
    }

    it("and resets no key that it is not told to, whatever is set and deleted", function()
      local seed = os.time()
      math.randomseed(seed)
      local model, names = {}, {}
      for key in pairs(KEYS) do
        names[#names + 1] = key
      end
      table.sort(names)
      local topic = create {}
      for round = 1, 12 do
        local change = { name = topic, set = {}, delete = {} }
        for i = 1, #names do
          local key, dice = names[i], math.random(4)
          if dice <= 2 then
            change.set[key] = KEYS[key][dice]
            model[key] = KEYS[key][dice]
          elseif dice == 3 then
            change.delete[#change.delete + 1] = key
            model[key] = nil
          end
        end
        if next(change.set) or change.delete[1] then
          local result = assert(admin:alter_configs { change })[topic]
          assert.is_nil(result.error, tostring(result.error))
        end
        local own
        pcall(await, function()
          own = own_configs(topic)
          return is_same(model, own)
        end, "5s")
        assert.same(model, own, ("seed %d, round %d"):format(seed, round))
      end
    end)
  end)
end)
