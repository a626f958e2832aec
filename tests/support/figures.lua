-- SPDX-License-Identifier: MIT
-- Figures of groups as `runner:stats()` gives them, for specs of what tells them.
local M = {}

---@param changes? table fields that differ from those of a group that has done nothing yet
---@return docmsg.GroupStats
function M.group(changes)
  local group = {
    state = "running", admitted = 0, acked = 0, dead = 0, skipped = 0, cancelled = 0, in_flight = 0,
    bytes = 0, parked_keys = 0, partitions = 1, held = 0, holds = { records = 0, span = 0, bytes = 0 },
    retries = 0, reasons = { exhausted = 0, rejected = 0 }, dead_failures = 0, commits = 0,
    commit_failures = 0, rewinds = 0, rebalances = { assign = 1, revoke = 0, lost = 0 },
    polled_ms = 3, unaccounted = 0, types = {}, busy = { 0.5 }, places = {}, lag = 0, stuck = 0,
  }
  for name, value in pairs(changes or {}) do group[name] = value end
  return group
end

return M
