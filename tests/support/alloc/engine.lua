-- SPDX-License-Identifier: MIT
-- The engine with records in each state, and its end.
local engine = require "docmsg.engine"

local function run()
  local e <close> = engine.new { lanes = 2 }
  local p = e:assign(0)
  for i = 0, 9 do assert(e:admit({ partition = p, offset = i, key = "key" .. i % 3 }, 0)) end
  for lane = 0, 1 do
    for entry in function() return e:next(lane, 0) end do
      if entry.offset % 3 == 0 then
        e:retry(entry, 10, 0)
      elseif entry.offset % 3 == 1 then
        e:settle(entry, "ack", 0)
      end
    end
  end
  assert(e:due() == 10 and e:stats().acked > 0 and e:partition_stats(p).in_flight > 0)
  local dropped = e:revoke(p)
  assert(#dropped > 0 and tostring(dropped[1]):find("free"))
end

return { run = run }
