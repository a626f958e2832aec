-- SPDX-License-Identifier: MIT
-- Groups, offsets and records through the admin client, on Apache Kafka.
local await = require "support.await"
local broker = require "support.broker"
local kafka = require "docmsg.kafka"
local name = require "support.name"
local system = require "system"

local PARTITIONS <const> = 2

describe("an admin client", function()
  local cluster, admin, topic

  before_each(function()
    cluster = broker.connect()
    topic = cluster:topic { partitions = PARTITIONS }
    admin = cluster:admin()
  end)

  after_each(function()
    admin:close()
    topic:close()
  end)

  local function at(partition, offset)
    return { topic = topic.name, partition = partition, offset = offset }
  end

  local function by_partition(one, other)
    return one.partition < other.partition
  end

  ---The offsets in order of partition.
  local function sorted(offsets, err)
    assert(offsets, tostring(err))
    table.sort(offsets, by_partition)
    return offsets
  end

  ---Publishes count records to partition 0, a second apart, the first at the given time.
  local function publish(count, timestamp)
    local producer <close> = cluster:producer()
    for i = 1, count do
      assert(producer:send { topic = topic.name, partition = 0, value = tostring(i),
        timestamp = timestamp and timestamp + (i - 1) * 1000 })
    end
    assert(producer:flush "30s")
  end

  ---A member of the group that owns the topic's partitions and has committed.
  local function member(group)
    local consumer = cluster:consumer { group = group, topics = { topic.name }, client_id = "the-member" }
    await(function()
      assert(select(2, consumer:poll "50ms") == nil)
      return #consumer:assignment() == PARTITIONS
    end)
    assert(consumer:commit { at(0, 7), at(1, 0) })
    return consumer
  end

  local function group_of(list, group)
    for _, entry in ipairs(list) do
      if entry.group == group then return entry end
    end
  end

  local function fails(code, result, text)
    assert.equal(code, result.error and result.error.name, tostring(result.error))
    assert.matches(text or "", tostring(result.error), 1, true)
  end

  describe("of groups", function()
    it("lists and describes them with their members", function()
      local group, missing = cluster:group(), cluster:group()
      do
        local consumer <close> = member(group)
        assert.equal("Stable", group_of(assert(admin:list_groups()), group).state)
        local described = assert(admin:describe_groups { group, missing })
        local info = described[group]
        assert.equal("Stable", info.state)
        assert.equal(cluster.bootstrap_servers, info.coordinator.host .. ":" .. info.coordinator.port)
        assert.equal(1, #info.members)
        assert.equal("the-member", info.members[1].client_id)
        assert.equal(consumer:member_id(), info.members[1].member_id)
        assert.same({ { topic = topic.name, partition = 0 }, { topic = topic.name, partition = 1 } },
          sorted(info.members[1].assignment))
        assert.equal("Dead", described[missing].state)
        assert.same({}, described[missing].members)
      end
      await(function() return group_of(assert(admin:list_groups()), group).state == "Empty" end)
    end)

    it("deletes them, but not with members", function()
      local group, missing = cluster:group(), cluster:group()
      do
        local consumer <close> = member(group)
        assert(consumer:member_id())
        fails("NON_EMPTY_GROUP", assert(admin:delete_groups { group })[group], "stop the group's members first")
      end
      local results = assert(admin:delete_groups { group, missing })
      assert.is_nil(results[group].error)
      fails("GROUP_ID_NOT_FOUND", results[missing], missing)
      assert.is_nil(group_of(assert(admin:list_groups()), group))
    end)

    it("reads and resets their offsets, but not with members", function()
      local group = cluster:group()
      publish(10)
      do
        local consumer <close> = member(group)
        assert(consumer:member_id())
        assert.same({ at(0, 7), at(1, 0) }, sorted(admin:group_offsets(group)))
        assert.same({ at(0, 7) }, admin:group_offsets(group, { at(0) }))
        local offsets, err = admin:alter_group_offsets(group, { at(0, 3) })
        err = err or offsets[1].error
        assert.is_truthy(err, "the offsets of a group with members were changed")
        assert.same({ at(0, 7) }, admin:group_offsets(group, { at(0) }))
      end
      assert.same({ at(0, 3) }, admin:alter_group_offsets(group, { at(0, 3) }))
      assert.same({ at(0, 3), at(1, 0) }, sorted(admin:group_offsets(group)))
      local consumer <close> = cluster:consumer { group = group, topics = { topic.name } }
      assert.equal(3, assert(consumer:poll "30s").offset)
    end)

    it("makes offsets for one that does not exist yet, and knows none before", function()
      local group = cluster:group()
      assert.same({}, admin:group_offsets(group))
      assert.is_nil(assert(admin:group_offsets(group, { at(0) }))[1].offset)
      assert.same({ at(1, 5) }, admin:alter_group_offsets(group, { at(1, 5) }))
      assert.same({ at(1, 5) }, admin:group_offsets(group))
      assert(admin:delete_groups { group })
    end)
  end)

  describe("of records", function()
    it("deletes those before an offset, or all", function()
      publish(10)
      assert.same({ at(0, 4) }, admin:delete_records { at(0, 4) })
      local consumer <close> = cluster:consumer()
      assert.same({ 4, 10 }, { consumer:watermarks(topic.name, 0) })
      assert(consumer:assign { at(0, "earliest") })
      assert.equal("5", assert(consumer:poll "30s").value)
      assert.same({ at(0, 10), at(1, 0) }, sorted(admin:delete_records { at(0, "latest"), at(1, "latest") }))
      assert.same({ 10, 10 }, { consumer:watermarks(topic.name, 0) })
    end)

    it("says where it could not", function()
      publish(10)
      local missing = name.unique "missing"
      local lows = sorted(admin:delete_records { at(0, 99), at(1, 0) })
      fails("OFFSET_OUT_OF_RANGE", lows[1])
      assert.is_nil(lows[1].offset)
      assert.equal(0, lows[2].offset)
      local results, err = admin:delete_records({ { topic = missing, partition = 0, offset = 1 } }, { timeout = "5s" })
      assert.is_nil(err)
      fails("UNKNOWN_TOPIC_OR_PART", results[1], missing)
    end)

    it("finds offsets by time, from the first to the end", function()
      local start <const> = 1700000000000
      publish(5, start)
      local function query(when, partition)
        return { topic = topic.name, partition = partition or 0, at = when }
      end
      local offsets = assert(admin:list_offsets { query "latest", query(start + 2001), query "earliest",
        query(start), query(start + 3600000), query("latest", 1), query(start, 1) })
      local found = {}
      for i, entry in ipairs(offsets) do
        assert.is_nil(entry.error)
        found[i] = entry.offset
      end
      assert.same({ 5, 3, 0, 0, 5, 0, 0 }, found)
      assert.equal(1, offsets[6].partition)
    end)

    it("finds the others when one partition does not exist", function()
      publish(3)
      local offsets = assert(admin:list_offsets({ { topic = topic.name, partition = 77, at = "latest" },
        { topic = topic.name, partition = 0, at = "latest" } }, { timeout = "10s" }))
      assert.matches("UNKNOWN", offsets[1].error.name)
      assert.matches(topic.name .. " [77]", offsets[1].error.message, 1, true)
      assert.equal(3, offsets[2].offset)
    end)
  end)
end)

-- What each call says when nobody answers: where a request may have got through, that is said.
local NOBODY <const> = "127.0.0.1:1"
local RUNNING <const>, UNKNOWN <const> = "is a broker running there", "whether it was done is not known"
local SOON <const> = { timeout = "1s" }
local PLACE <const> = { topic = "t", partition = 0, offset = 1 }
local CALLS <const> = {
  create_topics = { RUNNING, { { name = "t", partitions = 1 } }, SOON },
  delete_topics = { RUNNING, { "t" }, SOON },
  create_partitions = { RUNNING, { { name = "t", partitions = 2 } }, SOON },
  describe_topics = { RUNNING, { "t" }, SOON },
  describe_configs = { RUNNING, { "t" }, SOON },
  alter_configs = { RUNNING, { { name = "t", set = { x = 1 } } }, SOON },
  delete_records = { RUNNING, { PLACE }, SOON },
  list_offsets = { RUNNING, { { topic = "t", partition = 0, at = 0 } }, SOON },
  list_groups = { RUNNING, SOON },
  describe_groups = { "the last trouble was", { "g" }, SOON },
  delete_groups = { UNKNOWN, { "g" }, SOON },
  group_offsets = { RUNNING, "g", nil, SOON },
  alter_group_offsets = { UNKNOWN, "g", { PLACE }, SOON },
  cluster = { RUNNING, SOON },
}

describe("an admin client whose broker does not answer", function()
  for method, call in pairs(CALLS) do
    it("says so in time from " .. method, function()
      local admin <close> = assert(kafka.admin { bootstrap_servers = NOBODY, on_error = function() end })
      local start = system.monotime()
      local results, err = admin[method](admin, table.unpack(call, 2, 4))
      err = err or results.g.error
      assert.is_true(err.retriable, tostring(err))
      assert.matches(NOBODY, tostring(err), 1, true)
      assert.matches(call[1], err.hint, 1, true)
      assert.is_true(system.monotime() - start < 5)
    end)
  end

  it("is asked in this spec by every method", function()
    local admin <close> = assert(kafka.admin { bootstrap_servers = NOBODY })
    for method in pairs(debug.getmetatable(admin).__index) do
      assert.is_true(CALLS[method] ~= nil or method == "close" or method == "fd" or method == "name", method)
    end
  end)
end)
