-- SPDX-License-Identifier: MIT
-- What the program of a schema calls: values in messages, copies, the fields that a record does not
-- declare.
local json = require "docmsg.json"

local M = {}

local find, sub = string.find, string.sub
local math_type = math.type

local SHOWN_BYTES <const> = 60

---A value as a message shows it, shortened.
---@param value any
---@return string
function M.show(value)
  local kind = type(value)
  if value == nil then return "nothing" end
  if value == json.null then return "null" end
  if kind == "string" then
    local cut = #value > SHOWN_BYTES
    local text = cut and sub(value, 1, SHOWN_BYTES) or value
    text = ('"%s"'):format((text:gsub('[%c"\\\x80-\xff]', function(char)
      return char:byte() < 0x80 and ("\\x%02X"):format(char:byte()) or nil
    end)))
    return cut and ("%s… (%d bytes)"):format(text, #value) or text
  elseif kind == "number" then
    return math_type(value) == "integer" and ("%d"):format(value) or ("%.17g"):format(value)
  elseif kind == "table" then
    return rawget(value, 1) ~= nil and "an array" or "an object"
  end
  return kind == "boolean" and tostring(value) or "a " .. kind
end

---The reason for a value that is not what was expected.
---@param what string "an integer >= 0"
---@param value any
---@return string
function M.expected(what, value)
  return ("expected %s, got %s"):format(what, M.show(value))
end

---The reason for a list of the wrong length.
---@param what string
---@param count integer
---@return string
function M.counted(what, count)
  return ("expected %s, got %d"):format(what, count)
end

---The reason for a number that loses digits.
---@param number number
---@return string
function M.inexact(number)
  return ("the number %s cannot be carried exactly"):format(M.show(number))
end

---What a check function of the user said.
---@param why any
---@return string
function M.reason(why)
  return type(why) == "string" and why or "refused: " .. M.show(why)
end

-- == Copies ==

---@param value any
---@return any copy of tables and what is in them
function M.copy(value)
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, item in next, value do copy[key] = M.copy(item) end
  return setmetatable(copy, getmetatable(value))
end

---@param record table
---@return table copy that shares what is in it
function M.shallow(record)
  local copy = {}
  for name, value in next, record do copy[name] = value end
  return copy
end

-- == Containers ==

---The path of a field.
---@param name any
---@return string ".name", or '["other name"]'
function M.step(name)
  if type(name) == "number" then return ("[%s]"):format(M.show(name)) end
  if type(name) ~= "string" then return ("[%s]"):format(type(name)) end
  return find(name, "^[%a_][%w_]*$") and "." .. name or ("[%s]"):format(M.show(name))
end

---The names of a map, sorted.
---@param map table
---@return string[]? names
---@return string? reason
function M.names(map)
  local names = {}
  for name in next, map do
    if type(name) ~= "string" then return nil, M.expected("a string as name", name) end
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

---Settles the fields of a parsed record that it does not declare: they are kept.
---@param record table
---@param known table<string, true>
---@param settled boolean they are already
---@return nil
---@return any reason
---@return string? path
function M.settle_others(record, known, settled)
  for name, value in next, record do
    if not known[name] then
      if type(name) ~= "string" then return nil, M.expected("an object", record), "" end
      if not settled then
        local result, reason = json.settle(value)
        if reason then return nil, reason, M.step(name) end
        record[name] = result
      end
    end
  end
end

---Writes the fields of a record that it does not declare, in sorted order.
---@param record table
---@param known table<string, true>
---@return string? text ',"name":value…'
---@return string? reason
---@return string? path
function M.write_others(record, known)
  local names, parts = {}, {}
  for name in next, record do
    if not known[name] then
      if type(name) ~= "string" then
        return nil, ("a field's name is a string, not %s"):format(M.show(name)), ""
      end
      names[#names + 1] = name
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local label, text, reason
    label, reason = json.encode(name)
    if label then text, reason = json.encode(record[name]) end
    if not text then return nil, reason, M.step(name) end
    parts[#parts + 1] = (",%s:%s"):format(label, text)
  end
  return table.concat(parts)
end

return M
