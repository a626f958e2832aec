-- SPDX-License-Identifier: MIT
-- consumer:committed failed at once, whatever time it had, when the broker answered that the group's
-- coordinator is another one, or not ready yet: for seconds after a broker was restarted.
local embedded = require "support.embedded"
local system = require "system"

describe("consumer:committed", function()
  local cluster, consumer, place

  before_each(function()
    cluster = embedded.start()
    place = { topic = cluster:topic().name, partition = 0, offset = 1 }
    local producer <close> = cluster:producer()
    assert(producer:publish { topic = place.topic, value = "1" })
    consumer = cluster:consumer()
    assert(consumer:commit { place })
  end)
  after_each(function()
    consumer:close()
    cluster:close()
  end)

  local function refuse(code, times)
    local refusals = {}
    for i = 1, times do refusals[i] = code end
    cluster.broker:fail("OffsetFetch", refusals)
  end

  for _, code in ipairs { "NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE", "COORDINATOR_LOAD_IN_PROGRESS" } do
    it("goes on until the coordinator answers: " .. code, function()
      refuse(code, 3)
      assert.equal(1, assert(consumer:committed { place })[1].offset)
    end)
  end

  it("ends in time with a retriable error when that does not come", function()
    refuse("NOT_COORDINATOR", 1000)
    local start = system.monotime()
    local found, err = consumer:committed({ place }, "1s")
    local seconds = system.monotime() - start
    assert.is_nil(found)
    assert.is_true(err.retriable, tostring(err))
    assert.is_true(seconds >= 0.9 and seconds < 10, seconds)
  end)
end)
