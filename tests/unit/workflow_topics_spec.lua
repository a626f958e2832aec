-- SPDX-License-Identifier: MIT
local topics = require "docmsg.topics"

local root = debug.getinfo(1, "S").source:match("^@(.*)tests/unit/")

local COMMON <const> = {
  ["cleanup.policy"] = "delete",
  ["retention.ms"] = "604800000",
  ["segment.ms"] = "86400000",
  ["compression.type"] = "snappy",
}

local EXPECTED <const> = {
  { "document-received", 6, "document_id" },
  { "workflow-initialized", 3, "document_id" },
  { "chunking-complete", 4, "document_id" },
  { "embedding-ready", 4, "document_id" },
  { "ingestion-complete", 3, "document_id" },
  { "field-init-complete", 2, "document_id" },
  { "agent-scaling-complete", 2, "document_id" },
  { "extraction-tasks", 8, "task_id" },
  { "extraction-complete", 3, "document_id" },
  { "query-received", 4, "query_id" },
  { "rag-query-complete", 3, "query_id" },
  { "structured-query-complete", 3, "query_id" },
  { "hybrid-query-complete", 3, "query_id" },
}

local function load_with(environment)
  return assert(topics.load(root .. "scripts/topics.lua", function(name) return environment[name] end))
end

describe("the topics of the document workflow", function()
  it("are 13 with 48 partitions, in the order of the workflow", function()
    local declared, partitions = load_with {}, 0
    for i, expected in ipairs(EXPECTED) do
      local topic = declared.topics[i]
      assert.same(expected, { topic.name, topic.partitions, topic.key })
      assert.equal(1, topic.replication_factor)
      partitions = partitions + topic.partitions
    end
    assert.equal(13, #declared.topics)
    assert.equal(48, partitions)
  end)

  it("have the configuration of the workflow", function()
    for _, topic in ipairs(load_with({}).topics) do
      local expected = {}
      for name, value in pairs(COMMON) do expected[name] = value end
      if topic.name == "document-received" then expected["min.insync.replicas"] = "1" end
      assert.same(expected, topic.config)
    end
  end)

  it("wait for two of three replicas when the replication factor is 3", function()
    for _, topic in ipairs(load_with({ KAFKA_REPLICATION_FACTOR = "3" }).topics) do
      assert.equal(3, topic.replication_factor)
      assert.equal(topic.name == "document-received" and "1" or "2", topic.config["min.insync.replicas"])
    end
  end)
end)
