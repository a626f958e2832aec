-- SPDX-License-Identifier: MIT
-- Times as events carry them.
local M = {}

local told_seconds, told = nil, ""

---@return string RFC 3339, UTC
function M.now()
  local seconds = os.time()
  if seconds ~= told_seconds then
    told_seconds, told = seconds, os.date("!%Y-%m-%dT%H:%M:%SZ", seconds) --[[@as string]]
  end
  return told
end

return M
