-- SPDX-License-Identifier: MIT
local export = require "docmsg.topic.export"
local plan = require "docmsg.topic.plan"
local topics = require "docmsg.topics"

local function cluster_of(existing)
  local cluster = { id = "id", brokers = { 1, 2, 3 }, names = {}, observed = {} }
  for name, topic in pairs(existing) do
    local info, configs = { name = name, partitions = {} }, {}
    for i = 1, topic.partitions or 1 do
      local replicas = {}
      for r = 1, topic.replicas or 1 do replicas[r] = r end
      info.partitions[i] = { partition = i - 1, leader = 1, replicas = replicas, isr = replicas }
    end
    for key, value in pairs(topic.defaults or {}) do configs[key] = { value = value, source = "broker_static" } end
    for key, value in pairs(topic.config or {}) do configs[key] = { value = value, source = "topic" } end
    cluster.names[#cluster.names + 1] = name
    cluster.observed[name] = { info = info, configs = configs }
  end
  table.sort(cluster.names)
  return cluster
end

describe("an exported table", function()
  it("is a topic table", function()
    assert.equal([==[
-- The topics of cluster id. Kafka does not know which ones have keys: name them with
-- key = "…", and growing a topic will ask for --allow repartition.
return {
  ["b"] = {
    partitions = 2, replication_factor = 3,
    config = {
      ["max.message.bytes"] = MiB(2),
      ["retention.ms"] = days(7),
      ["min.insync.replicas"] = INHERIT,
    },
  },
  ["c"] = {
    partitions = 1, replication_factor = 1,
    key = "key", -- Kafka does not know its name
    config = {
      ["cleanup.policy"] = set { "compact", "delete" },
      ["preallocate"] = true,
    },
  },
}
]==], export.text(cluster_of {
      b = { partitions = 2, replicas = 3, config = { ["retention.ms"] = "604800000", ["max.message.bytes"] = "2097152" } },
      c = { config = { ["cleanup.policy"] = "compact,delete", preallocate = "true" }, defaults = { ["segment.ms"] = "5" } },
    }))
  end)

  local odd = {
    { "no limits", { config = { ["retention.ms"] = "-1", ["retention.bytes"] = "-1" } } },
    { "the largest numbers", { config = { ["flush.messages"] = "9223372036854775807", ["max.message.bytes"] = "2147483647" } } },
    { "fractions", { config = { ["min.cleanable.dirty.ratio"] = "0.01" } } },
    { "lists of replicas", { config = { ["leader.replication.throttled.replicas"] = "0:1,1:2" } } },
    { "a star", { config = { ["follower.replication.throttled.replicas"] = "*" } } },
    { "an empty value", { config = { ["leader.replication.throttled.replicas"] = "" } } },
    { "policies in another order", { config = { ["cleanup.policy"] = "delete,compact" } } },
    { "no policy at all", { config = { ["cleanup.policy"] = "" } } },
    { "a property that only this cluster has", { config = { ["confluent.tier.enable"] = "true" } } },
    { "a property that looks misspelt", { config = { ["retention.mss"] = "5" } } },
    { "a value that this version does not know", { config = { ["compression.type"] = "brotli" } } },
    { "more in-sync replicas than replicas", { config = { ["min.insync.replicas"] = "2" } } },
    { "a newline in a value", { config = { ["min.insync.replicas"] = "2\n5", ["x.y"] = "a\nb" } } },
    { "three replicas and no word of in-sync ones", { replicas = 3, defaults = { ["min.insync.replicas"] = "1" } } },
    { "three replicas and one in sync", { replicas = 3, config = { ["min.insync.replicas"] = "1" } } },
    { "a name that is a word of Lua", { name = "end" } },
    { "a name that a table means otherwise", { name = "defaults" } },
    { "dots and dashes in its name", { name = "a.b-c_d" } },
    { "thousands of partitions", { partitions = 10000 } },
  }
  for _, case in ipairs(odd) do
    it("plans to nothing for a topic with " .. case[1], function()
      local cluster = cluster_of { [case[2].name or "odd"] = case[2], other = {} }
      local declared = assert(topics.parse(export.text(cluster), "t.lua", function() end))
      local planned = plan.make(declared, cluster)
      assert.same({}, planned.changes)
      assert.same({}, planned.undeclared)
    end)
  end

  it("says what it cannot declare", function()
    local text = export.text(cluster_of { odd = { partitions = 10001 } })
    assert.matches("-- odd cannot be declared: 10001 partitions", text, 1, true)
    assert.matches('-- min.insync.replicas is "2": it is more than the replicas there are',
      export.text(cluster_of { odd = { config = { ["min.insync.replicas"] = "2" } } }), 1, true)
  end)
end)
