-- SPDX-License-Identifier: MIT
-- A change that a broker acknowledged is not yet everywhere: reads until what was changed reads back,
-- several times running, because each read may be answered by another broker.
local kafka = require "docmsg.kafka"

local M = {}

local FIRST_PAUSE_MS <const>, LONGEST_PAUSE_MS <const> = 10, 500
local READS <const> = 3
-- Between two reads that say yes: the second is to be another answer, not a later one.
local CONFIRM_PAUSE_MS <const> = 1

---@class docmsg.topic.Patience
---@field wait docmsg.Duration
---@field sleep fun(duration: docmsg.Duration)

---Calls `read` until it says yes three times running, or time is up.
---@param patience docmsg.topic.Patience
---@param read fun(): boolean
---@return boolean converged
function M.await(patience, read)
  local left = kafka.duration(patience.wait)
  if left < 0 then left = math.huge end
  local deadline = os.time() + left / 1000
  local pause, running = FIRST_PAUSE_MS, 0
  while true do
    running = read() and running + 1 or 0
    if running == READS then return true end
    if running == 0 and (left <= 0 or os.time() > deadline) then return false end
    local rest = running > 0 and CONFIRM_PAUSE_MS or pause
    patience.sleep(rest .. "ms")
    left, pause = left - rest, running > 0 and FIRST_PAUSE_MS or math.min(pause * 2, LONGEST_PAUSE_MS)
  end
end

return M
