-- SPDX-License-Identifier: MIT
-- What setup.lua prints for the 13 topics of the document workflow.
local await = require "support.await"

local M = {}

M.topics = {
  { "document-received", 6 },
  { "workflow-initialized", 3 },
  { "chunking-complete", 4 },
  { "embedding-ready", 4 },
  { "ingestion-complete", 3 },
  { "field-init-complete", 2 },
  { "agent-scaling-complete", 2 },
  { "extraction-tasks", 8 },
  { "extraction-complete", 3 },
  { "query-received", 4 },
  { "rag-query-complete", 3 },
  { "structured-query-complete", 3 },
  { "hybrid-query-complete", 3 },
}

---@param prefix "✅ Created topic"|"ℹ️  Topic already exists"
---@return string
function M.setup_output(prefix)
  local lines = { "🚀 Setting up Kafka topics for document processing system..." }
  for _, topic in ipairs(M.topics) do lines[#lines + 1] = prefix .. ": " .. topic[1] end
  lines[#lines + 1] = "✅ All 13 topics ready"
  lines[#lines + 1] = "✅ All required topics exist"
  lines[#lines + 1] = "📊 Topic Summary:"
  for _, topic in ipairs(M.topics) do lines[#lines + 1] = ("  • %s: %d partitions"):format(topic[1], topic[2]) end
  lines[#lines + 1] = "✅ Kafka topics setup completed successfully!\n"
  return table.concat(lines, "\n")
end

---What the log says of a text document of one page with one chunk.
---@param id string
---@param filename string
---@return string[] lines
function M.lines(id, filename)
  return {
    "Document received event sent: " .. id .. "\n",
    ("Received document: %s (file: text)\n"):format(id),
    ("📄 Document filename: %s\n"):format(filename),
    ("Workflow initialized event sent: %s -> [rag, extraction]\n"):format(id),
    ("Workflow initialized for document %s: [rag, extraction] (status: initialized)\n"):format(id),
    ("Chunking complete event sent: %s (1 chunks)\n"):format(id),
    ("Embedding ready event sent: %s\n"):format(id),
    ("Ingestion complete event sent: %s (1 vectors in documents)\n"):format(id),
    ("Field init complete event sent: %s (2 fields discovered via automatic)\n"):format(id),
    ("Agent scaling complete event sent: %s (2 agents for 1 pages)\n"):format(id),
    ("Extraction task sent: task_%s_1 (agent: agent_1, pages: (1, 1))\n"):format(id),
    ("Extraction complete event sent: %s (1 results, status: completed)\n"):format(id),
  }
end

---@return string[]
function M.names()
  local names = {}
  for i, topic in ipairs(M.topics) do names[i] = topic[1] end
  return names
end

---Deletes topics and waits until they are gone.
---@param admin docmsg.Admin
---@param names string[]
function M.delete_topics(admin, names)
  assert(admin:delete_topics(names))
  await(function()
    for _, info in pairs(assert(admin:describe_topics(names))) do
      if not info.error then return false end
    end
    return true
  end, "30s", "the topics to be gone")
end

return M
