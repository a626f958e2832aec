-- SPDX-License-Identifier: MIT
-- The embedded broker for tests.
local await = require "support.await"
local cluster = require "support.cluster"
local kafka = require "docmsg.kafka"

local M = {}

-- How many threads of this process librdkafka has not named: those that begin are among them.
local function unnamed_threads()
  local file <close> = assert(io.open "/proc/self/status")
  return tonumber(file:read("a"):match "Threads:%s+(%d+)") - kafka.live().threads
end

---Starts one, and waits until all its threads can be told from others, as the leak check does;
---`cluster.broker` is the broker itself.
---@param options? {brokers?: integer}
---@return support.Cluster
function M.start(options)
  local before = unnamed_threads()
  local broker = assert(kafka.embedded(options))
  await(function() return unnamed_threads() <= before end, "10s", "the threads of the broker")
  return cluster.new(broker.bootstrap_servers, broker)
end

return M
