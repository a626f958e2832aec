-- SPDX-License-Identifier: MIT
-- The only names a topic file can use.
local kafka = require "docmsg.kafka"

-- Not methods of strings: they are away while a topic file runs.
local find, format = string.find, string.format

local M = {}

local Set = { __name = "docmsg.topic.set" }

-- Said instead of a value, in a topic's config: no override, also where the defaults have one.
M.INHERIT = setmetatable({}, { __name = "INHERIT", __tostring = function() return "INHERIT" end })

---Is the value one that `set {…}` made?
---@param value any
---@return boolean
function M.is_set(value)
  return getmetatable(value) == Set
end

local function whole(number, unit, name, what)
  local result = type(number) == "number" and math.tointeger(number * unit)
  if not result then
    error(format("%s takes a number that comes to whole %s, not %s", name, what,
      tostring(number)), 3)
  end
  return result
end

local function units(functions, names, what)
  for name, unit in pairs(names) do
    functions[name] = function(number)
      local result = whole(number, unit, name, what)
      return result
    end
  end
end

local function set(items)
  if type(items) ~= "table" then error('set takes a list: set { "compact", "delete" }', 2) end
  local sorted = {}
  for i, item in ipairs(items) do
    if type(item) ~= "string" then error("set holds strings only", 2) end
    sorted[i] = item
  end
  table.sort(sorted)
  return setmetatable(sorted, Set)
end

local function environment_functions(functions, getenv)
  function functions.env(name, default)
    local value = getenv(name)
    if value and value ~= "" then return value end
    if default == nil then error(format("environment variable %s is not set", name), 2) end
    return default
  end

  function functions.env_int(name, default)
    local text = getenv(name)
    if not text or text == "" then
      if default == nil then error(format("environment variable %s is not set", name), 2) end
      return default
    end
    local value = find(text, "^%-?%d+$") and math.tointeger(text)
    if not value then error(format("environment variable %s is no whole number", name), 2) end
    return value
  end
end

---@class docmsg.topic.Hooks
---@field getenv fun(name: string): string?
---@field topic fun(name: string, attributes: table)
---@field defaults fun(attributes: table)

---Makes the environment of one topic file. Any other name raises, with the nearest legal one.
---@param hooks docmsg.topic.Hooks
---@return table environment
function M.new(hooks)
  local functions = {
    INHERIT = M.INHERIT, set = set, topic = hooks.topic, defaults = hooks.defaults,
  }
  units(functions, { days = 86400000, hours = 3600000, minutes = 60000 }, "milliseconds")
  units(functions, { KiB = 1 << 10, MiB = 1 << 20 }, "bytes")
  environment_functions(functions, hooks.getenv)
  local names = {}
  for name in pairs(functions) do names[#names + 1] = name end
  table.sort(names)
  return setmetatable(functions, {
    __index = function(_, name)
      local nearest = kafka.nearest(name, names)
      error(format("unknown name %q; %s", name, nearest and "did you mean " .. nearest .. "?"
        or "a topic file has only " .. table.concat(names, ", ")), 2)
    end,
    __newindex = function(_, name)
      error(format("%s: a topic file has no globals; write local %s", name, name), 2)
    end,
  })
end

return M
