-- SPDX-License-Identifier: MIT
-- Loading the module.
return {
  fresh = true,
  run = function()
    local kafka = require "docmsg.kafka"
    assert(kafka.version().librdkafka)
  end,
}
