-- SPDX-License-Identifier: MIT
-- What setup.lua prints for the 13 topics of the document workflow.
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

---@return string[]
function M.names()
  local names = {}
  for i, topic in ipairs(M.topics) do names[i] = topic[1] end
  return names
end

return M
