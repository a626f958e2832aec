-- SPDX-License-Identifier: MIT
-- Which records of a partition are done, also when some in between are not: the offset up to which
-- all are, and ranges behind it. It is kept as a committed offset with its metadata. Pure.
--
--   local done = Done.new(7, "9-12,15")     7 is not done, 9 to 12 and 15 are
--   done:add(7, 8)
--   done:commit()                           13, "15"
local M = {}

-- Brokers keep 4,096 bytes of metadata by default.
local METADATA_BYTES <const> = 4000

---@class docmsg.dlq.Done
---@field next integer the first offset that is not done
---@field private ranges [integer, integer][] from and to, rising, not touching
local Done = { __name = "docmsg.dlq.Done" }
Done.__index = Done

-- Lets `next` pass what is done.
local function advance(self)
  local first = self.ranges[1]
  while first and first[1] <= self.next do
    self.next = math.max(self.next, first[2] + 1)
    table.remove(self.ranges, 1)
    first = self.ranges[1]
  end
end

---@param next integer
---@param text? string as `commit` gave it; another program's text says nothing
---@return docmsg.dlq.Done
function M.new(next, text)
  local self = setmetatable({ next = next, ranges = {} }, Done)
  if text and text:find("^[%d,%-]+$") then
    for from, to in text:gmatch("(%d+)%-?(%d*)") do
      from = math.tointeger(tonumber(from))
      self:add(from, math.tointeger(tonumber(to)) or from)
    end
  end
  return self
end

---@param offset integer
---@return boolean
function Done:has(offset)
  if offset < self.next then return true end
  for i = #self.ranges, 1, -1 do
    local range = self.ranges[i]
    if offset > range[2] then return false end
    if offset >= range[1] then return true end
  end
  return false
end

---Notes that the offsets from..to are done.
---@param from integer
---@param to integer
function Done:add(from, to)
  if to < from or to < self.next then return end
  local ranges, at = self.ranges, #self.ranges
  while at > 0 and ranges[at][1] > to + 1 do at = at - 1 end
  while at > 0 and ranges[at][2] >= from - 1 do
    from, to = math.min(from, ranges[at][1]), math.max(to, ranges[at][2])
    table.remove(ranges, at)
    at = at - 1
  end
  table.insert(ranges, at + 1, { from, to })
  advance(self)
end

---@return integer offset to commit
---@return string metadata
function Done:commit()
  local parts = {}
  for i, range in ipairs(self.ranges) do
    parts[i] = range[1] == range[2] and tostring(range[1]) or ("%d-%d"):format(range[1], range[2])
  end
  return self.next, table.concat(parts, ",")
end

---Is there room to remember one more record?
---@return boolean
function Done:has_room()
  local _, metadata = self:commit()
  return #metadata + 20 <= METADATA_BYTES
end

return M
