-- SPDX-License-Identifier: MIT
-- The same work as consume.c, from Lua: batches of 1,000, key and value of each record read.
-- usage: docmsg-lua bench/consume.lua BOOTSTRAP TOPIC RECORDS
local kafka = require "docmsg.kafka"
local measure = require "measure"

local bootstrap, topic, records = ...
records = math.tointeger(records)

local consumer <close> = assert(kafka.consumer {
  bootstrap_servers = bootstrap, group = ("bench-%d-%x"):format(os.time(), math.random(0)),
  topics = { topic },
})
local finish = measure.start()
local seen, bytes = 0, 0
for batch in consumer:batches(1000, "30s") do
  for _, message in ipairs(batch) do
    bytes = bytes + #message.key + #message.value
  end
  seen = seen + #batch
  if seen >= records then
    break
  end
end
finish(seen)
assert(seen == records, "not every record was consumed")
