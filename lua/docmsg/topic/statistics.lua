-- SPDX-License-Identifier: MIT
-- How full topics are, and how far groups are behind.
local M = {}

---@class docmsg.TopicStatistics
---@field name string
---@field records integer from the first to the last offset, those that compaction removed too
---@field partitions {partition: integer, low: integer, high: integer}[]
---@field lag table<string, integer> records not committed, by group that committed any of this topic

local function queries(topics)
  local list = {}
  for _, topic in ipairs(topics) do
    for _, partition in ipairs(topic.partitions) do
      for _, at in ipairs { "earliest", "latest" } do
        list[#list + 1] = { topic = topic.name, partition = partition.partition, at = at }
      end
    end
  end
  return list
end

-- Offsets come in the order of the queries: the first and the last of each partition.
local function summarise(topics, offsets)
  local statistics, i = {}, 1
  for t, topic in ipairs(topics) do
    local entry = { name = topic.name, records = 0, partitions = {}, lag = {} }
    for p in ipairs(topic.partitions) do
      local low, high = offsets[i], offsets[i + 1]
      if low.error or high.error then return nil, low.error or high.error end
      entry.partitions[p] = { partition = low.partition, low = low.offset, high = high.offset }
      entry.records = entry.records + high.offset - low.offset
      i = i + 2
    end
    statistics[t] = entry
  end
  return statistics
end

local function group_names(admin, options)
  local groups, err = admin:list_groups(options)
  if not groups then return nil, err end
  local names = {}
  for i, group in ipairs(groups) do names[i] = group.group end
  table.sort(names)
  return names
end

-- Committed offsets as committed[topic][partition].
local function committed_by(admin, group, options)
  local offsets, err = admin:group_offsets(group, nil, options)
  if not offsets then return nil, err end
  local committed = {}
  for _, entry in ipairs(offsets) do
    if entry.error then return nil, entry.error end
    committed[entry.topic] = committed[entry.topic] or {}
    committed[entry.topic][entry.partition] = entry.offset
  end
  return committed
end

-- A partition without a commit counts from its first record: that is where a group would begin.
local function lag_of(entry, committed)
  local lag = 0
  for _, partition in ipairs(entry.partitions) do
    local from = math.max(committed[partition.partition] or partition.low, partition.low)
    lag = lag + math.max(partition.high - from, 0)
  end
  return lag
end

---Gathers statistics.
---@param admin docmsg.Admin
---@param topics docmsg.TopicInfo[]
---@param groups? string[] default: all groups of the cluster
---@param options docmsg.AdminOptions
---@return docmsg.TopicStatistics[]? statistics in the order of `topics`
---@return docmsg.Error? err
function M.gather(admin, topics, groups, options)
  local offsets, err = admin:list_offsets(queries(topics), options)
  if not offsets then return nil, err end
  local statistics, broken = summarise(topics, offsets)
  if not statistics then return nil, broken end
  if not groups then groups, err = group_names(admin, options) end
  if not groups then return nil, err end
  for _, group in ipairs(groups) do
    local committed, refused = committed_by(admin, group, options)
    if not committed then return nil, refused end
    for _, entry in ipairs(statistics) do
      if committed[entry.name] then entry.lag[group] = lag_of(entry, committed[entry.name]) end
    end
  end
  return statistics
end

return M
