-- SPDX-License-Identifier: MIT
-- Another replication factor: which brokers shall hold each partition, in the form that Kafka's own
-- kafka-reassign-partitions.sh takes. librdkafka has no call for it.
local M = {}

---@class docmsg.topic.Reassignment
---@field version integer
---@field partitions {topic: string, partition: integer, replicas: integer[]}[]

-- The broker with the fewest replicas so far that does not hold this partition.
local function least_loaded(brokers, load, held)
  local best
  for _, id in ipairs(brokers) do
    if not held[id] and (not best or load[id] < load[best]) then best = id end
  end
  return best
end

local function count_load(info, brokers)
  local load = {}
  for _, id in ipairs(brokers) do load[id] = 0 end
  for _, partition in ipairs(info.partitions) do
    for _, id in ipairs(partition.replicas) do load[id] = (load[id] or 0) + 1 end
  end
  return load
end

-- The first replica, the preferred leader, stays; what is added goes to the emptiest brokers, what
-- is taken away comes from the end.
local function replicas_of(partition, factor, brokers, load)
  local replicas, held = {}, {}
  for i, id in ipairs(partition.replicas) do
    if i <= factor then
      replicas[i], held[id] = id, true
    else
      load[id] = load[id] - 1
    end
  end
  while #replicas < factor do
    local id = least_loaded(brokers, load, held)
    replicas[#replicas + 1], held[id], load[id] = id, true, load[id] + 1
  end
  return replicas
end

---Chooses the replicas of a topic's partitions.
---@param info docmsg.TopicInfo
---@param factor integer
---@param brokers integer[]
---@return docmsg.topic.Reassignment? reassignment nil when there are too few brokers
function M.plan(info, factor, brokers)
  if factor > #brokers then return nil end
  local load, partitions = count_load(info, brokers), {}
  for i, partition in ipairs(info.partitions) do
    partitions[i] = { topic = info.name, partition = partition.partition,
      replicas = replicas_of(partition, factor, brokers, load) }
  end
  return { version = 1, partitions = partitions }
end

---Several reassignments as one.
---@param list docmsg.topic.Reassignment[]
---@return docmsg.topic.Reassignment
function M.join(list)
  local joined = { version = 1, partitions = {} }
  for _, one in ipairs(list) do
    table.move(one.partitions, 1, #one.partitions, #joined.partitions + 1, joined.partitions)
  end
  return joined
end

return M
