-- SPDX-License-Identifier: MIT
local await = require "support.await"
local broker = require "support.broker"
local docmsg = require "docmsg"
local kafka = require "docmsg.kafka"
local leaks = require "support.leaks"
local log = require "docmsg.log"

describe("docmsg.bus on Apache Kafka", function()
  it("goes on where a subscription stopped", function()
    local before = leaks.count()
    do
      local cluster <close> = broker.connect()
      kafka.defaults { bootstrap_servers = cluster.bootstrap_servers }
      local topic <close> = cluster:topic { partitions = 2 }
      local group, seen = cluster:group(), {}
      local letters <close> = cluster:topic { name = ("%s.%s.dlq"):format(topic.name, group), partitions = 2 }
      assert(letters)
      local bus <close> = docmsg.bus { name = "spec", log = log.new { write = function() end } }
      local numbers <close> = bus:subscribe({ topic.name }, { group = group }, function(event)
        seen[#seen + 1] = event.data.n
      end)
      for round = 1, 3 do
        assert(bus:publish(topic.name, { n = round }, { key = "k" }))
        assert(numbers:start())
        await(function()
          numbers:step "50ms"
          return numbers:statistics().handled == 1 and numbers:statistics().lag == 0
        end, "60s")
        assert.is_true(numbers:stop())
        assert.equal(1, numbers:statistics().handled)
      end
      assert.same({ 1, 2, 3 }, seen)
    end
    leaks.check(before)
  end)
end)
