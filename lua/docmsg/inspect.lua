-- SPDX-License-Identifier: MIT
-- Shows any value as a person reads it: as Lua where Lua can write it, never raising, bounded.
local M = {}

local WIDTH = 80
local DEPTH = 8
local ITEMS = 2000
local STRING_BYTES = 8192

local KEYWORDS = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat
  return then true until while]]):gmatch("%a+") do
  KEYWORDS[word] = true
end

local ESCAPES = { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

---@param byte string
---@return string
local function escape_byte(byte)
  return ESCAPES[byte] or ("\\x%02X"):format(byte:byte())
end

---@param text string
---@return string
local function quote(text)
  local shown = #text > STRING_BYTES and text:sub(1, STRING_BYTES) or text
  local parts, position = {}, 1
  while position <= #shown do
    local _, bad = utf8.len(shown, position)
    local valid = shown:sub(position, bad and bad - 1)
    parts[#parts + 1] = valid:gsub('[%c\\"]', escape_byte)
    if not bad then
      break
    end
    parts[#parts + 1] = escape_byte(shown:sub(bad, bad))
    position = bad + 1
  end
  local cut = #text > #shown and (" … (%d bytes)"):format(#text) or ""
  return '"' .. table.concat(parts) .. '"' .. cut
end

---@param number number
---@return string
local function write_number(number)
  if math.type(number) == "integer" then
    return ("%d"):format(number)
  elseif number ~= number then
    return "nan"
  elseif number == math.huge or number == -math.huge then
    return number > 0 and "math.huge" or "-math.huge"
  end
  local text = ("%.14g"):format(number)
  if tonumber(text) ~= number then
    text = ("%.17g"):format(number)
  end
  return text:find("[.e]") and text or text .. ".0"
end

---@param value any
---@return string
local function write_opaque(value)
  local ok, text = pcall(tostring, value)
  return ok and tostring(text) or ("<%s whose __tostring fails>"):format(type(value))
end

local RANK = { number = 1, string = 2, boolean = 3 }

local function before(a, b)
  local rank_a, rank_b = RANK[type(a)] or 4, RANK[type(b)] or 4
  if rank_a ~= rank_b then
    return rank_a < rank_b
  elseif rank_a <= 2 then
    return a < b
  end
  return tostring(rank_a == 3 and a or type(a)) < tostring(rank_b == 3 and b or type(b))
end

---The keys outside the list part, in a stable order.
---@param value table
---@param length integer
---@return any[]
local function other_keys(value, length)
  local keys = {}
  for key in next, value do
    if math.type(key) ~= "integer" or key < 1 or key > length then
      keys[#keys + 1] = key
    end
  end
  table.sort(keys, before)
  return keys
end

---@param items string[]
---@param indent string
---@return string
local function join(items, indent)
  if #items == 0 then
    return "{}"
  end
  local line = "{ " .. table.concat(items, ", ") .. " }"
  if #indent + utf8.len(line, 1, -1, true) <= WIDTH and not line:find("\n", 1, true) then
    return line
  end
  local inner = indent .. "  "
  return "{\n" .. inner .. table.concat(items, ",\n" .. inner) .. "\n" .. indent .. "}"
end

local write

---@param key any
---@param state table
---@return string
local function write_key(key, state)
  if type(key) == "string" and key:find("^[%a_][%w_]*$") and not KEYWORDS[key] then
    return key
  end
  return "[" .. write(key, state, "", 1) .. "]"
end

---@param value table
---@param state table
---@param indent string
---@param depth integer
---@return string
local function write_table(value, state, indent, depth)
  if state.open[value] then
    return "<cycle>"
  elseif depth > DEPTH then
    return next(value) == nil and "{}" or "{ … }"
  end
  state.open[value] = true
  local items, inner, length = {}, indent .. "  ", rawlen(value)
  local function add(text)
    state.items = state.items + 1
    items[#items + 1] = text
    return state.items < ITEMS
  end
  local room = state.items < ITEMS
  for index = 1, room and length or 0 do
    room = add(write(rawget(value, index), state, inner, depth + 1))
    if not room then break end
  end
  for _, key in ipairs(room and other_keys(value, length) or {}) do
    room = add(write_key(key, state) .. " = " .. write(value[key], state, inner, depth + 1))
    if not room then break end
  end
  if not room then
    items[#items + 1] = "…"
  end
  state.open[value] = nil
  return join(items, indent)
end

---@param value userdata a docmsg.Message shows its fields
---@return string? text
local function write_message(value, state, indent, depth)
  local ok, copy = pcall(function() return value:copy() end)
  if ok and type(copy) == "table" then
    return "docmsg.Message " .. write_table(copy, state, indent, depth)
  end
end

---@param value any
---@param state table
---@param indent string
---@param depth integer
---@return string
function write(value, state, indent, depth)
  local kind = type(value)
  if kind == "string" then
    return quote(value)
  elseif kind == "number" then
    return write_number(value)
  end
  local meta = debug.getmetatable(value)
  if kind == "table" and not (type(meta) == "table" and rawget(meta, "__tostring")) then
    return write_table(value, state, indent, depth)
  elseif kind == "userdata" and type(meta) == "table" and rawget(meta, "__name") == "docmsg.Message" then
    return write_message(value, state, indent, depth) or write_opaque(value)
  end
  return write_opaque(value)
end

---Shows a value: strings quoted with bytes that are not text escaped, tables as constructors with
---their keys sorted, cycles marked.
---@param value any
---@return string
function M.inspect(value)
  return write(value, { open = {}, items = 0 }, "", 1)
end

return M
