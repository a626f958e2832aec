-- SPDX-License-Identifier: MIT
-- What was declared against what is on the broker. Effective values count, not where they come
-- from; what the file does not mention is left alone.
local keys = require "docmsg.keys"
local property = require "docmsg.topic.property"

local M = {}

---@class docmsg.Difference
---@field kind "existence"|"partitions"|"replicas"|"leader"|"config"
---@field field string "existence", "partitions", "replication factor", "leader" or a property
---@field declared string
---@field actual string
---@field inherit? boolean the property shall have no override

---What is on the broker about one topic.
---@class docmsg.Observed
---@field info? docmsg.TopicInfo nil when the topic does not exist
---@field configs? table<string, docmsg.ConfigValue>

local function differ(differences, kind, field, declared, actual)
  local difference =
    { kind = kind, field = field, declared = tostring(declared), actual = tostring(actual) }
  differences[#differences + 1] = difference
  return difference
end

local function compare_replicas(topic, info, differences)
  for _, partition in ipairs(info.partitions) do
    if #partition.replicas ~= topic.replication_factor then
      differ(differences, "replicas", "replication factor", topic.replication_factor, #partition.replicas)
      return
    end
  end
end

local function compare_leaders(info, differences)
  local without = 0
  for _, partition in ipairs(info.partitions) do
    if not partition.leader then without = without + 1 end
  end
  if without > 0 then
    differ(differences, "leader", "leader", "one a partition", ("none for %d partitions"):format(without))
  end
end

local function compare_config(topic, configs, differences)
  for _, name in ipairs(keys.sorted(topic.config)) do
    local actual = configs[name] and configs[name].value
    if not actual or not property.equal(topic.config[name], actual, topic.unordered[name]) then
      differ(differences, "config", name, topic.config[name], actual or "not set")
    end
  end
  for _, name in ipairs(keys.sorted(topic.inherit)) do
    if configs[name] and configs[name].source == "topic" then
      differ(differences, "config", name, "inherited", configs[name].value or "set").inherit = true
    end
  end
end

---Compares a topic. An empty result means that it is as declared and serves every partition.
---@param topic docmsg.Topic
---@param observed docmsg.Observed
---@return docmsg.Difference[] differences
function M.topic(topic, observed)
  local differences, info = {}, observed.info
  if topic.deleted then
    if info then differ(differences, "existence", "existence", "deleted", "exists") end
    return differences
  elseif not info then
    differ(differences, "existence", "existence", "exists", "does not exist")
    return differences
  end
  if #info.partitions ~= topic.partitions then
    differ(differences, "partitions", "partitions", topic.partitions, #info.partitions)
  end
  compare_replicas(topic, info, differences)
  compare_leaders(info, differences)
  compare_config(topic, observed.configs or {}, differences)
  return differences
end

---Differences as text: "partitions 1, declared 6; retention.ms 5, declared 7".
---@param differences docmsg.Difference[]
---@return string
function M.describe(differences)
  local parts = {}
  for i, difference in ipairs(differences) do
    parts[i] = ("%s %s, declared %s")
      :format(difference.field, difference.actual, difference.declared)
  end
  return table.concat(parts, "; ")
end

return M
