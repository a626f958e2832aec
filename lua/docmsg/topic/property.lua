-- SPDX-License-Identifier: MIT
-- The configuration properties of Kafka's topics, as far as a topic file can be checked without a
-- broker. A property that is not here is left to the broker, unless it is nearly one that is.
local kafka = require "docmsg.kafka"

local M = {}

---@class docmsg.topic.Property
---@field kind "integer"|"number"|"boolean"|"word"|"words"
---@field min? number
---@field max? number
---@field words? table<string, true>

local function words(kind, ...)
  local set = {}
  for _, word in ipairs { ... } do set[word] = true end
  return { kind = kind, words = set }
end

local function integer(min, max) return { kind = "integer", min = min, max = max } end

local boolean <const> = { kind = "boolean" }
local text <const> = { kind = "word" }

---@type table<string, docmsg.topic.Property>
local PROPERTIES <const> = {
  ["cleanup.policy"] = words("words", "compact", "delete"),
  ["compression.gzip.level"] = integer(-1, 9),
  ["compression.lz4.level"] = integer(1, 17),
  ["compression.type"] = words("word", "uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"),
  ["compression.zstd.level"] = integer(-131072, 22),
  ["delete.retention.ms"] = integer(0),
  ["file.delete.delay.ms"] = integer(0),
  ["flush.messages"] = integer(1),
  ["flush.ms"] = integer(0),
  ["follower.replication.throttled.replicas"] = text,
  ["index.interval.bytes"] = integer(0),
  ["leader.replication.throttled.replicas"] = text,
  ["local.retention.bytes"] = integer(-2),
  ["local.retention.ms"] = integer(-2),
  ["max.compaction.lag.ms"] = integer(1),
  ["max.message.bytes"] = integer(0, 0x7FFFFFFF),
  ["message.downconversion.enable"] = boolean,
  ["message.format.version"] = text,
  ["message.timestamp.after.max.ms"] = integer(0),
  ["message.timestamp.before.max.ms"] = integer(0),
  ["message.timestamp.difference.max.ms"] = integer(0),
  ["message.timestamp.type"] = words("word", "CreateTime", "LogAppendTime"),
  ["min.cleanable.dirty.ratio"] = { kind = "number", min = 0, max = 1 },
  ["min.compaction.lag.ms"] = integer(0),
  ["min.insync.replicas"] = integer(1, 0x7FFF),
  ["preallocate"] = boolean,
  ["remote.log.copy.disable"] = boolean,
  ["remote.log.delete.on.disable"] = boolean,
  ["remote.storage.enable"] = boolean,
  ["retention.bytes"] = integer(-1),
  ["retention.ms"] = integer(-1),
  ["segment.bytes"] = integer(14, 0x7FFFFFFF),
  ["segment.index.bytes"] = integer(4, 0x7FFFFFFF),
  ["segment.jitter.ms"] = integer(0),
  ["segment.ms"] = integer(1),
  ["unclean.leader.election.enable"] = boolean,
}

-- Changes that can lose records or turn away a client. "smaller" and "larger" read a negative number
-- as one without limit.
---@type table<string, "smaller"|"larger"|"true"|"any">
local RISKS <const> = {
  ["cleanup.policy"] = "any",
  ["delete.retention.ms"] = "smaller",
  ["local.retention.bytes"] = "smaller",
  ["local.retention.ms"] = "smaller",
  ["max.message.bytes"] = "smaller",
  ["message.format.version"] = "any",
  ["message.timestamp.after.max.ms"] = "smaller",
  ["message.timestamp.before.max.ms"] = "smaller",
  ["message.timestamp.difference.max.ms"] = "smaller",
  ["message.timestamp.type"] = "any",
  ["min.insync.replicas"] = "larger",
  ["remote.log.delete.on.disable"] = "true",
  ["remote.storage.enable"] = "any",
  ["retention.bytes"] = "smaller",
  ["retention.ms"] = "smaller",
  ["unclean.leader.election.enable"] = "true",
}

local names = {}
for name in pairs(PROPERTIES) do names[#names + 1] = name end
table.sort(names)

---The names of all that are known, sorted.
---@type string[]
M.names = names

---The known property nearest to a name that is not known.
---@param name string
---@return string? nearest
function M.nearest(name)
  return not PROPERTIES[name] and kafka.nearest(name, names) or nil
end

local function range(property)
  if not property.max then return ("from %d on"):format(property.min) end
  return ("from %d to %d"):format(property.min, property.max)
end

local function check_number(property, value)
  local number = value:find("^%-?%d[%d.eE+-]*$") and tonumber(value)
  if property.kind == "integer" then number = value:find("^%-?%d+$") and math.tointeger(value) end
  if not number or number < property.min or number > (property.max or math.huge) then
    return ("a%s number %s"):format(property.kind == "integer" and " whole" or "", range(property))
  end
end

local function list(set)
  local sorted = {}
  for word in pairs(set) do sorted[#sorted + 1] = word end
  table.sort(sorted)
  return table.concat(sorted, ", ")
end

local checks = {
  integer = check_number,
  number = check_number,
  boolean = function(_, value)
    if value ~= "true" and value ~= "false" then return "true or false" end
  end,
  word = function(property, value)
    local legal = property.words
    if legal and not legal[value] then return "one of " .. list(legal) end
  end,
  words = function(property, value)
    for word in value:gmatch("[^,]+") do
      if not property.words[word] then return "some of " .. list(property.words) end
    end
  end,
}

---Checks a value.
---@param name string
---@param value string as Kafka prints it
---@return string? expected what it should be; nil when it is fine or the property is not known
function M.check(name, value)
  local property = PROPERTIES[name]
  return property and checks[property.kind](property, value)
end

-- "compact,delete" in sorted order.
local function sorted_list(value)
  local items = {}
  for item in value:gmatch("[^,%s]+") do items[#items + 1] = item end
  table.sort(items)
  return table.concat(items, ",")
end

---Do two values mean the same to Kafka?
---@param left string
---@param right string
---@param unordered? boolean they are lists whose order does not matter
---@return boolean
function M.equal(left, right, unordered)
  if left == right then return true end
  if unordered then return sorted_list(left) == sorted_list(right) end
  local a, b = tonumber(left), tonumber(right)
  return a ~= nil and a == b
end

-- A limit as a number; a negative one means that there is none.
local function amount(value)
  local number = tonumber(value)
  if number and number < 0 then return math.huge end
  return number
end

---Can it lose records or turn away a client when the property changes? Yes for a property that is
---not known here.
---@param name string
---@param from string? nil when it is not known
---@param to string? nil for the broker's own value, whatever that is
---@return boolean
function M.is_risky(name, from, to)
  local risk = RISKS[name]
  if not risk then return PROPERTIES[name] == nil end
  if risk == "any" or not to then return true end
  if risk == "true" then return to == "true" end
  local before, after = amount(from), amount(to)
  if not before or not after then return true end
  if risk == "smaller" then return after < before end
  return after > before
end

local UNITS <const> = {
  ms = { { "d", 86400000 }, { "h", 3600000 }, { "min", 60000 }, { "s", 1000 } },
  bytes = { { " GiB", 1 << 30 }, { " MiB", 1 << 20 }, { " KiB", 1 << 10 } },
}

---A value as a person reads it: "604800000 (7d)".
---@param name string
---@param value string
---@return string
function M.describe(name, value)
  local units, number = UNITS[name:match("[^.]+$")], math.tointeger(tonumber(value))
  if not units or not number then return value end
  if number == -1 then return value .. " (no limit)" end
  for _, unit in ipairs(units) do
    if number > 0 and number % unit[2] == 0 then
      return ("%s (%d%s)"):format(value, number // unit[2], unit[1])
    end
  end
  return value
end

---Is the property a list whose order does not matter?
---@param name string
---@return boolean
function M.is_list(name)
  local property = PROPERTIES[name]
  return property ~= nil and property.kind == "words"
end

return M
