-- SPDX-License-Identifier: MIT
local await = require "support.await"
local broker = require "support.broker"
local name = require "support.name"

---Reads count messages.
local function read(consumer, count)
  local messages = {}
  for batch in consumer:batches(1000, "30s") do
    table.move(batch, 1, #batch, #messages + 1, messages)
    if #messages >= count then
      break
    end
  end
  assert.equal(count, #messages)
  return messages
end

describe("a consumer of Apache Kafka", function()
  local cluster

  before_each(function()
    cluster = broker.connect()
  end)

  ---Publishes the values 1..count, spread over the partitions.
  local function publish(topic, count, partitions)
    local producer <close> = cluster:producer()
    for i = 1, count do
      assert(producer:send { topic = topic, key = "k" .. i, value = tostring(i),
        partition = i % (partitions or 1) })
    end
    assert(producer:flush "30s")
  end

  it("reads everything, commits, and goes on where it was", function()
    local topic <close> = cluster:topic { partitions = 3 }
    local group = cluster:group()
    publish(topic.name, 3000, 3)
    do
      local consumer <close> = cluster:consumer { group = group, topics = { topic.name } }
      local messages = read(consumer, 3000)
      assert.is_true(consumer:commit(messages))
      for _, entry in ipairs(assert(consumer:committed())) do
        assert.equal(1000, entry.offset)
      end
    end
    publish(topic.name, 1)
    local consumer <close> = cluster:consumer { group = group, topics = { topic.name } }
    assert.equal(1000, assert(consumer:poll "30s").offset)
    assert.is_nil(consumer:poll "300ms")
  end)

  it("commits while its partitions are revoked", function()
    local topic <close> = cluster:topic { partitions = 2 }
    local group, committed = cluster:group(), nil
    publish(topic.name, 10, 2)
    do
      local consumer <close> = cluster:consumer { group = group, topics = { topic.name },
        on_revoke = function(_, self)
          committed = self:commit(assert(self:position()))
        end }
      read(consumer, 10)
    end
    assert.is_true(committed)
    local other <close> = cluster:consumer { group = group }
    for partition = 0, 1 do
      local entry = other:committed({ { topic = topic.name, partition = partition } })[1]
      assert.equal(5, entry.offset)
    end
  end)

  it("subscribes to patterns, also to topics that come later", function()
    local prefix = name.unique("pattern")
    local first <close> = cluster:topic { name = prefix .. "-a" }
    publish(first.name, 1)
    local consumer <close> = cluster:consumer { topics = { "^" .. prefix .. "-.*" },
      kafka = { ["topic.metadata.refresh.interval.ms"] = 500 } }
    local message = assert(consumer:poll "30s")
    assert.equal(first.name, message.topic)
    assert(consumer:commit { message }) -- the new topic brings a rebalance
    local second <close> = cluster:topic { name = prefix .. "-b" }
    publish(second.name, 1)
    assert.equal(second.name, assert(consumer:poll "30s").topic)
  end)

  it("says when a topic does not exist", function()
    local consumer <close> = cluster:consumer { topics = { name.unique "missing" } }
    local message, err = consumer:poll "30s"
    assert.is_nil(message)
    assert.equal("UNKNOWN_TOPIC_OR_PART", err.name)
    assert.matches("create the topic first", err.hint)
    assert.matches("missing", err.message)
    local _, reason = consumer:watermarks(name.unique "missing", 0, "5s")
    assert.is_true(reason.name == "_UNKNOWN_PARTITION" or reason.name == "UNKNOWN_TOPIC_OR_PART"
      or reason.name == "_UNKNOWN_TOPIC", tostring(reason))
  end)

  it("seeks back and commits what it is told, not what it read", function()
    local topic <close> = cluster:topic()
    publish(topic.name, 100)
    local consumer <close> = cluster:consumer { topics = { topic.name } }
    read(consumer, 100)
    assert(consumer:seek { { topic = topic.name, partition = 0, offset = 40 } })
    local message = assert(consumer:poll "30s")
    assert.equal(40, message.offset)
    assert(consumer:commit { message })
    assert.equal(41, consumer:committed()[1].offset)
  end)

  it("hands over each record once under 40 stray resumes", function()
    local topic <close> = cluster:topic { partitions = 2 }
    publish(topic.name, 2000, 2)
    local consumer <close> = cluster:consumer { topics = { topic.name } }
    local seen, count = {}, 0
    for batch in consumer:batches(50, "30s") do
      for _, message in ipairs(batch) do
        local place = message.partition .. "/" .. message.offset
        assert.is_nil(seen[place], place)
        seen[place] = true
        count = count + 1
      end
      assert(consumer:resume(consumer:assignment()))
      if count == 2000 then break end
    end
    assert.is_nil(consumer:poll "500ms")
    assert.same({ 0, 1000 }, { consumer:watermarks(topic.name, 1) })
  end)

  it("pauses and resumes without loss or repetition", function()
    local topic <close> = cluster:topic()
    publish(topic.name, 1000)
    local consumer <close> = cluster:consumer { topics = { topic.name } }
    local offset = 0
    while offset < 1000 do
      local batch = assert(consumer:batch(100, "30s"))
      for _, message in ipairs(batch) do
        assert.equal(offset, message.offset)
        offset = offset + 1
      end
      if #batch > 0 then
        assert(consumer:pause())
        assert.is_nil(consumer:poll "20ms")
        assert(consumer:resume())
      end
    end
  end)

  it("tells when the broker's clock made the timestamp", function()
    local topic <close> = cluster:topic { config = {
      ["message.timestamp.type"] = "LogAppendTime" } }
    publish(topic.name, 1)
    local consumer <close> = cluster:consumer { topics = { topic.name } }
    local message = assert(consumer:poll "30s")
    assert.equal("append", message.timestamp_type)
    assert.is_true(message.timestamp > 1700000000000)
  end)

  it("keeps values of a megabyte and reads the ones next to them", function()
    local topic <close> = cluster:topic { config = { ["max.message.bytes"] = 4 << 20 } }
    local values = { "small", ("x"):rep(1 << 20), "", ("y"):rep(3 << 20), "last" }
    do
      local producer <close> = cluster:producer { kafka = { ["message.max.bytes"] = 4 << 20 } }
      for _, value in ipairs(values) do
        assert(producer:publish { topic = topic.name, value = value })
      end
    end
    local consumer <close> = cluster:consumer { topics = { topic.name } }
    for i, message in ipairs(read(consumer, #values)) do
      assert.is_true(values[i] == message.value, i)
    end
  end)

  it("stores offsets that the automatic commit takes", function()
    local topic <close> = cluster:topic()
    local group = cluster:group()
    publish(topic.name, 10)
    local consumer <close> = cluster:consumer { group = group, topics = { topic.name },
      kafka = { ["enable.auto.commit"] = true, ["auto.commit.interval.ms"] = 200 } }
    local messages = read(consumer, 10)
    assert(consumer:store { messages[4] })
    await(function()
      assert(select(2, consumer:poll "100ms") == nil)
      return consumer:committed()[1].offset == 4
    end)
  end)

  it("begins at the end when it is told to", function()
    local topic <close> = cluster:topic()
    publish(topic.name, 10)
    local assigned = false
    local consumer <close> = cluster:consumer { topics = { topic.name }, start = "latest",
      on_assign = function() assigned = true end }
    await(function() return not consumer:poll "100ms" and assigned end)
    assert.is_nil(consumer:poll "500ms")
    publish(topic.name, 1)
    assert.equal(10, assert(consumer:poll "30s").offset)
  end)

  it("is an error to have no offset when the start says so", function()
    local topic <close> = cluster:topic()
    publish(topic.name, 10)
    local consumer <close> = cluster:consumer { topics = { topic.name }, start = "error" }
    local _, err = await(function()
      local _, err = consumer:poll "1s"
      return err, err
    end)
    assert.equal("_AUTO_OFFSET_RESET", err.name)
  end)
end)
