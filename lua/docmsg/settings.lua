-- SPDX-License-Identifier: MIT
-- Checks a table of options against a table that says what may be in it. Misuse raises, with the
-- nearest name for one that is unknown.
--
--   local OPTIONS <const> = {
--     workers = { kind = "integer", min = 0, max = 256 },
--     order = { kind = "choice", "key", "partition", "none", default = "key" },
--     timeout = { kind = "duration", default = "5m" },      -- result: timeout_ms
--     retry = { kind = "table", fields = { attempts = { kind = "integer", min = 1, default = 4 } } },
--   }
--   local settings = settings.read(OPTIONS, options, "app:consumer", 2)
local M = {}

---@class docmsg.Setting
---@field kind "integer"|"number"|"boolean"|"string"|"choice"|"duration"|"size"|"strings"|"function"|"table"|"any"
---@field default? any as a user would write it
---@field min? number
---@field max? number
---@field required? boolean
---@field fields? table<string, docmsg.Setting> of a table; without it the table is taken as it is

local UNITS <const> = { [""] = 1, KiB = 1 << 10, MiB = 1 << 20, GiB = 1 << 30 }

local function show(value)
  return require("docmsg.schema.value").show(value)
end

local function within(number, setting)
  return number >= (setting.min or -math.huge) and number <= (setting.max or math.huge)
end

local function range(setting)
  local low, high = setting.min, setting.max
  if low and high then return (" from %s to %s"):format(low, high) end
  return low and (" from %s on"):format(low) or ""
end

-- Each gives the value as it is kept, or nil and what was expected.
local read = {}

function read.integer(value, setting)
  local number = type(value) == "number" and math.tointeger(value)
  if number and within(number, setting) then return number end
  return nil, "an integer" .. range(setting)
end

function read.number(value, setting)
  if type(value) == "number" and value == value and within(value, setting) then return value end
  return nil, "a number" .. range(setting)
end

function read.boolean(value)
  if type(value) == "boolean" then return value end
  return nil, "true or false"
end

function read.string(value)
  if type(value) == "string" and value ~= "" then return value end
  return nil, "a string that is not empty"
end

function read.choice(value, setting)
  local quoted = {}
  for i, choice in ipairs(setting) do
    if choice == value then return value end
    quoted[i] = ("%q"):format(choice)
  end
  return nil, table.concat(quoted, ", ", 1, #quoted - 1) .. " or " .. quoted[#quoted]
end

function read.duration(value)
  if type(value) == "string" then
    local ok, milliseconds = pcall(require("docmsg.kafka").duration, value)
    if ok and milliseconds >= 0 then return milliseconds end
  end
  return nil, 'a duration such as "500ms", "30s" or "5m"'
end

function read.size(value)
  if math.type(value) == "integer" and value > 0 then return value end
  local number, unit = tostring(value):match("^(%d+)(%a*)$")
  local bytes = number and UNITS[unit] and math.tointeger(tonumber(number) * UNITS[unit])
  if type(value) == "string" and bytes and bytes > 0 then return bytes end
  return nil, 'a size such as "64MiB"'
end

function read.strings(value)
  local copy = {}
  for i, item in ipairs(type(value) == "table" and value or {}) do
    if type(item) ~= "string" or item == "" then return nil, "a list of strings" end
    copy[i] = item
  end
  if type(value) ~= "table" or next(value, #copy > 0 and #copy or nil) ~= nil then
    return nil, "a list of strings"
  end
  return copy
end

read["function"] = function(value)
  if type(value) == "function" then return value end
  return nil, "a function"
end

function read.table(value)
  if type(value) == "table" then return value end
  return nil, "a table"
end

function read.any(value) return value end

---The names a table may have, sorted.
local function names_of(fields)
  local names = {}
  for name, setting in pairs(fields) do
    names[#names + 1] = name
    if setting.kind == "duration" then names[#names + 1] = name .. "_ms" end
  end
  table.sort(names)
  return names
end

local function is_known(fields, name)
  if fields[name] then return true end
  local duration = type(name) == "string" and fields[name:match "^(.*)_ms$"]
  return duration and duration.kind == "duration"
end

local function refuse_unknown(fields, options, where, level)
  for name in pairs(options) do
    if not is_known(fields, name) then
      error(("%s: unknown option %s%s"):format(where, show(name), M.nearest(name, names_of(fields))), level + 1)
    end
  end
end

-- A duration may be given as "30s", or in milliseconds under a name that says so.
local function read_duration(name, setting, options, where, level)
  local given, exact = options[name], options[name .. "_ms"]
  if given ~= nil and exact ~= nil then
    error(("%s: %s and %s_ms exclude each other"):format(where, name, name), level + 1)
  elseif exact ~= nil then
    local value, expected = read.integer(exact, { min = 0 })
    if value then return value end
    error(("%s: %s_ms must be %s, not %s"):format(where, name, expected, show(exact)), level + 1)
  end
  if given == nil then given = setting.default end
  if given == nil then return nil end
  local value, expected = read.duration(given)
  if value then return value end
  error(("%s: %s must be %s, not %s"):format(where, name, expected, show(given)), level + 1)
end

local function read_one(name, setting, options, where, level)
  local given = options[name]
  if given == nil then given = setting.default end
  if given == nil and setting.required then
    error(("%s: %s is missing"):format(where, name), level + 1)
  elseif given == nil then
    return nil
  end
  local value, expected = read[setting.kind](given, setting)
  if expected then
    error(("%s: %s must be %s, not %s"):format(where, name, expected, show(given)), level + 1)
  end
  if setting.fields then return M.read(setting.fields, value, where .. ": " .. name, level) end
  return value
end

---Says which name was probably meant: "; did you mean 'workers'?", or which there are.
---@param name any
---@param names string[]
---@return string
function M.nearest(name, names)
  local nearest = type(name) == "string" and require("docmsg.kafka").nearest(name, names)
  if nearest then return ("; did you mean '%s'?"):format(nearest) end
  return #names > 0 and "; there are " .. table.concat(names, ", ") or ""
end

---Checks options; raises when one is unknown or malformed.
---@param fields table<string, docmsg.Setting>
---@param options table? nil is an empty one
---@param where string who takes them, in messages
---@param level? integer whom errors blame, as for `error`; default 1, the caller
---@return table settings a new table with defaults; durations in milliseconds, under "<name>_ms"
function M.read(fields, options, where, level)
  level = (level or 1) + 1
  if options == nil then options = {} end
  if type(options) ~= "table" then
    error(("%s: options are a table, not %s"):format(where, show(options)), level)
  end
  refuse_unknown(fields, options, where, level)
  local settings = {}
  for name, setting in pairs(fields) do
    if setting.kind == "duration" then
      settings[name .. "_ms"] = read_duration(name, setting, options, where, level)
    else
      settings[name] = read_one(name, setting, options, where, level)
    end
  end
  return settings
end

return M
