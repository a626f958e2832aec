-- SPDX-License-Identifier: MIT
-- Closing an application ends, whatever it is at, and leaves neither threads nor descriptors.
local application = require "support.application"
local await = require "support.await"
local embedded = require "support.embedded"
local kafka = require "docmsg.kafka"
local loader = require "docmsg.loader"
local log = require "docmsg.log"
local name = require "support.name"
local program = require "support.program"
local runner = require "docmsg.runner"
local system = require "system"

local RECORDS <const>, DRAIN_S <const> = 3000, 1

-- What closing may take beside the drain: a handler that is cut off, a member that cannot leave, a
-- producer that cannot send, each has a limit of its own.
local GRACE_S <const> = 30

local SCRIPT <const> = [[
local app = require("docmsg").app { name = "closing" }
local sleep = require("docmsg.kafka").sleep
app:consumer("%s", { retry = { delay = "1h" }, %s
  kafka = { ["session.timeout.ms"] = 6000, ["heartbeat.interval.ms"] = 500 } })
  :on("%s", { %s }, function(event, ctx) %s end)
return app
]]

-- Scenario 19.
describe("closing an application", function()
  local cluster, folder, topic, group

  local function descriptors()
    local count = 0
    for fd = 0, 255 do
      local info = io.open("/proc/self/fdinfo/" .. fd)
      if info then
        info:close()
        count = count + 1
      end
    end
    return count
  end

  before_each(function()
    log.defaults { level = "error" }
    cluster, folder = embedded.start(), program.folder()
    topic, group = name.unique "topic", name.unique "group"
    application.topics(cluster, { [topic] = 3, results = 1 }, { group })
    kafka.defaults { bootstrap_servers = cluster.bootstrap_servers }
  end)
  after_each(function()
    log.defaults { level = "info" }
    kafka.defaults { bootstrap_servers = "localhost:9092" }
    cluster:close()
    program.remove(folder)
  end)

  local function start(case)
    local path = folder .. "/app.lua"
    program.write(path, SCRIPT:format(group, case.consumer or "", topic, case.options or "", case.body or ""))
    return assert(runner.start(assert(loader.load(path)), {
      script = path, workers = case.workers or 2, drain = DRAIN_S .. "s",
      log = log.new { level = "error", write = function() end },
    }))
  end

  local function produce()
    local records = {}
    for i = 1, RECORDS do records[i] = { key = tostring(i), value = "{}" } end
    application.produce(cluster, topic, records)
  end

  local function step_until(running, predicate, what)
    await(function()
      running:step "10ms"
      return predicate(running:stats().groups[group])
    end, "30s", what)
  end

  local function is_admitted(stats) return stats.admitted >= 200 end

  local cases = {
    { "that has just been started", ready = function() return true end },
    { "that has nothing to do", idle = true, ready = function(stats) return stats.partitions == 3 end },
    { "with thousands of records in flight", body = "sleep '5ms'", ready = is_admitted },
    { "with records that wait for a retry", body = "ctx:retry()",
      ready = function(stats) return stats.retries >= 100 end },
    { "with handlers that do not end", body = "while true do end", ready = is_admitted },
    { "with batches that wait for more", options = "batch = { max = 10000, wait = '1h' }", ready = is_admitted },
    { "with batches that wait on the calling thread", options = "batch = { max = 10000, wait = '1h' }",
      workers = 0, ready = is_admitted },
    { "with handlers on the calling thread", workers = 0, body = "sleep '5ms'", ready = is_admitted },
    { "whose broker is gone", body = "sleep '5ms'", gone = true, ready = is_admitted },
    { "whose broker is gone while events are under way", body = "ctx:emit('results', {})", gone = true,
      ready = is_admitted },
    { "whose groups commit in transactions", consumer = "guarantee = 'exactly-once',",
      body = "ctx:emit('results', {}) sleep '1ms'", ready = is_admitted },
    { "whose groups commit in transactions and whose broker is gone", consumer = "guarantee = 'exactly-once',",
      body = "ctx:emit('results', {}) sleep '1ms'", gone = true, ready = is_admitted },
  }
  for _, case in ipairs(cases) do
    it(case[1] .. " ends in time", function()
      if not case.idle then produce() end
      local before, threads = descriptors(), kafka.live().threads
      local running = start(case)
      step_until(running, case.ready, "what is to be closed")
      if case.gone then cluster.broker:set_up(1, false) end
      local began = system.monotime()
      local clean, stuck = running:close()
      local took = system.monotime() - began
      assert.is_true(took < DRAIN_S + GRACE_S, ("it took %g s"):format(took))
      assert.is_false(stuck)
      if not case.gone then assert.is_true(clean) end
      await(function() return descriptors() <= before and kafka.live().threads <= threads end, "10s",
        "descriptors and threads to be given back")
    end)
  end
end)
