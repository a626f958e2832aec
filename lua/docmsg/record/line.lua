-- SPDX-License-Identifier: MIT
-- A line of JSON, as `cat -J` prints it, as a record. Where it came from (topic, partition, offset) says
-- nothing about where it goes.
local base64 = require "docmsg.record.base64"
local json = require "docmsg.json"

local M = {}

local KNOWN <const> = { topic = true, partition = true, offset = true, timestamp = true, key = true, value = true,
  headers = true }

-- A string, null, or {"base64": "…"}. A false result is a reason to refuse.
local function bytes(value, what)
  if value == nil or value == json.null then return nil end
  if type(value) == "string" then return value end
  local text = type(value) == "table" and value.base64
  local decoded = type(text) == "string" and base64.decode(text)
  if decoded then return decoded end
  return nil, ('%s: a string, null or {"base64": "…"} expected'):format(what)
end

local function read_headers(list)
  if list == nil or list == json.null then return nil end
  if type(list) ~= "table" then return nil, 'headers: [["name", "value"], …] expected' end
  local headers = {}
  for i, pair in ipairs(list) do
    if type(pair) ~= "table" then return nil, ('headers: ["name", "value"] expected, entry %d is none'):format(i) end
    local name, wrong = bytes(pair[1], "header " .. i)
    local value, reason = bytes(pair[2], "header " .. i)
    if not name then return nil, wrong or ("header %d has no name"):format(i) end
    if reason then return nil, reason end
    headers[i] = { name, value }
  end
  return headers
end

local function check_names(object)
  for name in pairs(object) do
    if not KNOWN[name] then
      local names = {}
      for known in pairs(KNOWN) do names[#names + 1] = known end
      table.sort(names)
      local nearest = require("docmsg.bare").nearest(tostring(name), names)
      return ("unknown field '%s'%s"):format(name, nearest and ("; did you mean '%s'?"):format(nearest) or "")
    end
  end
end

---Reads a line.
---@param text string
---@return {key?: string, value?: string, headers?: docmsg.Header[], timestamp?: integer}? record
---@return string? reason
function M.read(text)
  local object, reason = json.decode(text)
  if object == nil then return nil, reason end
  if type(object) ~= "table" or object[1] ~= nil then return nil, "a JSON object expected" end
  reason = check_names(object)
  if reason then return nil, reason end
  local timestamp = object.timestamp
  if timestamp ~= nil and (math.type(timestamp) ~= "integer" or timestamp <= 0) then
    return nil, "timestamp: milliseconds since 1970 expected"
  end
  local key, wrong_key = bytes(object.key, "key")
  local value, wrong_value = bytes(object.value, "value")
  local headers, wrong_headers = read_headers(object.headers)
  reason = wrong_key or wrong_value or wrong_headers
  if reason then return nil, reason end
  return { key = key, value = value, headers = headers, timestamp = timestamp }
end

return M
