-- SPDX-License-Identifier: MIT
-- Sends the events that bench/pipeline.lua and its peers read.
--
--   docmsg-lua bench/pipeline_fill.lua SERVERS TOPIC EVENTS
local kafka = require "docmsg.kafka"

local servers, topic, events = table.unpack(arg)
local producer <close> = assert(kafka.producer { bootstrap_servers = servers })
local EVENT <const> = '{"document_id":"doc-%06d","user_id":"default_user","status":"received",'
  .. '"chunk_count":%d,"page":%d,"score":0.%d,"tags":["kafka","lua"],"text":"%s"}'
local TEXT <const> = ("All work and no play makes a dull pipeline. "):rep(3)

for i = 1, math.tointeger(events) do
  local value = EVENT:format(i % 1000, i % 40, i % 300, 100 + i % 900, TEXT:sub(1, 90))
  assert(producer:send { topic = topic, key = ("doc-%06d"):format(i % 1000), value = value })
end
assert(producer:flush "60s")
