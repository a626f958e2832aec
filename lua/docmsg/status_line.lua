-- SPDX-License-Identifier: MIT
-- One line about a running application, drawn over itself on a terminal. The cursor stays at the
-- line's beginning, and log lines clear it before they are written, see docmsg.log: so they do not
-- mix, whichever thread writes.
local M = {}

-- Without wrapping, so that a line longer than the terminal stays one line.
local DRAW <const> = "\r\27[K\27[?7l%s\27[?7h\r"
local CLEAR <const> = "\r\27[K"

local function count(value, word)
  return value > 0 and ("  %d %s"):format(value, word) or ""
end

-- 950, 12.3k, 4.5M
local function short(value)
  if value < 1000 then return ("%.0f"):format(value) end
  if value < 1e6 then return ("%.1fk"):format(value / 1e3) end
  return ("%.1fM"):format(value / 1e6)
end

local function ended(stats)
  return stats.acked + stats.dead + stats.skipped
end

local function describe(name, stats, before, seconds)
  if stats.state ~= "running" then return ("%s: %s"):format(name, stats.state) end
  local rate = before and seconds > 0 and (ended(stats) - ended(before)) / seconds or 0
  return ("%s: %s/s  lag %s  %d in flight%s%s%s"):format(name, short(rate),
    stats.lag and short(stats.lag) or "?", stats.in_flight, count(stats.parked_keys, "parked"),
    count(stats.held, "held back"), count(stats.dead, stats.dead == 1 and "dead letter" or "dead letters"))
end

---The text of the line.
---@param stats docmsg.RunnerStats
---@param before? docmsg.RunnerStats as they were some seconds ago
---@param seconds number how long ago
---@return string
function M.text(stats, before, seconds)
  local names, parts = {}, {}
  for name in pairs(stats.groups) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do
    parts[i] = describe(name, stats.groups[name], before and before.groups[name], seconds)
  end
  return table.concat(parts, " | ")
end

---What draws the text on a terminal.
---@param text string
---@return string
function M.draw(text)
  return DRAW:format(text)
end

---What clears the line.
M.CLEAR = CLEAR

return M
