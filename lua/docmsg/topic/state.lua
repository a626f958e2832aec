-- SPDX-License-Identifier: MIT
-- What a plan saw of a topic and what its changes make of it, as plain values that can be written to
-- a file: the shape of the topic, its overrides, and the effective values of what is declared.
local keys = require "docmsg.keys"
local property = require "docmsg.topic.property"

local M = {}

---@class docmsg.topic.State
---@field exists boolean
---@field partitions? integer
---@field replication_factor? integer 0 when the partitions have different ones
---@field config? table<string, string>
---@field absent? table<string, true> properties that shall have no override

---The replication factor of a topic.
---@param info docmsg.TopicInfo
---@return integer factor 0 when its partitions have different ones
function M.replication_factor(info)
  local factor
  for _, partition in ipairs(info.partitions) do
    if factor and factor ~= #partition.replicas then return 0 end
    factor = #partition.replicas
  end
  return factor or 0
end

---@param observed docmsg.Observed
---@param names table<string, any> properties whose effective values matter
---@return docmsg.topic.State
function M.of(observed, names)
  local info = observed.info
  if not info then return { exists = false } end
  local config = {}
  for name, entry in pairs(observed.configs or {}) do
    if entry.value and (entry.source == "topic" or names[name]) then config[name] = entry.value end
  end
  return { exists = true, partitions = #info.partitions,
    replication_factor = M.replication_factor(info), config = config }
end

local after = {
  create = function(change)
    return { exists = true, partitions = change.partitions,
      replication_factor = change.replication_factor, config = change.config }
  end,
  delete = function() return { exists = false } end,
  grow = function(change, state)
    state.partitions = change.to
    return state
  end,
  config = function(change, state)
    for _, entry in ipairs(change.properties) do
      state.config[entry.name] = entry.to
      state.absent[entry.name] = not entry.to or nil
    end
    return state
  end,
}
after.repartition, after["config.safe"], after["config.risky"] = after.grow, after.config, after.config

---The state that a change leads to.
---@param state docmsg.topic.State is left as it is
---@param change docmsg.topic.Change
---@return docmsg.topic.State
function M.after(state, change)
  local copy = { exists = state.exists, partitions = state.partitions,
    replication_factor = state.replication_factor, config = {}, absent = {} }
  for name in pairs(state.absent or {}) do copy.absent[name] = true end
  for name, value in pairs(state.config or {}) do copy.config[name] = value end
  return after[change.class](change, copy)
end

---Has a topic become what was wanted? Overrides that somebody else's policy added do not matter.
---@param state docmsg.topic.State
---@param wanted docmsg.topic.State
---@return boolean
function M.covers(state, wanted)
  if state.exists ~= wanted.exists then return false end
  if not wanted.exists then return true end
  if state.partitions ~= wanted.partitions or state.replication_factor ~= wanted.replication_factor then
    return false
  end
  for name, value in pairs(wanted.config) do
    local actual = state.config[name]
    if not actual or not property.equal(value, actual, property.is_list(name)) then return false end
  end
  for name in pairs(wanted.absent or {}) do
    if state.config[name] then return false end
  end
  return true
end

---Is a topic just as it was?
---@param state docmsg.topic.State
---@param expected docmsg.topic.State
---@return boolean
function M.same(state, expected)
  return M.covers(state, expected) and M.covers(expected, state)
end

local function add_difference(list, field, was, is)
  if was == is then return end
  list[#list + 1] = ("%s %s, was %s"):format(field, is == nil and "not set" or is, was == nil and "not set" or was)
end

---Tells how a topic differs from what it was: "partitions 4, was 3".
---@param state docmsg.topic.State
---@param expected docmsg.topic.State
---@return string
function M.describe(state, expected)
  if state.exists ~= expected.exists then return state.exists and "it exists" or "it does not exist" end
  local list, names = {}, {}
  for name in pairs(expected.config) do names[name] = true end
  for name in pairs(state.config) do names[name] = true end
  add_difference(list, "partitions", expected.partitions, state.partitions)
  add_difference(list, "replication factor", expected.replication_factor, state.replication_factor)
  for _, name in ipairs(keys.sorted(names)) do add_difference(list, name, expected.config[name], state.config[name]) end
  return table.concat(list, "; ")
end

return M
