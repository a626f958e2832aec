-- SPDX-License-Identifier: MIT
-- A broker of this spec's own, killed for real.
local own_broker = require "support.own_broker"
local process = require "support.process"

local RECORDS = 10000

local PARTITIONS <const> = 3

---How often each value is in the topic, and how many records there are.
local function count_values(reader, topic)
  local counts, total, offsets = {}, 0, {}
  local consumer <close> = reader:consumer()
  for partition = 0, PARTITIONS - 1 do
    local low, high = consumer:watermarks(topic, partition)
    total = total + assert(low and high, tostring(high)) - low
    offsets[partition + 1] = { topic = topic, partition = partition, offset = "earliest" }
  end
  assert(consumer:assign(offsets))
  local left = total
  for batch in consumer:batches(1000, "30s") do
    for _, message in ipairs(batch) do
      counts[message.value] = (counts[message.value] or 0) + 1
    end
    left = left - #batch
    if left == 0 then
      break
    end
  end
  return counts, total
end

describe("a producer whose broker is killed and restarted", function()
  it("has every record persisted, once", function()
    local own <close> = own_broker.start()
    local topic = own.cluster:topic { partitions = PARTITIONS }.name
    local producer <close> = own.cluster:producer { on_error = function() end }
    local deliveries = {}
    assert(producer:publish { topic = topic, value = "0" })
    own.kafka("kill")
    for i = 1, RECORDS - 1 do
      deliveries[i] = assert(producer:send { topic = topic, key = "k" .. i, value = tostring(i) })
    end
    producer:poll("500ms")
    assert.equal(RECORDS - 1, producer:pending())
    own.kafka("restart")
    assert(producer:flush("60s"))
    for i, delivery in ipairs(deliveries) do
      assert.equal("persisted", delivery.status, "record " .. i)
    end
    local counts, total = count_values(own.cluster, topic)
    assert.equal(RECORDS, total)
    for i = 0, RECORDS - 1 do
      assert.equal(1, counts[tostring(i)], "record " .. i)
    end
  end)

  it("loses nothing when the kill comes while records are on their way", function()
    local own <close> = own_broker.start()
    local topic = own.cluster:topic { partitions = PARTITIONS }.name
    local producer <close> = own.cluster:producer { on_error = function() end }
    local deliveries = {}
    local killer
    for i = 1, RECORDS do
      deliveries[i] = assert(producer:send { topic = topic, key = "k" .. i, value = tostring(i) })
      if i % 100 == 0 then
        producer:poll("2ms")
      end
      if i == RECORDS // 2 then
        killer = process.start { "tools/kafka", "kill", env = { DOCMSG_KAFKA_DIR = own.folder } }
      end
    end
    assert(killer:wait().ok)
    own.kafka("restart")
    assert(producer:flush("60s"))
    for i, delivery in ipairs(deliveries) do
      assert.equal("persisted", delivery.status, "record " .. i)
    end
    local counts, total = count_values(own.cluster, topic)
    assert.equal(RECORDS, total)
    for i = 1, RECORDS do
      assert.equal(1, counts[tostring(i)], "record " .. i)
    end
  end)
end)

describe("a consumer whose broker is killed and restarted", function()
  it("goes on where it was, and reads each record once", function()
    local own <close> = own_broker.start()
    local topic = own.cluster:topic().name
    local function publish(first, last)
      local producer <close> = own.cluster:producer { on_error = function() end }
      for i = first, last do
        assert(producer:send { topic = topic, value = tostring(i) })
      end
      assert(producer:flush "60s")
    end
    publish(1, 100)
    local consumer <close> = own.cluster:consumer { topics = { topic }, on_error = function() end }
    local next_value = 1
    local function read_until(last)
      for message in consumer:messages "60s" do
        assert.equal(tostring(next_value), message.value)
        next_value = next_value + 1
        if next_value > last then
          return message
        end
      end
    end
    assert(consumer:commit { read_until(50) })
    own.kafka "kill"
    local _, err = consumer:commit({ { topic = topic, partition = 0, offset = 50 } }, "1s")
    assert.is_true(err.retriable, tostring(err))
    own.kafka "restart"
    publish(101, 200)
    read_until(200)
    assert.is_nil(consumer:poll "300ms")
  end)
end)
