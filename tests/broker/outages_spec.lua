-- SPDX-License-Identifier: MIT
-- An application whose broker is killed, is away and stands still.
local application = require "support.application"
local await = require "support.await"
local name = require "support.name"
local own_broker = require "support.own_broker"
local system = require "system"

local KILLS <const>, EACH <const>, AWAY_S <const>, STILL_S <const> = 10, 100, 30, 20

local SCRIPT <const> = [[
local app = docmsg.app { name = "outages" }
app:consumer("%s"):on("%s", function(event) note(event.data) end)
return app
]]

describe("an application whose broker fails", function()
  -- Scenario 17.
  it("handles everything that was acknowledged, without anybody's help", function()
    local own <close> = own_broker.start()
    local topic, group, count = name.unique "topic", name.unique "group", 0
    application.topics(own.cluster, { [topic] = 2 }, { group })
    local child <close> = application.spawn(own.cluster.bootstrap_servers, SCRIPT:format(group, topic),
      { limit = 900 })
    child:await_notes(0)

    local function produce()
      local producer <close> = own.cluster:producer { on_error = function() end }
      for i = count + 1, count + EACH do
        assert(producer:publish { topic = topic, key = tostring(i % 7), value = tostring(i) })
      end
      count = count + EACH
    end
    local function pass(seconds)
      local until_s = system.monotime() + seconds
      await(function() return system.monotime() >= until_s end, seconds + 10 .. "s", "time to pass")
    end

    for _ = 1, KILLS do
      produce()
      own.kafka "kill"
      own.kafka "restart"
    end
    produce()
    own.kafka "kill"
    pass(AWAY_S)
    own.kafka "restart"
    produce()
    local pid = assert(own.kafka("status"):match "pid (%d+)")
    assert(os.execute("kill -STOP " .. pid))
    pass(STILL_S)
    assert(os.execute("kill -CONT " .. pid))
    produce()

    await(function()
      local seen, distinct = {}, 0
      for _, line in ipairs(child:notes()) do
        distinct = distinct + (seen[line] and 0 or 1)
        seen[line] = true
      end
      return distinct == count
    end, "120s", "all records to be handled")
    child:kill "TERM"
    assert.equal(0, child:wait().code)
    local committed = 0
    for partition = 0, 1 do
      committed = committed + (application.committed(own.cluster, group, topic, partition) or 0)
    end
    assert.equal(count, committed)
  end)
end)
