-- SPDX-License-Identifier: MIT
-- Is a running application alive, and is it ready? Pure: what `runner:stats()` gives goes in.
--
-- Alive: its threads do their rounds and its handlers end. A broker that is down is no fault of the
-- process: starting it anew would heal nothing. Ready: all groups have joined, and none is leaving.
local M = {}

-- A thread that has not looked at its consumer for that long is stuck.
local LOOK_MS <const> = 10000

local function sorted_groups(stats)
  local names = {}
  for name in pairs(stats.groups) do names[#names + 1] = name end
  table.sort(names)
  return ipairs(names)
end

---@param stats docmsg.RunnerStats
---@return boolean alive
---@return string text what is wrong, or "ok"
function M.live(stats)
  local wrong = {}
  for _, name in sorted_groups(stats) do
    local group = stats.groups[name]
    local rounds = group.state == "joining" or group.state == "running"
    if rounds and (group.polled_ms or 0) > LOOK_MS then
      wrong[#wrong + 1] = ("%s: its thread has not looked at the consumer for %d s"):format(name,
        group.polled_ms // 1000)
    elseif group.state == "failed" then
      wrong[#wrong + 1] = name .. ": failed"
    end
    if (group.stuck or 0) > 0 then
      wrong[#wrong + 1] = ("%s: %d handler%s do%s not end within the limit"):format(name, group.stuck,
        group.stuck == 1 and "" or "s", group.stuck == 1 and "es" or "")
    end
  end
  return #wrong == 0, #wrong == 0 and "ok" or table.concat(wrong, "\n")
end

---@param stats docmsg.RunnerStats
---@param stopping boolean
---@return boolean ready
---@return string text why not, or "ok"
function M.ready(stats, stopping)
  if stopping then return false, "draining" end
  local waiting = {}
  for _, name in sorted_groups(stats) do
    local state = stats.groups[name].state
    if state ~= "running" then waiting[#waiting + 1] = ("%s: %s"):format(name, state) end
  end
  return #waiting == 0, #waiting == 0 and "ok" or table.concat(waiting, "\n")
end

return M
