-- SPDX-License-Identifier: MIT
-- Clients of each kind whose broker does not answer: opened, used and closed.
local function quiet() end

return {
  prepare = function()
    local kafka = require "docmsg.kafka"
    kafka.properties()
    return kafka
  end,
  run = function(kafka)
    local options = { bootstrap_servers = "127.0.0.1:1", on_log = quiet, on_error = quiet }
    local admin <close> = assert(kafka.admin(options))
    assert(admin:name() and tostring(admin) and admin:fd())
    local producer <close> = assert(kafka.producer(options))
    local delivery = assert(producer:send { topic = "t", key = "k", value = "v", headers = { { "a", "1" } } })
    assert(delivery.status == "pending")
    local _, late = producer:flush("1ms")
    assert(late.name == "_TIMED_OUT")
    assert(producer:purge() == 1 and producer:poll(0))
    options.group = "g"
    local consumer <close> = assert(kafka.consumer(options))
    assert(consumer:assign { { topic = "t", partition = 0, offset = 7 } })
    assert(#consumer:assignment() == 1)
    assert(not consumer:poll("1ms"))
  end,
}
