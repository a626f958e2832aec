-- SPDX-License-Identifier: MIT
-- Admin calls on an embedded broker.
return {
  prepare = function()
    local kafka = require "docmsg.kafka"
    kafka.properties()
    return { kafka = kafka, broker = assert(kafka.embedded()), count = 0 }
  end,
  run = function(context)
    context.count = context.count + 1
    local name = "topic-" .. context.count
    local admin <close> = assert(context.kafka.admin { bootstrap_servers = context.broker.bootstrap_servers })
    local created = assert(admin:create_topics {
      { name = name, partitions = 2, config = { ["retention.ms"] = 60000 } } })
    assert(not created[name].error)
    assert(assert(admin:create_topics { { name = name, partitions = 2 } })[name].error.name
      == "TOPIC_ALREADY_EXISTS")
    assert(#assert(admin:describe_topics { name })[name].partitions == 2)
    assert(assert(admin:describe_configs { name })[name].configs["retention.ms"].value == "60000")
    assert(admin:alter_configs { { name = name, set = { ["retention.ms"] = 70000 } } })
    assert(#assert(admin:cluster()).brokers == 1)
    local deleted, unsupported = admin:delete_topics { name }
    assert(not deleted and unsupported.name == "_UNSUPPORTED_FEATURE")
  end,
}
