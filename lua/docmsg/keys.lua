-- SPDX-License-Identifier: MIT
-- The keys of a table in an order that does not change from run to run.
local M = {}

---The keys of a map whose keys are strings, sorted.
---@param map table<string, any>
---@return string[]
function M.sorted(map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

return M
