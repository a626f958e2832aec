-- SPDX-License-Identifier: MIT
-- The table of librdkafka's properties, which is made at its first use.
return {
  fresh = true,
  run = function()
    local kafka = require "docmsg.kafka"
    assert(#kafka.properties() > 100)
    assert(kafka.defaults({ kafka = { ["linger.ms"] = 5 } }).kafka["linger.ms"] == "5")
  end,
}
