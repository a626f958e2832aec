-- SPDX-License-Identifier: MIT
-- On Apache Kafka: every record is accounted for at every moment, and the lag is what the broker says.
local await = require "support.await"
local broker = require "support.broker"
local docmsg = require "docmsg"
local kafka = require "docmsg.kafka"
local log = require "docmsg.log"
local runner = require "docmsg.runner"

local RECORDS <const> = 2000

describe("the figures of a run on Apache Kafka", function()
  for _, guarantee in ipairs { "at-least-once", "exactly-once" } do
    it("account for every record at every moment, " .. guarantee, function()
      local cluster = broker.connect()
      kafka.defaults { bootstrap_servers = cluster.bootstrap_servers }
      finally(function() kafka.defaults {} end)
      local source <close> = cluster:topic { partitions = 3 }
      local target <close> = cluster:topic()
      local group = cluster:group()
      local app = docmsg.app { name = "figures" }
      local consumer = app:consumer(group, { guarantee = guarantee, retry = { attempts = 2, delay = "1ms" },
        instance_id = guarantee == "exactly-once" and "one" or nil })
      consumer:on(source.name, { lazy = true }, function(event, ctx)
        local number = tonumber(event.value)
        if number % 100 == 0 and ctx.attempt == 1 then error "once" end
        if number % 250 == 0 then return ctx:reject "no" end
        ctx:emit(target.name, { number = number })
      end)
      finally(function()
        local admin <close> = cluster:admin()
        admin:delete_topics { source.name .. "." .. group .. ".dlq" }
      end)
      local producer <close> = cluster:producer {}
      for i = 1, RECORDS do producer:send { topic = source.name, key = "k" .. i % 37, value = tostring(i) } end
      assert(producer:flush "30s")
      local running <close> = assert(runner.start(app, { log = log.new { write = function() end } }))
      await(function()
        running:step "10ms"
        local stats = running:stats().groups[group]
        assert.equal(0, stats.unaccounted)
        return stats.acked + stats.dead == RECORDS and stats.lag == 0
      end, "60s")
      local stats = running:stats().groups[group]
      assert.same({ RECORDS, 8, 20 }, { stats.admitted, stats.reasons.rejected, stats.retries })
      assert.equal(3, #stats.places)
      local emitted = running:stats().emitter
      assert.equal(RECORDS, emitted.produced, "events and dead letters")
      assert.same({ RECORDS - 8, 0 }, { emitted.types[target.name].sent, emitted.types[target.name].failed })
      assert(emitted.types[target.name].p50 > 0 and emitted.types[target.name].bytes > 10 * RECORDS)
      assert.is_nil(next(emitted.types, (next(emitted.types))), "dead letters have their own figures")
      running:stop()
      while running:step "10ms" do assert.equal(0, running:stats().groups[group].unaccounted) end
      assert.is_true(running:close())
      assert.same({ 0, 0 }, { running:stats().groups[group].unaccounted, running:stats().groups[group].in_flight })
    end)
  end
end)
