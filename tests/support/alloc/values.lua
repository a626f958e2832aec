-- SPDX-License-Identifier: MIT
-- What needs no broker: defaults, durations, nearest names, errors.
return {
  prepare = function()
    local kafka = require "docmsg.kafka"
    kafka.properties()
    return kafka
  end,
  run = function(kafka)
    kafka.defaults { bootstrap_servers = { "a:1", "b:2" }, kafka = { ["linger.ms"] = 5 } }
    assert(kafka.defaults().bootstrap_servers == "a:1,b:2")
    assert(kafka.duration("30s") == 30000)
    assert(kafka.nearest("grup", { "group", "topics" }) == "group")
    local client, err = kafka.admin { kafka = { ["security.protocol"] = "tls" } }
    assert(not client and tostring(err):find("_INVALID_ARG", 1, true))
  end,
}
