-- SPDX-License-Identifier: MIT
-- Closing an application ends, whatever it is at, and leaves neither threads nor descriptors.
local closing = require "support.closing"
local embedded = require "support.embedded"

-- Scenario 19.
describe("closing an application", function()
  for _, case in ipairs(closing.cases) do
    it(case[1] .. " ends in time", function()
      local cluster <close> = embedded.start()
      closing.check(cluster, case, function()
        cluster.broker:set_up(1, false)
        return function() cluster.broker:set_up(1, true) end
      end)
    end)
  end
end)
