-- SPDX-License-Identifier: MIT
-- The same work as produce.c, from Lua: a handle is returned for every record.
-- usage: docmsg-lua bench/produce.lua BOOTSTRAP TOPIC RECORDS BYTES
local kafka = require "docmsg.kafka"
local measure = require "measure"

local bootstrap, topic, records, bytes = ...
records = math.tointeger(records)
local value = ("x"):rep(math.tointeger(bytes))
local keys = {}
for i = 0, 999 do
  keys[i] = "key-" .. i
end

local producer <close> = assert(kafka.producer { bootstrap_servers = bootstrap })
local finish = measure.start()
local last
for i = 0, records - 1 do
  last = assert(producer:send { topic = topic, key = keys[i % 1000], value = value })
end
assert(producer:flush("60s"))
finish(records)
assert(last.status == "persisted", "the last record was not persisted")
