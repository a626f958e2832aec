-- SPDX-License-Identifier: MIT
-- What the broker refuses, and what it must carry.
local broker = require "support.broker"

describe("a producer on Apache Kafka", function()
  local cluster

  before_each(function() cluster = broker.connect() end)

  it("says which record the topic's max.message.bytes refused, and sends the next one", function()
    local topic <close> = cluster:topic { config = { ["max.message.bytes"] = 1000 } }
    local producer <close> = cluster:producer()
    local large = assert(producer:send { topic = topic.name, value = ("x"):rep(5000) })
    local report, err = large:wait "30s"
    assert.is_nil(report)
    assert.equal("not_persisted", large.status)
    assert.equal("MSG_SIZE_TOO_LARGE", err.name)
    assert.matches(topic.name, err.message, 1, true)
    assert.matches("max.message.bytes of the topic", err.hint, 1, true)
    assert.equal(0, assert(producer:publish({ topic = topic.name, value = "small" }, "30s")).offset)
  end)

  it("carries 10,000 headers and no key", function()
    local topic <close> = cluster:topic()
    local headers = {}
    for i = 1, 10000 do
      headers[i] = { "h" .. i % 100, i % 3 > 0 and tostring(i) or nil }
    end
    do
      local producer <close> = cluster:producer()
      assert(producer:publish({ topic = topic.name, headers = headers }, "30s"))
    end
    local consumer <close> = cluster:consumer { topics = { topic.name } }
    local message = assert(consumer:poll "30s")
    assert.is_nil(message.key)
    assert.same(headers, message.headers)
  end)

  it("says that a topic or a partition does not exist", function()
    local topic <close> = cluster:topic { partitions = 2 }
    local producer <close> = cluster:producer { kafka = { ["topic.metadata.propagation.max.ms"] = 500 } }
    local _, missing = producer:publish({ topic = topic.name .. ".missing", value = "v" }, "30s")
    assert.matches("create the topic first", missing.hint, 1, true)
    assert.matches(topic.name .. ".missing", missing.message, 1, true)
    local _, beyond = producer:publish({ topic = topic.name, partition = 7, value = "v" }, "30s")
    assert.equal("_UNKNOWN_PARTITION", beyond.name)
    assert.matches(topic.name, beyond.message, 1, true)
  end)
end)
