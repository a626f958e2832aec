-- SPDX-License-Identifier: MIT
local await = require "support.await"
local embedded = require "support.embedded"
local kafka = require "docmsg.kafka"
local system = require "system"

---Reads what a topic holds.
local function read_all(cluster, topic, count)
  local messages = {}
  local consumer <close> = cluster:consumer { topics = { topic } }
  for message in consumer:messages("20s") do
    messages[#messages + 1] = message:copy()
    if #messages == count then
      break
    end
  end
  return messages
end

---An address where nobody listens.
local NOBODY = "127.0.0.1:1"

describe("a producer", function()
  local cluster, topic

  before_each(function()
    cluster = embedded.start()
    topic = cluster:topic { partitions = 3 }.name
  end)

  after_each(function()
    cluster:close()
  end)

  it("publishes a record and reports where it is", function()
    local producer <close> = cluster:producer()
    local report = assert(producer:publish { topic = topic, key = "k", value = "v", partition = 2 })
    assert.equal(topic, report.topic)
    assert.equal(2, report.partition)
    assert.equal(0, report.offset)
    assert.is_true(report.latency_us > 0)
    assert.equal(1, assert(producer:publish { topic = topic, partition = 2 }).offset)
  end)

  it("keeps bytes, nulls, header order and timestamps exactly", function()
    local headers = { { "a", "1" }, { "a" }, { "b", "" }, { "", "x\0y" }, { "a", "1" } }
    local records = {
      { key = "k\0\255", value = "v\0\n", headers = headers, timestamp = 1700000000123 },
      { key = "", value = "" },
      { key = nil, value = nil },
    }
    do
      local producer <close> = cluster:producer()
      for _, record in ipairs(records) do
        record.topic, record.partition = topic, 0
        assert(producer:publish(record))
      end
    end
    local messages = read_all(cluster, topic, #records)
    for i, message in ipairs(messages) do
      assert.equal(records[i].key, message.key)
      assert.equal(records[i].value, message.value)
    end
    assert.same(headers, messages[1].headers)
    assert.equal(1700000000123, messages[1].timestamp)
    assert.same({}, messages[2].headers)
  end)

  it("tells what became of each record", function()
    local producer <close> = cluster:producer()
    local delivery = assert(producer:send { topic = topic, value = "v" })
    assert.equal("pending", delivery.status)
    assert.equal(1, producer:pending())
    assert.is_true(producer:flush("10s"))
    assert.equal("persisted", delivery.status)
    assert.equal(0, producer:pending())
    local report = assert(delivery:wait())
    assert.same(report, delivery:wait(0))
  end)

  it("sends at once when somebody waits, however long records may linger", function()
    local producer <close> = cluster:producer { kafka = { ["linger.ms"] = 60000 } }
    assert(producer:publish({ topic = topic, value = "v" }, "20s"))
  end)

  it("gives each record the partition its key has in Java", function()
    local producer <close> = cluster:producer()
    -- murmur2 of these keys, as Kafka's own tests list it, modulo 3
    for key, hash in pairs { ["21"] = -973932308, foobar = -790332482, ["a-little-bit-long-string"] = -985981536 } do
      local report = assert(producer:publish { topic = topic, key = key })
      assert.equal((hash & 0x7fffffff) % 3, report.partition)
    end
  end)

  it("asks a Lua partitioner, and lets nil leave the choice to librdkafka", function()
    local asked = {}
    local producer <close> = cluster:producer {
      partitioner = function(name, key, partitions)
        asked[#asked + 1] = { name, key, partitions }
        return key and 1 or nil
      end,
    }
    assert.equal(1, assert(producer:publish { topic = topic, key = "k" }).partition)
    assert(producer:publish { topic = topic })
    assert.equal(2, assert(producer:publish { topic = topic, key = "k", partition = 2 }).partition)
    assert.same({ { topic, "k", 3 }, { topic, nil, 3 } }, asked)
    assert.equal(3, producer:partitions(topic))
  end)

  it("survives a partitioner that errs, chooses wrongly, changes the record or closes", function()
    local act
    local producer <close> = cluster:producer { partitioner = function() return act() end }
    act = function() error("no idea", 0) end
    assert.has_error(function() producer:send { topic = topic } end, "no idea")
    act = function() return 3 end
    assert.error_matches(function() producer:send { topic = topic } end, "chose partition 3 .* has 3")
    act = function() return "1" end
    assert.error_matches(function() producer:send { topic = topic } end, "integer expected, got string")
    local record = { topic = topic, value = "v", headers = { { "a", "b" } } }
    act = function()
      record.headers[1][2] = 7
      return 0
    end
    assert.error_matches(function() producer:send(record) end, "value: string or nil expected")
    act = function() producer:close() end
    assert.error_matches(function() producer:send { topic = topic } end, "is closed")
  end)

  it("waits for room in a full queue", function()
    local producer <close> = cluster:producer { kafka = { ["queue.buffering.max.messages"] = 10 } }
    local deliveries = {}
    for i = 1, 500 do
      deliveries[i] = assert(producer:send { topic = topic, value = "v" })
    end
    assert.is_true(producer:flush("20s"))
    for _, delivery in ipairs(deliveries) do
      assert.equal("persisted", delivery.status)
    end
  end)

  it("sends what lingers when the queue is full", function()
    local producer <close> = cluster:producer { queue_timeout = "10s",
      kafka = { ["queue.buffering.max.messages"] = 10, ["linger.ms"] = 200000 } }
    for i = 1, 35 do assert(producer:send { topic = topic, value = tostring(i) }) end
    assert.is_true(producer:flush("20s"))
  end)

  it("says so when the queue stays full", function()
    local producer = assert(kafka.producer {
      bootstrap_servers = NOBODY, queue_timeout = "50ms", on_error = function() end,
      kafka = { ["queue.buffering.max.messages"] = 1 },
    })
    local waiting = assert(producer:send { topic = topic, partition = 0 })
    local delivery, err = producer:send { topic = topic, partition = 0 }
    assert.is_nil(delivery)
    assert.equal("_QUEUE_FULL", err.name)
    assert.is_true(err.retriable)
    assert.equal(1, producer:purge())
    assert.equal("not_persisted", waiting.status)
    local report, reason = waiting:wait()
    assert.is_nil(report)
    assert.equal("_PURGE_QUEUE", reason.name)
    producer:close()
  end)

  it("reports what close could not deliver", function()
    local producer = assert(kafka.producer { bootstrap_servers = NOBODY, on_error = function() end })
    local delivery = assert(producer:send { topic = topic, partition = 0 })
    local closed, err = producer:close("50ms")
    assert.is_nil(closed)
    assert.equal("_TIMED_OUT", err.name)
    assert.matches("1 records were not delivered", err.message)
    assert.equal("not_persisted", delivery.status)
    assert.is_true(producer:close())
  end)

  it("keeps handles usable after it closed", function()
    local producer = cluster:producer()
    local delivery = assert(producer:send { topic = topic, value = "v" })
    assert.is_true(producer:close())
    assert.equal("persisted", delivery.status)
    assert.equal(topic, assert(delivery:wait()).topic)
  end)

  it("names the topic that does not exist", function()
    local producer <close> = cluster:producer { kafka = { ["topic.metadata.propagation.max.ms"] = 100 } }
    local report, err = producer:publish({ topic = "no-such-topic", value = "v" }, "20s")
    assert.is_nil(report)
    assert.matches("no%-such%-topic", err.message)
    assert.matches("create the topic first", err.hint)
  end)

  it("refuses what cannot be sent", function()
    local producer <close> = cluster:producer()
    local delivery, err = producer:send { topic = topic, value = ("x"):rep(1000001) }
    assert.is_nil(delivery)
    assert.equal("MSG_SIZE_TOO_LARGE", err.name)
    assert(producer:publish { topic = topic, value = "v" })
    delivery, err = producer:send { topic = topic, partition = 3 }
    assert.is_nil(delivery)
    assert.equal("_UNKNOWN_PARTITION", err.name)
  end)

  it("takes 10,000 headers", function()
    local headers = {}
    for i = 1, 10000 do
      headers[i] = { "h" .. i, tostring(i) }
    end
    do
      local producer <close> = cluster:producer()
      assert(producer:publish { topic = topic, headers = headers })
    end
    assert.same(headers, read_all(cluster, topic, 1)[1].headers)
  end)

  it("delivers statistics, logs and errors as values during calls", function()
    local statistics, logs, errors = {}, {}, {}
    local producer <close> = assert(kafka.producer {
      bootstrap_servers = NOBODY,
      kafka = { ["statistics.interval.ms"] = 10, debug = "broker" },
      on_stats = function(json) table.insert(statistics, json) end,
      on_log = function(log) table.insert(logs, log) end,
      on_error = function(err) table.insert(errors, err) end,
    })
    await(function()
      producer:poll("10ms")
      return #statistics > 0 and #logs > 0 and #errors > 0
    end, "10s")
    assert.matches("^{.*}$", statistics[1])
    assert.equal("string", type(logs[1].message))
    assert.equal("integer", math.type(logs[1].level))
    assert.is_true(errors[1].name == "_TRANSPORT" or errors[1].name == "_ALL_BROKERS_DOWN")
  end)

  it("passes on the error of a handler, and refuses calls inside one", function()
    local producer, inside
    producer = assert(kafka.producer {
      bootstrap_servers = NOBODY,
      on_error = function()
        inside = select(2, pcall(producer.poll, producer))
        error("from the handler", 0)
      end,
    })
    assert.has_error(function() await(function() producer:poll("1s") end, "10s") end, "from the handler")
    assert.matches("not possible inside one of its own handlers", inside)
    assert.is_true(producer:close())
  end)

  it("works in somebody else's event loop: its descriptor tells of delivery reports", function()
    local producer <close> = cluster:producer()
    local function readable()
      local info <close> = assert(io.open("/proc/self/fdinfo/" .. producer:fd()))
      return info:read("a"):match("eventfd%-count:%s*(%x+)") ~= "0"
    end
    assert.equal(producer:fd(), producer:fd())
    await(function() return producer:poll(0) == 0 and not readable() end)
    local delivery = assert(producer:send { topic = topic, value = "v" })
    await(readable)
    assert.equal(1, producer:poll(0))
    assert.equal("persisted", delivery.status)
  end)

  it("gives up a full queue at its deadline, and not before", function()
    local producer <close> = assert(kafka.producer { bootstrap_servers = NOBODY, queue_timeout = "300ms",
      on_error = function() end, kafka = { ["queue.buffering.max.messages"] = 1 } })
    assert(producer:send { topic = topic, partition = 0 })
    local start = system.monotime()
    local _, err = producer:send { topic = topic, partition = 0 }
    local seconds = system.monotime() - start
    assert.equal("_QUEUE_FULL", err.name)
    assert.is_true(seconds >= 0.299 and seconds < 2, seconds) -- waits count whole milliseconds
    producer:purge()
  end)

  it("lets no table pass for a producer", function()
    local producer <close> = cluster:producer()
    assert.equal("docmsg.Producer", getmetatable(producer))
    local fake = debug.setmetatable({}, { __index = debug.getmetatable(producer).__index })
    assert.error_matches(function() producer.send(fake, { topic = topic }) end, "docmsg.Producer expected")
  end)

  it("is closed once and unusable after", function()
    local producer = cluster:producer()
    assert.is_true(producer:close())
    assert.is_true(producer:close())
    for _, method in ipairs { "send", "publish", "flush", "purge", "poll", "pending", "fd", "name", "begin" } do
      assert.error_matches(function() producer[method](producer, {}) end, "closed")
    end
  end)

  local bad_records = {
    { nil, "table expected" },
    { "t", "table expected" },
    { {}, "topic: string expected, got nil" },
    { { topic = 1 }, "topic: string expected, got number" },
    { { topic = "" }, "1 to 249 bytes" },
    { { topic = ("x"):rep(300) }, "1 to 249 bytes, this one has 300" },
    { { topic = "a\0b" }, "NUL" },
    { { topic = "t", valeu = "v" }, "unknown field 'valeu'; did you mean 'value'" },
    { { topic = "t", [1] = "v" }, "fields are named" },
    { { topic = "t", value = 1 }, "value: string expected, got number" },
    { { topic = "t", key = {} }, "key: string expected, got table" },
    { { topic = "t", partition = -1 }, "partition: %-1 is not within" },
    { { topic = "t", partition = 2 ^ 31 }, "is not within" },
    { { topic = "t", partition = 1.5 }, "partition: integer expected" },
    { { topic = "t", timestamp = "now" }, "timestamp: integer milliseconds expected" },
    { { topic = "t", timestamp = -5 }, "timestamp: %-5" },
    { { topic = "t", headers = "h" }, "headers: list" },
    { { topic = "t", headers = { a = "b" } }, "ordered list" },
    { { topic = "t", headers = { "a" } }, "headers%[1%]: {name, value} expected" },
    { { topic = "t", headers = { { 1, "v" } } }, "headers%[1%]: name: string expected" },
    { { topic = "t", headers = { { "n", 1 } } }, "headers%[1%]: value: string or nil" },
    { { topic = "t", headers = { { "n\0m", "v" } } }, "NUL" },
  }
  for i, case in ipairs(bad_records) do
    it("names what is wrong with record " .. i, function()
      local producer <close> = cluster:producer()
      assert.error_matches(function() producer:send(case[1]) end, case[2])
      assert.equal(0, producer:pending())
    end)
  end

  it("has no transactions without a transactional id", function()
    local producer <close> = cluster:producer()
    assert.error_matches(function() producer:begin() end, "make it with transactional_id")
  end)
end)
