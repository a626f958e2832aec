-- SPDX-License-Identifier: MIT
-- A producer on an embedded broker: records, reports, handlers.
return {
  prepare = function()
    local kafka = require "docmsg.kafka"
    kafka.properties()
    local context = { kafka = kafka, broker = assert(kafka.embedded()) }
    local admin <close> = assert(kafka.admin { bootstrap_servers = context.broker.bootstrap_servers })
    assert(admin:create_topics { { name = "t", partitions = 2 } })
    return context
  end,
  run = function(context)
    local producer <close> = assert(context.kafka.producer {
      bootstrap_servers = context.broker.bootstrap_servers,
      partitioner = function(_, key) return key and 1 end,
      on_stats = function() end,
      kafka = { ["linger.ms"] = 0, ["statistics.interval.ms"] = 1 },
    })
    local deliveries = {}
    for i = 1, 3 do
      deliveries[i] = assert(producer:send { topic = "t", key = "k" .. i, value = "v",
        headers = { { "a", "1" }, { "b" } }, timestamp = 1700000000000 })
    end
    assert(producer:flush("10s"))
    for _, delivery in ipairs(deliveries) do
      assert(delivery:wait("10s").partition == 1)
      assert(delivery.status == "persisted")
    end
    assert(producer:publish({ topic = "t", value = "v", partition = 0 }, "10s").partition == 0)
    assert(producer:partitions("t") == 2)
  end,
}
