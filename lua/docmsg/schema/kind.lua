-- SPDX-License-Identifier: MIT
-- The kinds of schemas: their limits, and how each describes itself. What they accept and how they
-- are written is in C, see docmsg.schema.program.
local M = {}

---@class docmsg.schema.Kind
---@field name string
---@field limits? table<string, string> what a limit is: name -> type
---@field container? boolean it has parts
---@field describe fun(schema: docmsg.schema.Schema): string "an integer >= 0"

---@param name string
---@param kind table
local function define(name, kind)
  kind.name = name
  M[name] = kind
end

local function constant(text)
  return function() return text end
end

-- " >= 0", " from 1 to 5", or nothing.
local function range(limits, unit)
  local low, high = limits.min, limits.max
  if low and high then return (" from %s to %s%s"):format(low, high, unit) end
  if low or high then return (" %s %s%s"):format(low and ">=" or "<=", low or high, unit) end
  return ""
end

-- == Values without parts ==

local function describe_string(schema)
  local limits = schema.limits
  local words = { "a string" }
  if limits.min or limits.max then words[2] = "of" .. range(limits, " bytes"):gsub("^ from", "") end
  if limits.control == false then words[#words + 1] = "without control characters" end
  if limits.pattern then words[#words + 1] = ("that matches %q"):format(limits.pattern) end
  return table.concat(words, " ")
end

define("string", {
  limits = { min = "count", max = "count", pattern = "pattern", control = "boolean", check = "function" },
  describe = describe_string,
})

define("datetime", {
  limits = { check = "function" },
  describe = constant('a datetime such as "2026-01-31T12:00:00Z"'),
})

define("enum", {
  describe = function(schema)
    local quoted = {}
    for i, word in ipairs(schema.words) do quoted[i] = ("%q"):format(word) end
    return "one of " .. table.concat(quoted, ", ")
  end,
})

define("integer", {
  limits = { min = "integer", max = "integer", check = "function" },
  describe = function(schema) return "an integer" .. range(schema.limits, "") end,
})

define("number", {
  limits = { min = "number", max = "number", check = "function" },
  describe = function(schema) return "a number" .. range(schema.limits, "") end,
})

define("boolean", { limits = { check = "function" }, describe = constant "true or false" })
define("any", { limits = { check = "function" }, describe = constant "a value" })
define("object", { limits = { check = "function" }, describe = constant "an object" })

-- == Values with parts ==

local function counted(limits)
  local low, high = limits.min, limits.max
  if low and high then return (" of %d to %d items"):format(low, high) end
  if low then return (" of at least %d item%s"):format(low, low == 1 and "" or "s") end
  if high then return (" of at most %d item%s"):format(high, high == 1 and "" or "s") end
  return ""
end

define("record", { container = true, limits = { check = "function" }, describe = constant "an object" })
define("map", { container = true, limits = { check = "function" }, describe = constant "an object" })

define("array", {
  container = true,
  limits = { min = "count", max = "count", check = "function" },
  describe = function(schema) return "an array" .. counted(schema.limits) end,
})

define("tuple", {
  container = true,
  describe = function(schema) return ("an array of %d items"):format(#schema.items) end,
})

-- == Values that may be absent ==

define("optional", { describe = function(schema) return schema.inner.what .. " or null" end })
define("default", { describe = function(schema) return schema.inner.what end })

return M
