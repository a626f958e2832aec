-- SPDX-License-Identifier: MIT
-- A consumer on an embedded broker: records by poll and batch, their fields, offsets.
local TOPIC <const> = "t"

local function fill(context)
  local producer <close> = assert(context.kafka.producer { bootstrap_servers = context.broker.bootstrap_servers })
  for i = 1, 4 do
    assert(producer:send { topic = TOPIC, partition = 0, key = "k" .. i, value = "v",
      headers = { { "a", "1" }, { "b" } } })
  end
  assert(producer:flush("10s"))
end

local function read(message)
  assert(message.topic == TOPIC and message.key and message.value == "v" and message.timestamp)
  assert(message:header("a") == "1" and #message.headers == 2)
  return message:copy()
end

return {
  prepare = function()
    local kafka = require "docmsg.kafka"
    kafka.properties()
    local context = { kafka = kafka, broker = assert(kafka.embedded()) }
    local admin <close> = assert(kafka.admin { bootstrap_servers = context.broker.bootstrap_servers })
    assert(admin:create_topics { { name = TOPIC, partitions = 1 } })
    fill(context)
    return context
  end,
  run = function(context)
    local consumer <close> = assert(context.kafka.consumer {
      bootstrap_servers = context.broker.bootstrap_servers, group = "g" })
    assert(consumer:assign { { topic = TOPIC, partition = 0, offset = "earliest" } })
    local first = read(assert(consumer:poll("10s")))
    assert(first.offset == 0)
    local seen = 1
    while seen < 4 do
      for _, message in ipairs(assert(consumer:batch(10, "10s"))) do
        read(message)
        seen = seen + 1
      end
    end
    assert(consumer:position()[1].offset == 4)
    assert(consumer:pause() and consumer:resume())
    local low, high = consumer:watermarks(TOPIC, 0, "10s")
    assert(low == 0 and high == 4)
  end,
}
