-- SPDX-License-Identifier: MIT
-- The 13 topics of the document workflow. docmsg-lua setup.lua creates and verifies them.
-- KAFKA_REPLICATION_FACTOR in the environment goes over the replication factor here; from 3 on,
-- min.insync.replicas is 2 unless a topic says otherwise.
return {
  defaults = {
    replication_factor = 1,
    key = "document_id",
    config = {
      ["cleanup.policy"] = "delete",
      ["retention.ms"] = days(7),
      ["segment.ms"] = days(1),
      ["compression.type"] = "snappy",
    },
  },

  -- A document arrives.
  ["document-received"] = { partitions = 6, config = { ["min.insync.replicas"] = 1 } },
  ["workflow-initialized"] = { partitions = 3 },

  -- Its text becomes searchable.
  ["chunking-complete"] = { partitions = 4 },
  ["embedding-ready"] = { partitions = 4 },
  ["ingestion-complete"] = { partitions = 3 },

  -- Its fields are extracted, by several agents in parallel.
  ["field-init-complete"] = { partitions = 2 },
  ["agent-scaling-complete"] = { partitions = 2 },
  ["extraction-tasks"] = { partitions = 8, key = "task_id" },
  ["extraction-complete"] = { partitions = 3 },

  -- Questions about it are answered.
  ["query-received"] = { partitions = 4, key = "query_id" },
  ["rag-query-complete"] = { partitions = 3, key = "query_id" },
  ["structured-query-complete"] = { partitions = 3, key = "query_id" },
  ["hybrid-query-complete"] = { partitions = 3, key = "query_id" },
}
