-- SPDX-License-Identifier: MIT
-- Closing an application of Apache Kafka ends, whatever it is at, also when the broker was killed or
-- stands still, and leaves neither threads nor descriptors.
local closing = require "support.closing"
local own_broker = require "support.own_broker"

-- Scenario 19.
describe("closing an application of Apache Kafka", function()
  local own

  setup(function() own = own_broker.start() end)
  teardown(function() own:close() end)

  local function kill()
    own.kafka "kill"
    return function() own.kafka "restart" end
  end

  local function stand_still()
    local pid = assert(own.kafka("status"):match "pid (%d+)")
    assert(os.execute("kill -STOP " .. pid))
    return function() assert(os.execute("kill -CONT " .. pid)) end
  end

  for _, case in ipairs(closing.cases) do
    it(case[1] .. " ends in time", function() closing.check(own.cluster, case, stand_still) end)
  end

  it("whose broker was killed while events are under way ends in time", function()
    for _, case in ipairs(closing.cases) do
      if case[1]:find "events are under way" then return closing.check(own.cluster, case, kill) end
    end
    error "no such case"
  end)
end)
