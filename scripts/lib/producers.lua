-- SPDX-License-Identifier: MIT
-- The typed producers of the workflow: one call for each event, with its line in the log. All that
-- share a bus share its one producer:
--
--   local documents = producers.document(bus)
--   local report = assert(documents:send_document_received(parsed_document))
--
-- In a handler they take its context, and the event is sent when the record is handled:
--
--   producers.rag(ctx):send_chunking_complete(id, chunks)
local time = require "lib.time"

local M = {}

---@class Producer
---@field private send fun(event_type: string, data: table): any, any
---@field private log docmsg.Log
local Producer = { __name = "Producer" }
Producer.__index = Producer

-- An emit that cannot be sent does not return.
local function by_context(ctx)
  return function(event_type, data)
    ctx:emit(event_type, data)
    return true
  end
end

local function by_bus(bus)
  return function(event_type, data) return bus:publish(event_type, data) end
end

local function is_context(sender)
  return getmetatable(sender).__name == "docmsg.Context"
end

-- Makes the constructor of a class of producers.
local function class(calls)
  calls.__index = calls
  setmetatable(calls, { __index = Producer })
  return function(sender)
    local in_handler = is_context(sender)
    return setmetatable({
      send = in_handler and by_context(sender) or by_bus(sender), log = sender.log,
    }, calls)
  end
end

-- Sends an event, and says so when it went well.
function Producer:deliver(event_type, data, format, ...)
  local report, err = self.send(event_type, data)
  if not report then return nil, err end
  self.log:info(format, ...)
  return report
end

local function listed(words)
  return "[" .. table.concat(words, ", ") .. "]"
end

-- == Documents ==

local Document = { __name = "DocumentProducer" }

---@param parsed_document ParsedDocument
---@return docmsg.Report|true|nil report
---@return any err
function Document:send_document_received(parsed_document)
  local id = parsed_document.document_id
  return self:deliver("document-received",
    { document_id = id, parsed_document = parsed_document, timestamp = time.now() },
    "Document received event sent: %s", id)
end

function Document:send_workflow_initialized(id, types, status)
  return self:deliver("workflow-initialized",
    { document_id = id, workflow_types = types, status = status or "initialized" },
    "Workflow initialized event sent: %s -> %s", id, listed(types))
end

M.document = class(Document)

-- == Retrieval ==

local Rag = { __name = "RAGProducer" }

---@param id string
---@param chunks TextChunk[]
---@param chunks_ref? ContentRef the chunks are in that file instead
function Rag:send_chunking_complete(id, chunks, chunks_ref)
  return self:deliver("chunking-complete",
    { document_id = id, chunks = not chunks_ref and chunks or nil, chunks_ref = chunks_ref, chunk_count = #chunks },
    "Chunking complete event sent: %s (%d chunks)", id, #chunks)
end

function Rag:send_embedding_ready(id, embedding)
  return self:deliver("embedding-ready", { document_id = id, validated_embedding = embedding },
    "Embedding ready event sent: %s", id)
end

function Rag:send_ingestion_complete(id, count, collection)
  return self:deliver("ingestion-complete",
    { document_id = id, vector_count = count, collection_name = collection },
    "Ingestion complete event sent: %s (%d vectors in %s)", id, count, collection)
end

M.rag = class(Rag)

-- == Extraction ==

local Extraction = { __name = "ExtractionProducer" }

function Extraction:send_field_init_complete(id, specs, method)
  method = method or "automatic"
  return self:deliver("field-init-complete",
    { document_id = id, field_specifications = specs, discovery_method = method },
    "Field init complete event sent: %s (%d fields discovered via %s)", id, #specs, method)
end

function Extraction:send_agent_scaling_complete(id, config)
  return self:deliver("agent-scaling-complete", { document_id = id, scaling_config = config },
    "Agent scaling complete event sent: %s (%d agents for %d pages)", id, config.agent_count, config.page_count)
end

function Extraction:send_extraction_task(task)
  return self:deliver("extraction-tasks", task, "Extraction task sent: %s (agent: %s, pages: (%d, %d))",
    task.task_id, task.agent_id, task.page_range[1], task.page_range[2])
end

function Extraction:send_extraction_complete(id, results, status)
  status = status or "completed"
  return self:deliver("extraction-complete",
    { document_id = id, extraction_results = results, completion_status = status },
    "Extraction complete event sent: %s (%d results, status: %s)", id, #results, status)
end

M.extraction = class(Extraction)

-- == Queries ==

local Query = { __name = "QueryProducer" }

function Query:send_query_received(query)
  return self:deliver("query-received", { query_id = query.query_id, user_query = query },
    "Query received event sent: %s (type: %s)", query.query_id, query.query_type)
end

function Query:send_rag_query_complete(id, result)
  return self:deliver("rag-query-complete", { query_id = id, rag_result = result },
    "RAG query complete event sent: %s (confidence: %.2f)", id, result.confidence_score)
end

function Query:send_structured_query_complete(id, result)
  return self:deliver("structured-query-complete", { query_id = id, structured_result = result },
    "Structured query complete event sent: %s (%d results)", id, #result.filtered_data)
end

function Query:send_hybrid_query_complete(id, result)
  return self:deliver("hybrid-query-complete", { query_id = id, hybrid_result = result },
    "Hybrid query complete event sent: %s (confidence: %.2f)", id, result.confidence_score)
end

M.query = class(Query)

return M
