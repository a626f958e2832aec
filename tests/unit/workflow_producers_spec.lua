-- SPDX-License-Identifier: MIT
-- The typed producers: each call sends its event, which fits its schema, and logs its line when, and
-- only when, that went well.
local events = require "docmsg.events"
local log = require "docmsg.log"
local script = require "support.script"

package.path = script.root .. "scripts/?.lua;" .. package.path
local producers = require "lib.producers"

local declared = assert(events.load(script.root .. "scripts/events.lua"))

local NOW <const> = "2026-01-31T12:00:00Z"
local SPEC <const> = { field_name = "title", field_type = "title", description = "the first heading" }

local parsed = { document_id = "d", content = "abc", page_count = 1, metadata = { document_id = "d", filename = "f.txt",
  file_type = "text", upload_timestamp = NOW, user_id = "u", file_size = 3 } }
local chunk = { chunk_id = "c", document_id = "d", content = "abc", page_number = 1, chunk_index = 0 }
local embedding = { chunk_id = "c", document_id = "d", embedding_vector = { 0.5 }, embedding_model = "m" }
local scaling = { document_id = "d", page_count = 3, agent_count = 2, page_ranges = { { 1, 1 }, { 2, 3 } },
  field_specs = { SPEC } }
local task = { task_id = "task_d_1", document_id = "d", page_range = { 2, 3 }, field_specs = { SPEC }, agent_id = "agent_1" }
local found = { document_id = "d", page_range = { 1, 3 }, extracted_fields = { title = "t" },
  confidence_scores = { title = 1 }, agent_id = "agent_1" }
local query = { query_id = "q", query_text = "Who?", query_type = "hybrid", user_id = "u" }
local rag = { query_id = "q", retrieved_chunks = {}, generated_response = "r", source_documents = { "d" },
  confidence_score = 0.875 }
local structured = { query_id = "q", filtered_data = { { a = 1 }, { a = 2 } }, matching_documents = { "d" } }
local hybrid = { query_id = "q", rag_result = rag, structured_result = structured, combined_response = "r",
  confidence_score = 1 }

-- Producer, call, arguments, event type, line.
local CALLS <const> = {
  { "document", "send_document_received", { parsed }, "document-received", "Document received event sent: d" },
  { "document", "send_workflow_initialized", { "d", { "rag", "extraction" } }, "workflow-initialized",
    "Workflow initialized event sent: d -> [rag, extraction]" },
  { "document", "send_workflow_initialized", { "d", {}, "paused" }, "workflow-initialized",
    "Workflow initialized event sent: d -> []" },
  { "rag", "send_chunking_complete", { "d", { chunk, chunk } }, "chunking-complete",
    "Chunking complete event sent: d (2 chunks)" },
  { "rag", "send_embedding_ready", { "d", embedding }, "embedding-ready", "Embedding ready event sent: d" },
  { "rag", "send_ingestion_complete", { "d", 7, "documents" }, "ingestion-complete",
    "Ingestion complete event sent: d (7 vectors in documents)" },
  { "extraction", "send_field_init_complete", { "d", { SPEC, SPEC }, "manual" }, "field-init-complete",
    "Field init complete event sent: d (2 fields discovered via manual)" },
  { "extraction", "send_field_init_complete", { "d", {} }, "field-init-complete",
    "Field init complete event sent: d (0 fields discovered via automatic)" },
  { "extraction", "send_agent_scaling_complete", { "d", scaling }, "agent-scaling-complete",
    "Agent scaling complete event sent: d (2 agents for 3 pages)" },
  { "extraction", "send_extraction_task", { task }, "extraction-tasks",
    "Extraction task sent: task_d_1 (agent: agent_1, pages: (2, 3))" },
  { "extraction", "send_extraction_complete", { "d", { found }, "partial" }, "extraction-complete",
    "Extraction complete event sent: d (1 results, status: partial)" },
  { "query", "send_query_received", { query }, "query-received", "Query received event sent: q (type: hybrid)" },
  { "query", "send_rag_query_complete", { "q", rag }, "rag-query-complete",
    "RAG query complete event sent: q (confidence: 0.88)" },
  { "query", "send_structured_query_complete", { "q", structured }, "structured-query-complete",
    "Structured query complete event sent: q (2 results)" },
  { "query", "send_hybrid_query_complete", { "q", hybrid }, "hybrid-query-complete",
    "Hybrid query complete event sent: q (confidence: 1.00)" },
}

-- A bus, or with `emits` the context of a handler, that keeps what is sent through it.
local function sender(emits)
  local self = { sent = {}, lines = {} }
  self.log = log.new { write = function(line) table.insert(self.lines, line) end }
  local function take(_, event_type, data)
    if self.refusal then return nil, self.refusal end
    table.insert(self.sent, { type = event_type, data = data })
    return { topic = event_type, partition = 0, offset = 1 }
  end
  if emits then self.emit = take else self.publish = take end
  return setmetatable(self, { __name = emits and "docmsg.Context" or "docmsg.Bus" })
end

describe("a typed producer", function()
  for _, call in ipairs(CALLS) do
    local class, method, arguments, event_type, line = table.unpack(call)
    it(("sends what %s is given, and says so: %s"):format(method, line), function()
      for _, in_handler in ipairs { false, true } do
        local through = sender(in_handler)
        local producer = producers[class](through)
        local report = assert(producer[method](producer, table.unpack(arguments)))
        assert(in_handler and report == true or report.topic == event_type)
        assert.equal(1, #through.sent)
        assert.equal(event_type, through.sent[1].type)
        assert(declared:get(event_type).encode(through.sent[1].data))
        assert.equal(1, #through.lines)
        assert.truthy(through.lines[1]:find(" INFO " .. line .. "\n", 1, true), through.lines[1])
      end
    end)
  end

  it("has every event of the workflow", function()
    local types, count = {}, 0
    for _, call in ipairs(CALLS) do types[call[4]] = true end
    for _ in pairs(types) do count = count + 1 end
    assert.equal(#declared.types, count)
  end)

  it("gives back why an event was not sent, and says nothing", function()
    for _, call in ipairs(CALLS) do
      local through = sender()
      through.refusal = { name = "_MSG_TIMED_OUT" }
      local producer = producers[call[1]](through)
      local report, err = producer[call[2]](producer, table.unpack(call[3]))
      assert.is_nil(report)
      assert.equal("_MSG_TIMED_OUT", err.name)
      assert.same({}, through.lines)
    end
  end)
end)
