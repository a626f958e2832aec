-- SPDX-License-Identifier: MIT
-- An embedded broker: started, with a failure ordered, closed.
return {
  prepare = function() return require "docmsg.kafka" end,
  run = function(kafka)
    local broker <close> = assert(kafka.embedded { brokers = 2 })
    broker:fail("Produce", { "NOT_LEADER_FOR_PARTITION" })
    assert(broker.bootstrap_servers:find(","))
  end,
}
