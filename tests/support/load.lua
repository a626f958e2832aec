-- SPDX-License-Identifier: MIT
-- How busy the machine is, for specs that promise times.
local program = require "support.program"

local M = {}

---How many times as long as alone on the machine things may take now: 1, or more when more wants to run
---than there are processors.
---@return number
function M.share()
  local load = tonumber(program.read("/proc/loadavg"):match "^%S+")
  return math.max(1, load / tonumber((program.capture "nproc")))
end

return M
