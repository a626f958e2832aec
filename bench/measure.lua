-- SPDX-License-Identifier: MIT
-- What the Lua programs of the benchmark share: the line they print, as measure.h does.
local M = {}

---Seconds of a clock that goes on while the process waits.
local function wall()
  local file <close> = assert(io.open("/proc/uptime"))
  return file:read("n")
end

---Starts the clocks; os.clock is the CPU time of all threads of the process.
---@return fun(records: integer) finish prints {"records":N,"wall_s":S,"cpu_s":S}
function M.start()
  local wall_start, cpu_start = wall(), os.clock()
  return function(records)
    print(("{\"records\":%d,\"wall_s\":%.3f,\"cpu_s\":%.3f}"):format(
      records, wall() - wall_start, os.clock() - cpu_start))
  end
end

return M
