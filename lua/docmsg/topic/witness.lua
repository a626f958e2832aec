-- SPDX-License-Identifier: MIT
-- Other brokers of the cluster, each asked through a client that knows no other, because a change
-- that one broker shows may not have reached the next one. A client that asks for metadata alone
-- stays with the broker it began with.
local kafka = require "docmsg.kafka"
local keys = require "docmsg.keys"

local M = {}

-- Each client has a thread for every broker: of a large cluster, some must do.
local MOST <const> = 3
local TIMEOUT <const> = "5s"

---@class docmsg.topic.Witnesses
---@field private clients docmsg.Admin[]
local Witnesses = { __name = "docmsg.topic.Witnesses" }
Witnesses.__index = Witnesses

local function address(broker)
  local host = broker.host:find(":", 1, true) and "[" .. broker.host .. "]" or broker.host
  return ("%s:%d"):format(host, broker.port)
end

local function ignore() end

---Connects to some brokers; a cluster of one needs no witness.
---@param brokers {id: integer, host: string, port: integer}[]
---@param options docmsg.ConnectOptions
---@return docmsg.topic.Witnesses
function M.open(brokers, options)
  local clients = {}
  for i = 1, #brokers > 1 and math.min(#brokers, MOST) or 0 do
    clients[i] = (options.admin or kafka.admin) {
      bootstrap_servers = address(brokers[i]), kafka = options.kafka,
      insecure_tls = options.insecure_tls, on_error = ignore, on_log = ignore,
    }
  end
  return setmetatable({ clients = clients }, Witnesses)
end

local function is_seen(info, partitions)
  if not info or info.error then return partitions == 0 end
  if #info.partitions ~= partitions then return false end
  for _, partition in ipairs(info.partitions) do
    if not partition.leader then return false end
  end
  return true
end

---Which topics some of them do not see with so many partitions, each with a leader? One that does
---not answer, such as a broker that is down, is not asked again.
---@param expected table<string, integer> partitions by topic; 0 when it shall not exist
---@return table<string, true> unseen
function Witnesses:unseen(expected)
  local names, unseen = keys.sorted(expected), {}
  if #names == 0 then return unseen end
  for i = #self.clients, 1, -1 do
    local infos = self.clients[i]:describe_topics(names, { timeout = TIMEOUT })
    if not infos then
      table.remove(self.clients, i):close(0)
    end
    for name, partitions in pairs(infos and expected or {}) do
      if not is_seen(infos[name], partitions) then unseen[name] = true end
    end
  end
  return unseen
end

---Closes the connections.
function Witnesses:close()
  for _, client in ipairs(self.clients) do client:close(0) end
  self.clients = {}
end

return M
