-- SPDX-License-Identifier: MIT
-- Waiting for something to become true: the only way a test waits.
local system = require "system"

local UNITS = { ms = 0.001, s = 1, m = 60 }
local FIRST_PAUSE, LONGEST_PAUSE = 0.001, 0.05

---@param duration string|number "500ms", "10s", "2m", or seconds
---@return number seconds
local function seconds(duration)
  if type(duration) == "number" then
    return duration
  end
  local number, unit = duration:match("^([%d.]+)(%a+)$")
  assert(UNITS[unit], "a time limit is a number of seconds or such as \"500ms\", \"10s\", \"2m\"")
  return tonumber(number) * UNITS[unit]
end

---Calls the predicate until it returns something true, and returns that. Raises when it does not
---in time. The time limit bounds a failure, not a success: be generous.
---@generic T
---@param predicate fun(): T?, ...
---@param timeout? string|number default "30s"
---@param what? string what is awaited, for the error
---@return T
local function await(predicate, timeout, what)
  local limit = seconds(timeout or "30s")
  local deadline = system.monotime() + limit
  local pause = FIRST_PAUSE
  while true do
    local results = table.pack(predicate())
    if results[1] then
      return table.unpack(results, 1, results.n)
    elseif system.monotime() >= deadline then
      error(("waited %g s in vain for %s"):format(limit, what or "the predicate"), 2)
    end
    system.sleep(pause)
    pause = math.min(pause * 1.5, LONGEST_PAUSE)
  end
end

return await
