-- SPDX-License-Identifier: MIT
-- Where reading begins or a group is put: "start", "end", an offset, "-10" (so many before the end),
-- "@2026-11-25T09:00:00Z" or "@1764061200000" (a time), "-1h" (so long ago).
local M = {}

---@class docmsg.record.Place
---@field kind "start"|"end"|"offset"|"last"|"time"|"ago"
---@field number? integer an offset, a count, or milliseconds

local EXPECTED <const> = "start, end, an offset, -N (so many before the end), -1h (so long ago), or @TIME "
  .. "(2026-11-25T09:00:00Z or milliseconds since 1970)"

-- Days since 1970 of a date of the Gregorian calendar, whose years are counted from March on.
local function days(year, month, day)
  if month <= 2 then year, month = year - 1, month + 12 end
  return 365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5 + day - 719469
end

---Milliseconds since 1970 of a time in UTC.
---@param text string "2026-11-25T09:00:00Z", or the milliseconds themselves
---@return integer? milliseconds
function M.time(text)
  if text:find("^%d+$") then return math.tointeger(tonumber(text)) end
  local parts = { text:match("^(%d%d%d%d)-(%d%d)-(%d%d)T(%d%d):(%d%d):(%d%d)Z$") }
  if #parts == 0 then return nil end
  for i, part in ipairs(parts) do parts[i] = math.tointeger(tonumber(part)) end
  local year, month, day, hour, minute, second = table.unpack(parts)
  local seconds = days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second
  if os.date("!%Y-%m-%dT%H:%M:%SZ", seconds) ~= text then return nil end -- such as a 31st of June
  return seconds * 1000
end

-- Nil when 64 bits do not hold it.
local function counted(kind, digits)
  local number = digits and math.tointeger(tonumber(digits))
  return number and { kind = kind, number = number }
end

-- "1h" in milliseconds.
local function duration(text)
  local ok, ms = pcall(require("docmsg.bare").duration, text)
  return ok and ms > 0 and ms or nil
end

---Reads a place, as an option's `read` does.
---@param text string
---@return docmsg.record.Place? place
---@return string? expected
function M.read(text)
  if text == "start" or text == "end" then return { kind = text } end
  local place = counted("offset", text:match("^%d+$")) or counted("last", text:match("^%-(%d+)$"))
  if place then return place end
  local ago = text:match("^%-(%d+%a+)$")
  local time = ago and duration(ago)
  if time then return { kind = "ago", number = time } end
  time = text:find("^@") and M.time(text:sub(2))
  if time then return { kind = "time", number = time } end
  return nil, EXPECTED
end

-- Offsets by time, of all spans at once.
local function by_time(spans, at, admin, timeout)
  local queries = {}
  for i, span in ipairs(spans) do queries[i] = { topic = span.topic, partition = span.partition, at = at } end
  local found, err = admin:list_offsets(queries, { timeout = timeout })
  if not found then return nil, err end
  local offsets = {}
  for i, entry in ipairs(found) do
    if entry.error then return nil, entry.error end
    offsets[i] = entry.offset
  end
  return offsets
end

local function clamp(offset, span)
  return math.max(span.first, math.min(offset, span.last + 1))
end

---The offset of each span that the place means, within what the partition has.
---@param place docmsg.record.Place
---@param spans docmsg.dlq.Span[]
---@param options {admin: docmsg.Admin, timeout: docmsg.Duration, now: integer} `now` in seconds since 1970
---@return integer[]? offsets
---@return any reason
function M.offsets(place, spans, options)
  if place.kind == "time" or place.kind == "ago" then
    local at = place.kind == "time" and place.number or options.now * 1000 - place.number
    return by_time(spans, at, options.admin, options.timeout)
  end
  local offsets = {}
  for i, span in ipairs(spans) do
    local wanted = { start = span.first, ["end"] = span.last + 1, offset = place.number,
      last = span.last + 1 - (place.number or 0) }
    offsets[i] = clamp(wanted[place.kind], span)
  end
  return offsets
end

return M
