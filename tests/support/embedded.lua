-- SPDX-License-Identifier: MIT
-- The embedded broker for tests.
local cluster = require "support.cluster"
local kafka = require "docmsg.kafka"

local M = {}

---Starts one; `cluster.broker` is the broker itself.
---@param options? {brokers?: integer}
---@return support.Cluster
function M.start(options)
  local broker = assert(kafka.embedded(options))
  return cluster.new(broker.bootstrap_servers, broker)
end

return M
