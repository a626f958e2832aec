-- SPDX-License-Identifier: MIT
-- JSON with exact numbers and UTF-8 only. lua-cjson parses, and writes strings; structure and
-- numbers are written here, because it makes every number a float of 14 digits and has no empty
-- array.
local cjson = require("cjson").new()

local M = {}

local DEPTH <const> = 100
-- From here on a float no longer tells neighbouring integers apart.
local EXACT <const> = 1 << 53

cjson.decode_invalid_numbers(false)
cjson.decode_max_depth(DEPTH)

---JSON's null, in both directions.
M.null = cjson.null

local Array = { __name = "docmsg.json.array" }

---Marks a table as an array, which matters when it is empty.
---@generic T
---@param items T[]
---@return T[] items the same table
function M.array(items)
  return setmetatable(items, Array)
end

local write

local function write_string(text)
  local valid, at = utf8.len(text)
  if not valid then error({ ("byte %d of a string is not UTF-8"):format(at) }) end
  return cjson.encode(text)
end

local function write_number(number)
  if math.type(number) == "integer" then return ("%d"):format(number) end
  if number ~= number or number == math.huge or number == -math.huge then
    error({ "JSON has no " .. tostring(number) })
  end
  return ("%.17g"):format(number)
end

local function write_array(items, depth)
  local parts, count = {}, #items
  for i = 1, count do parts[i] = write(items[i], depth) end
  for key in pairs(items) do
    if math.type(key) ~= "integer" or key < 1 or key > count then
      error({ "an array has the key " .. tostring(key) })
    end
  end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function write_object(object, depth)
  local names, parts = {}, {}
  for name in pairs(object) do
    if type(name) ~= "string" then error({ "an object has the key " .. tostring(name) }) end
    names[#names + 1] = name
  end
  table.sort(names)
  for i, name in ipairs(names) do
    parts[i] = write_string(name) .. ":" .. write(object[name], depth)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function write_table(value, depth)
  if depth > DEPTH then error({ ("nested deeper than %d"):format(DEPTH) }) end
  local is_array = getmetatable(value) == Array or value[1] ~= nil
  return (is_array and write_array or write_object)(value, depth + 1)
end

local writers = {
  string = write_string,
  number = write_number,
  boolean = tostring,
  table = write_table,
}

function write(value, depth)
  if value == M.null then return "null" end
  local writer = writers[type(value)]
  if not writer then error({ "JSON cannot hold a " .. type(value) }) end
  return writer(value, depth)
end

-- Errors of our own are raised in a table; anything else is a defect and goes on.
local function reason_of(err)
  if type(err) == "table" then return err[1] end
  error(err, 0)
end

---Writes a value as JSON, the names of an object in sorted order.
---@param value any a table with [1] or made by `array` is an array, another an object
---@return string? json
---@return string? reason
function M.encode(value)
  local ok, result = pcall(write, value, 0)
  if ok then return result end
  return nil, reason_of(result)
end

-- Floats that are whole become integers; those that lost digits are an error.
local function exact(value)
  if type(value) == "table" then
    for key, item in pairs(value) do value[key] = exact(item) end
  elseif math.type(value) == "float" then
    if value >= EXACT or value <= -EXACT then
      error({ ("the number %.17g cannot be carried exactly"):format(value) })
    end
    return math.tointeger(value) or value
  end
  return value
end

---Reads JSON. Whole numbers become integers.
---@param text string
---@return any value `null` stands for JSON's null; nil when the text is no JSON
---@return string? reason
function M.decode(text)
  local valid, at = utf8.len(text)
  if not valid then return nil, ("byte %d is not UTF-8"):format(at) end
  local parsed, value = pcall(cjson.decode, text)
  if not parsed then return nil, ("no JSON: %s"):format(value) end
  local ok, result = pcall(exact, value)
  if ok then return result end
  return nil, reason_of(result)
end

return M
