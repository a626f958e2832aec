-- SPDX-License-Identifier: MIT
-- A cluster as a topic table that plans to nothing. What a table cannot say stays a comment.
local keys = require "docmsg.keys"
local printable = require("docmsg.log").printable
local property = require "docmsg.topic.property"
local state = require "docmsg.topic.state"

local M = {}

-- From this replication factor on, a table that says nothing means min.insync.replicas = 2.
local INSYNC_FROM <const> = 3
local INSYNC <const> = "min.insync.replicas"
local MOST_PARTITIONS <const> = 10000

local UNITS <const> = {
  ms = { { "days", 86400000 }, { "hours", 3600000 }, { "minutes", 60000 } },
  bytes = { { "MiB", 1 << 20 }, { "KiB", 1 << 10 } },
}

local function write_number(name, number)
  for _, unit in ipairs(UNITS[name:match("[^.]+$")] or {}) do
    if number > 0 and number % unit[2] == 0 then return ("%s(%d)"):format(unit[1], number // unit[2]) end
  end
  return ("%d"):format(number)
end

local function write_set(value)
  local items = {}
  for item in value:gmatch("[^,%s]+") do items[#items + 1] = ("%q"):format(item) end
  return #items > 0 and "set { " .. table.concat(items, ", ") .. " }" or nil
end

---A value as a topic table has it.
---@param name string
---@param value string
---@return string
local function write_value(name, value)
  local number = value:find("^%-?%d+$") and math.tointeger(value)
  if number and ("%d"):format(number) == value then return write_number(name, number) end
  if value == "true" or value == "false" then return value end
  return property.is_list(name) and value:find(",", 1, true) and write_set(value) or ("%q"):format(value)
end

-- Why the property cannot be declared.
local function obstacle(name, value, factor)
  local insync = name == INSYNC and math.tointeger(value)
  if property.nearest(name) then return "its name looks like a misspelt one" end
  if insync and insync > factor then return "it is more than the replicas there are" end
  local expected = property.check(name, value)
  return expected and "it is not " .. expected
end

local function overrides(configs)
  local chosen = {}
  for name, entry in pairs(configs or {}) do
    if entry.source == "topic" and entry.value then chosen[name] = true end
  end
  return keys.sorted(chosen)
end

local function config_lines(observed, factor)
  local lines, said = {}, false
  for _, name in ipairs(overrides(observed.configs)) do
    local value = observed.configs[name].value
    local why = obstacle(name, value, factor)
    said = said or (name == INSYNC and not why)
    lines[#lines + 1] = why and ('-- %s is "%s": %s'):format(name, printable(value), why)
      or ("[%q] = %s,"):format(name, write_value(name, value))
  end
  if factor >= INSYNC_FROM and not said then
    lines[#lines + 1] = ("[%q] = INHERIT,"):format(INSYNC)
  end
  return lines
end

-- A policy that a table would refuse without a key.
local function is_compacted(observed)
  local policy = (observed.configs or {})["cleanup.policy"]
  return policy ~= nil and policy.source == "topic" and (policy.value or ""):find("compact", 1, true) ~= nil
end

-- The topic as an entry of a table, or, between `open` and `close`, as a call.
local function topic_lines(name, observed, lines, open, close)
  local factor, count = state.replication_factor(observed.info), #observed.info.partitions
  if factor == 0 or count > MOST_PARTITIONS then
    lines[#lines + 1] = ("  -- %s cannot be declared: %s"):format(name, factor == 0
      and "its partitions have different numbers of replicas" or count .. " partitions")
    return
  end
  lines[#lines + 1] = (open or "  [%q] = {"):format(name)
  lines[#lines + 1] = ("    partitions = %d, replication_factor = %d,"):format(count, factor)
  if is_compacted(observed) then
    lines[#lines + 1] = '    key = "key", -- Kafka does not know its name'
  end
  local config = config_lines(observed, factor)
  if #config > 0 then
    lines[#lines + 1] = "    config = {"
    for _, line in ipairs(config) do lines[#lines + 1] = "      " .. line end
    lines[#lines + 1] = "    },"
  end
  lines[#lines + 1] = close or "  },"
end

-- A topic whose name means something else in a returned table.
local RESERVED <const> = "defaults"

---A cluster's topics as the text of a topic table.
---@param cluster docmsg.topic.Cluster
---@return string
function M.text(cluster)
  local lines = {
    ("-- The topics of cluster %s. Kafka does not know which ones have keys: name them with"):format(cluster.id or "?"),
    '-- key = "…", and growing a topic will ask for --allow repartition.',
  }
  local reserved = cluster.observed[RESERVED]
  if reserved and reserved.info then topic_lines(RESERVED, reserved, lines, "topic %q {", "}") end
  lines[#lines + 1] = "return {"
  for _, name in ipairs(cluster.names) do
    local observed = cluster.observed[name]
    if observed and observed.info and name ~= RESERVED then topic_lines(name, observed, lines) end
  end
  lines[#lines + 1] = "}"
  return table.concat(lines, "\n") .. "\n"
end

return M
