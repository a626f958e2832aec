-- SPDX-License-Identifier: MIT
-- Times as events carry them.
local M = {}

---@return string RFC 3339, UTC
function M.now()
  return os.date("!%Y-%m-%dT%H:%M:%SZ")
end

return M
