-- SPDX-License-Identifier: MIT
-- What the generated code of a schema calls: values in messages, datetimes, copies, the fields
-- that a record does not declare.
local json = require "docmsg.json"

local M = {}

local byte, find, sub = string.byte, string.find, string.sub
local math_type, tointeger = math.type, math.tointeger
local write_string = json.write_string

local SHOWN_BYTES <const> = 60
-- From here on a float no longer tells neighbouring integers apart.
local EXACT <const> = 0x1p53

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

-- == Datetimes ==

local DAYS <const> = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }
local SEPARATORS <const>, Z <const> = (">I5"):unpack("--T::"), ("Z"):byte()
local SHORTEST <const> = #"2026-01-31T12:00:00Z"

-- What two digits say, by their bytes; 100 for anything else.
local function two_digits()
  local numbers = {}
  for number = 0, 99 do
    local tens, units = ("%02d"):format(number):byte(1, 2)
    numbers[tens << 8 | units] = number
  end
  return setmetatable(numbers, { __index = function() return 100 end })
end

local TWO <const> = two_digits()

local function is_leap(year)
  return year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
end

-- Is what follows the seconds a fraction or nothing, and then UTC?
local function ends_well(text)
  local rest = sub(text, SHORTEST):gsub("^%.%d+", "")
  return rest == "Z" or rest == "+00:00"
end

local function check_datetime(text)
  if #text < SHORTEST then return false end
  local c1, c2, y1, y2, a, m1, m2, b, d1, d2, c, h1, h2, d, i1, i2, e, s1, s2, last = byte(text, 1, SHORTEST)
  if (a << 32 | b << 24 | c << 16 | d << 8 | e) ~= SEPARATORS then return false end
  local century, year, month, day = TWO[c1 << 8 | c2], TWO[y1 << 8 | y2], TWO[m1 << 8 | m2], TWO[d1 << 8 | d2]
  if century > 99 or year > 99 or day < 1 or day > (DAYS[month] or 0) then return false end
  if TWO[h1 << 8 | h2] > 23 or TWO[i1 << 8 | i2] > 59 or TWO[s1 << 8 | s2] > 60 then return false end
  if (last ~= Z or #text > SHORTEST) and not ends_well(text) then return false end
  return day ~= 29 or month ~= 2 or is_leap(century * 100 + year)
end

-- What was read is often written next, and many events are of the same moment.
local last_datetime

---Is the text a point in time as RFC 3339 writes it, in UTC?
---@param text string
---@return boolean
function M.is_datetime(text)
  if text == last_datetime then return true end
  local valid = check_datetime(text)
  if valid then last_datetime = text end
  return valid
end

-- == Strings ==

---Has the text a control character? Whatever needs no escape in JSON has none, and lua-cjson is
---faster than a pattern.
---@param text string
---@return boolean
function M.has_control(text)
  return #write_string(text) ~= #text + 2 and find(text, "%c") ~= nil
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

-- == Numbers ==

---An integer as a float.
---@param number integer
---@return number? float nil when it would lose digits
function M.to_float(number)
  local float = number + 0.0
  if number <= EXACT and number >= -EXACT or tointeger(float) == number then return float end
end

-- == Containers ==

---Is the table a list without holes or other keys?
---@param items table
---@return boolean
function M.is_list(items)
  local count = rawlen(items)
  if next(items, count > 0 and count or nil) == nil then return true end
  local seen = 0
  for key in next, items do
    if math_type(key) ~= "integer" or key < 1 or key > count then return false end
    seen = seen + 1
  end
  return seen == count
end

---The path of a field.
---@param name any
---@return string ".name", or '["other name"]'
function M.step(name)
  if type(name) == "number" then return ("[%s]"):format(M.show(name)) end
  if type(name) ~= "string" then return ("[%s]"):format(type(name)) end
  return find(name, "^[%a_][%w_]*$") and "." .. name or ("[%s]"):format(M.show(name))
end

---Settles the fields of a parsed record that it does not declare: they are kept.
---@param record table
---@param known table<string, true>
---@param settled boolean they are already
---@return any reason
---@return string? path
function M.settle_others(record, known, settled)
  for name, value in next, record do
    if not known[name] then
      if type(name) ~= "string" then return M.expected("an object", record), "" end
      if not settled then
        local result, reason = json.settle(value)
        if reason then return reason, M.step(name) end
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
    local text, reason = json.encode(record[name])
    if not text then return nil, reason, M.step(name) end
    parts[#parts + 1] = (",%s:%s"):format(json.write_string(name), text)
  end
  return table.concat(parts)
end

return M
