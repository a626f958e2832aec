-- SPDX-License-Identifier: MIT
-- A real broker of a spec's own, to kill, restart and fill: it ends, data and all, with its scope.
--
--   local own <close> = own_broker.start()
--   own.kafka("kill")
local await = require "support.await"
local cluster = require "support.cluster"
local process = require "support.process"

---@class support.OwnBroker
---@field folder string
---@field cluster support.Cluster
---@field kafka fun(...: string): string runs tools/kafka on it
local OwnBroker = { __name = "support.OwnBroker" }
OwnBroker.__index = OwnBroker

local M = {}

---@param options? {nodes?: 1|3, properties?: string} `properties`: lines of the nodes' configuration
---@return support.OwnBroker
function M.start(options)
  local folder = os.tmpname()
  os.remove(folder)
  local own = setmetatable({ folder = folder }, OwnBroker)
  function own.kafka(...)
    local env = { DOCMSG_KAFKA_DIR = folder, DOCMSG_KAFKA_PROPERTIES = options and options.properties }
    local result = process.run { "tools/kafka", env = env, limit = 120, ... }
    assert(result.ok, result.stderr)
    return result.stdout
  end
  local nodes = tostring(options and options.nodes or 1)
  local started, address = pcall(own.kafka, "up", "--nodes", nodes)
  if not started then
    own:close() -- some of its nodes may run
    error(address, 0)
  end
  own.cluster = cluster.new(address:match("KAFKA_BOOTSTRAP_SERVERS=(%S+)"))
  return own
end

---Kills the broker that leads the only partition of a topic without replicas, and waits until the
---others miss it.
---@param topic string
function OwnBroker:kill_leader(topic)
  local admin <close> = self.cluster:admin { on_error = function() end, on_log = function() end }
  local function leader() return assert(admin:describe_topics { topic })[topic].partitions[1].leader end
  self.kafka("kill", await(leader, "30s", "a leader"))
  await(function() return not leader() end, "60s", "the broker to be missed")
end

---Stops it and deletes its data.
function OwnBroker:close()
  self.kafka("down", "--wipe")
  os.execute(("rm -rf '%s'"):format(self.folder))
end

OwnBroker.__close = OwnBroker.close

return M
