-- SPDX-License-Identifier: MIT
-- JSON with exact numbers and UTF-8 only: the one door to lua-cjson, which parses, and writes
-- strings. Structure and numbers are written here, because it makes every number a float of 14
-- digits and has no empty array. What most texts look like is read in C, docmsg.schema.core, and
-- lua-cjson is asked about the rest.
--
-- A number without fraction and exponent becomes an integer, or is an error when 64 bits do not
-- hold it. Any other becomes the nearest float; when that is whole and below 2^53, an integer too.
local cjson = require("cjson").new()
local core = require "docmsg.schema.core"

local find, sub, match = string.find, string.sub, string.match
local math_type, tointeger = math.type, math.tointeger
local find_invalid_utf8, write_float = core.invalid_utf8, core.write_float
local parse_json = cjson.decode

local M = {}

local DEPTH <const> = 100
-- From here on a float no longer tells neighbouring integers apart.
local EXACT <const> = 0x1p53

cjson.decode_invalid_numbers(false)
cjson.decode_max_depth(DEPTH)

---JSON's null, in both directions.
M.null = cjson.null

local NULL <const> = M.null

local Array = { __name = "docmsg.json.array" }

---Marks a table as an array, which matters when it is empty.
---@generic T
---@param items T[]
---@return T[] items the same table
function M.array(items)
  return setmetatable(items, Array)
end

---Says that a string is not UTF-8. Bytes that are not UTF-8 neither leave as JSON nor come in.
---@param text string
---@return string? reason nil when the text is UTF-8
function M.invalid_utf8(text)
  local at = find_invalid_utf8(text)
  if at then return ("byte %d of a string is not UTF-8"):format(at) end
end

---Writes a string that is known to be UTF-8.
---@type fun(text: string): string
M.write_string = cjson.encode

-- == Writing ==

-- Why a value cannot be JSON, on its way up to `encode`.
local Refusal = { __name = "docmsg.json.refusal" }

local function refuse(format, ...)
  error(setmetatable({ reason = format:format(...) }, Refusal))
end

local write_string = M.write_string
local write

local function write_number(number)
  if math_type(number) == "integer" then return ("%d"):format(number) end
  if number - number ~= 0 then refuse("JSON has no %s", tostring(number)) end
  return write_float(number)
end

local function write_array(items, depth)
  local parts, count = {}, #items
  for i = 1, count do parts[i] = write(items[i], depth) end
  for key in pairs(items) do
    if math_type(key) ~= "integer" or key < 1 or key > count then
      refuse("an array has the key %s", tostring(key))
    end
  end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function write_object(object, depth)
  local names, count = {}, 0
  for name in pairs(object) do
    if type(name) ~= "string" then refuse("an object has the key %s", tostring(name)) end
    count = count + 1
    names[count] = name
  end
  if count > 1 then table.sort(names) end
  for i = 1, count do
    local name = names[i]
    names[i] = write_string(name) .. ":" .. write(object[name], depth)
  end
  return "{" .. table.concat(names, ",") .. "}"
end

-- Strings are taken as they are: whether they are UTF-8 is seen at the end, for all of them at once.
function write(value, depth)
  local kind = type(value)
  if kind == "string" then return write_string(value) end
  if kind == "number" then return write_number(value) end
  if kind == "boolean" then return value and "true" or "false" end
  if value == NULL then return "null" end
  if kind ~= "table" then refuse("JSON cannot hold a %s", kind) end
  if depth > DEPTH then refuse("nested deeper than %d", DEPTH) end
  local is_array = value[1] ~= nil or getmetatable(value) == Array
  return (is_array and write_array or write_object)(value, depth + 1)
end

-- The first string of a value that is not UTF-8.
local function find_invalid(value)
  if type(value) == "string" then return M.invalid_utf8(value) end
  if type(value) ~= "table" then return nil end
  for name, item in pairs(value) do
    local reason = find_invalid(name) or find_invalid(item)
    if reason then return reason end
  end
end

---Writes a value as JSON, the names of an object in sorted order.
---@param value any a table with [1] or made by `array` is an array, another an object
---@return string? json
---@return string? reason
function M.encode(value)
  local ok, result = pcall(write, value, 0)
  if ok and not find_invalid_utf8(result) then return result end
  if ok then return nil, find_invalid(value) end
  if getmetatable(result) == Refusal then return nil, result.reason end
  error(result, 0)
end

-- == Reading ==
--
-- What lua-cjson makes of a text hides two things: a float of 2^53 or more may have lost digits,
-- and an empty table may have been an array. Both are rare, so values are looked at after parsing,
-- and only when one is doubtful the text is read again with marks: integers of 16 digits and more,
-- and empty arrays, become strings that begin with a byte that is never in UTF-8.

local MARK <const> = "\xFF"

---Stands for a reason: the value is doubtful, read its text with `decode`.
M.DOUBTFUL = setmetatable({}, { __name = "docmsg.json.doubtful" })

local DOUBTFUL <const> = M.DOUBTFUL

-- The end of the string that begins at `at`.
local function skip_string(text, at)
  repeat
    at = find(text, '["\\]', at + 1)
    local closed = sub(text, at, at) == '"'
    if not closed then at = at + 1 end
  until closed
  return at
end

-- The end of the token at `at`, and what shall stand in its place, if anything.
local function mark_token(text, at)
  local first = sub(text, at, at)
  if first == '"' then return skip_string(text, at) end
  if first == "[" then
    local _, closing = find(text, "^%[%s*%]", at)
    return closing or at, closing and MARK .. "["
  end
  local _, last, digits = find(text, "^(%-?%d+)", at)
  if not find(text, "^[.eE]", last + 1) then
    return last, #digits >= 16 and MARK .. digits
  end
  return select(2, find(text, "^[%d.eE+-]+", at))
end

-- The JSON text with its doubtful values marked. It is known to be JSON.
local function mark(text)
  local parts, done, at = {}, 1, find(text, '["%[%d-]')
  while at do
    local last, marked = mark_token(text, at)
    if marked then
      parts[#parts + 1] = sub(text, done, at - 1) .. '"' .. marked .. '"'
      done = last + 1
    end
    at = find(text, '["%[%d-]', last + 1)
  end
  parts[#parts + 1] = sub(text, done)
  return table.concat(parts)
end

local function unmark(text)
  if text == MARK .. "[" then return M.array {} end
  local number = math_type(tonumber(sub(text, 2))) == "integer" and tonumber(sub(text, 2))
  if number then return number end
  return nil, ("the number %s cannot be carried exactly: it needs more than 64 bits")
    :format(sub(text, 2, 41))
end

local settle

-- In place. Existing fields may be assigned to while the table is traversed.
local function settle_table(value, marked)
  if not marked and next(value) == nil then return nil, DOUBTFUL end
  for key, item in next, value do
    local kind = type(item)
    if kind == "number" and item < EXACT and item > -EXACT then
      local whole = item // 1
      if whole == item then value[key] = whole | 0 end
    elseif kind == "number" or kind == "table" or kind == "string" and marked then
      local settled, reason = settle(item, marked)
      if reason then return nil, reason end
      value[key] = settled
    end
  end
  return value
end

---Makes whole numbers integers in what `parse` gave, in place.
---@param value any
---@param marked boolean has the text been read with marks?
---@return any value
---@return any reason DOUBTFUL when the text must be read again
function settle(value, marked)
  local kind = math_type(value)
  if kind == "integer" then
    -- A newer lua-cjson stops here when the text has a larger one.
    local is_limit = value == math.maxinteger or value == math.mininteger
    if is_limit and not marked then return nil, DOUBTFUL end
  elseif kind == "float" then
    if value < EXACT and value > -EXACT then return tointeger(value) or value end
    if not marked then return nil, DOUBTFUL end
    if value - value ~= 0 then return nil, "a number is too large for a float" end
  elseif type(value) == "table" then
    return settle_table(value, marked)
  elseif marked and type(value) == "string" and sub(value, 1, 1) == MARK then
    return unmark(value)
  end
  return value
end

---Makes whole numbers of a parsed value integers, in place.
---@param value any from `parse`
---@return any value
---@return any reason `DOUBTFUL`: digits may be lost, or an empty array is taken for an object
function M.settle(value)
  return settle(value, false)
end

---Reads JSON without looking at its values: numbers are as lua-cjson makes them. For those who
---look at each value themselves.
---@param text string
---@return any value nil when the text is no JSON
---@return string? reason
function M.parse(text)
  local at = find_invalid_utf8(text)
  if at then return nil, ("byte %d is not UTF-8"):format(at) end
  -- lua-cjson would take it for the end.
  at = find(text, "\0", 1, true)
  if at then return nil, ("no JSON: byte %d is NUL"):format(at) end
  local parsed, value = pcall(parse_json, text)
  if parsed then return value end
  return nil, "no JSON: " .. match(value, "[^\n]*")
end

-- What C needs to read JSON: lua-cjson for strings with escapes, the metatable of empty arrays.
M.parts = { parse_json, Array }

---Reads JSON as `decode` does, but nothing out of the ordinary.
---@type fun(text: string): any value nil: ask `decode`
M.read = core.reader(parse_json, Array)

local read = M.read

---Reads JSON. Whole numbers become integers.
---@param text string
---@return any value `null` stands for JSON's null; nil when the text is no JSON
---@return string? reason
function M.decode(text)
  local plain = read(text)
  if plain ~= nil then return plain end
  local value, reason = M.parse(text)
  if reason then return nil, reason end
  value, reason = settle(value, false)
  if reason == DOUBTFUL then value, reason = settle(parse_json(mark(text)), true) end
  return value, reason
end

return M
