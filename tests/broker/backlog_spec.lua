-- SPDX-License-Identifier: MIT
-- How much of a backlog an application takes into memory: a bounded part, however long it is. All of
-- this one would be more than the limit.
local application = require "support.application"
local broker = require "support.broker"
local name = require "support.name"
local program = require "support.program"

local RECORDS <const>, BYTES <const>, PARTITIONS <const> = 600000, 400, 48
local MIB <const> = 200

-- A handler that takes a fraction of a millisecond, and says now and then how far it is.
local HANDLER <const> = [[
local count = 0
local app = docmsg.app { name = "backlog" }
app:consumer(%q):on(%q, { lazy = true }, function(event)
  local rest = #event.value
  for i = 1, 5000 do rest = rest ~ i end
  count = count + 1
  if count %% 10000 == 0 then note(rest) end
end)
return app
]]

local function resident(pid)
  return tonumber(program.read(("/proc/%d/status"):format(pid)):match "VmHWM:%s+(%d+) kB") / 1024
end

describe("a backlog over 48 partitions", function()
  it("stays with the broker, but for what is handled next", function()
    local cluster <close> = broker.connect()
    local topic, group = name.unique "topic", name.unique "group"
    application.topics(cluster, { [topic] = PARTITIONS }, { group })
    local value = ("x"):rep(BYTES)
    do
      local producer <close> = cluster:producer {}
      for i = 1, RECORDS do assert(producer:send { topic = topic, key = "key-" .. i % 1000, value = value }) end
      assert(producer:flush "120s")
    end
    local child <close> = application.spawn(cluster.bootstrap_servers, HANDLER:format(group, topic))
    child:await_notes(10, "90s")
    local peak = resident(child.process.pid)
    child:kill "TERM"
    local result = child:wait()
    assert.equal(0, result.code, result.stderr)
    assert(peak < MIB, ("%.0f MiB"):format(peak))
  end)
end)
