-- SPDX-License-Identifier: MIT
-- The 13 events of the document workflow: their topics, keys and data. What is not said to be optional
-- and has no default must be there; fields that are not named here are kept.
local s = require "docmsg.schema"

local id = s.string { min = 1, max = 256, control = false }
local name = s.string { min = 1, max = 256 }
local page = s.integer { min = 1 }
local page_range = s.tuple(page, page)
local share = s.number { min = 0, max = 1 }
local empty = s.default(s.object, {})

-- == Checks of what belongs together ==

local function exactly_one(record, a, b)
  if (record[a] == nil) == (record[b] == nil) then return ("exactly one of %s and %s expected"):format(a, b) end
end

local function same_document(record, parts, what)
  for i, part in ipairs(parts) do
    if part.document_id ~= record.document_id then
      return ("%s[%d] is of another document, %q"):format(what, i, part.document_id)
    end
  end
end

local function same_query(record, field)
  local other = record[field].query_id
  if other ~= record.query_id then return ("%s is of another query, %q"):format(field, other) end
end

local function rising(record)
  local first, last = table.unpack(record.page_range)
  if first > last then return ("page_range: page %d is after page %d"):format(first, last) end
end

-- Every page is in exactly one of the ranges.
local function covering(config)
  local ranges = table.move(config.page_ranges, 1, #config.page_ranges, 1, {})
  table.sort(ranges, function(a, b) return a[1] < b[1] end)
  local next_page = 1
  for _, range in ipairs(ranges) do
    if range[1] ~= next_page or range[2] < range[1] then
      return ("page_ranges: [%d, %d] where a range from page %d on was expected"):format(range[1], range[2], next_page)
    end
    next_page = range[2] + 1
  end
  if next_page ~= config.page_count + 1 then
    return ("page_ranges end with page %d, of %d"):format(next_page - 1, config.page_count)
  end
end

-- == Records ==

local DocumentMetadata = s.record {
  document_id = id,
  filename = s.string { min = 1, max = 1024 },
  file_type = s.enum { "pdf", "docx", "image", "text" },
  upload_timestamp = s.datetime,
  user_id = id,
  file_size = s.integer { min = 0 },
}

-- A file beside the store, for what is too large for an event; `path` is relative to its folder.
local ContentRef = s.record {
  path = s.string { min = 1, max = 1024, control = false },
  sha256 = s.string { pattern = "^%x+$", min = 64, max = 64 },
  bytes = s.integer { min = 0 },
}

local ParsedDocument = s.record({
  document_id = id,
  content = s.optional(s.string),
  content_ref = s.optional(ContentRef),
  metadata = DocumentMetadata,
  page_count = page,
  extracted_images = s.default(s.array(s.object), {}),
  tables = s.default(s.array(s.object), {}),
}, { check = function(document)
  return exactly_one(document, "content", "content_ref")
    or same_document(document, { document.metadata }, "metadata")
end })

local TextChunk = s.record {
  chunk_id = id,
  document_id = id,
  content = s.string,
  page_number = page,
  chunk_index = s.integer { min = 0 },
  metadata = empty,
}

local ValidatedEmbedding = s.record {
  chunk_id = id,
  document_id = id,
  embedding_vector = s.array(s.number, { min = 1, max = 65536 }),
  embedding_model = name,
  chunk_metadata = empty,
}

local FieldSpecification = s.record {
  field_name = name,
  field_type = name,
  description = s.string,
  validation_rules = empty,
  is_required = s.default(s.boolean, false),
}
local fields = s.array(FieldSpecification)

local AgentScalingConfig = s.record({
  document_id = id,
  page_count = page,
  agent_count = s.integer { min = 1 },
  page_ranges = s.array(page_range, { min = 1 }),
  field_specs = fields,
}, { check = covering })

local ExtractionResult = s.record({
  document_id = id,
  page_range = page_range,
  extracted_fields = s.object,
  confidence_scores = s.map(share),
  agent_id = name,
  timestamp = s.optional(s.datetime),
}, { check = rising })

local UserQuery = s.record {
  query_id = id,
  query_text = s.string { min = 1, max = 10000 },
  query_type = s.enum { "rag_only", "structured_only", "hybrid" },
  user_id = id,
  filters = empty,
}

local VectorSearchResult = s.record {
  chunk_id = id,
  similarity_score = s.number,
  chunk_content = s.string,
  document_metadata = empty,
}

local RAGQueryResult = s.record {
  query_id = id,
  retrieved_chunks = s.array(VectorSearchResult),
  generated_response = s.string,
  source_documents = s.array(id),
  confidence_score = share,
}

local StructuredQueryResult = s.record {
  query_id = id,
  filtered_data = s.array(s.object),
  aggregated_results = empty,
  matching_documents = s.array(id),
}

local HybridQueryResult = s.record({
  query_id = id,
  rag_result = RAGQueryResult,
  structured_result = StructuredQueryResult,
  combined_response = s.string,
  confidence_score = share,
}, { check = function(result)
  return same_query(result, "rag_result") or same_query(result, "structured_result")
end })

-- == Events ==

-- An event about a document: its key, so that all of them stay in order.
local function of_document(topic, data, check)
  data.document_id = id
  return { topic = topic, key = "document_id", data = s.record(data, { check = check }) }
end

-- An event about a query, with one result whose query it must be.
local function of_query(topic, field, schema)
  return { topic = topic, key = "query_id", data = s.record({ query_id = id, [field] = schema }, {
    check = function(data) return same_query(data, field) end,
  }) }
end

local function check_chunks(data)
  local chunks = data.chunks
  local wrong = exactly_one(data, "chunks", "chunks_ref")
  if wrong or not chunks then return wrong end
  if data.chunk_count ~= #chunks then
    return ("chunk_count is %d, but there are %d chunks"):format(data.chunk_count, #chunks)
  end
  return same_document(data, chunks, "chunks")
end

return {
  ["document-received"] = of_document("document-received", {
    parsed_document = ParsedDocument, timestamp = s.datetime,
  }, function(data) return same_document(data, { data.parsed_document }, "parsed_document") end),

  ["workflow-initialized"] = of_document("workflow-initialized", {
    workflow_types = s.array(name), status = s.default(name, "initialized"),
  }),

  ["chunking-complete"] = of_document("chunking-complete", {
    chunks = s.optional(s.array(TextChunk)),
    chunks_ref = s.optional(ContentRef),
    chunk_count = s.default(s.integer { min = 0 }, function(data) return data.chunks and #data.chunks end),
  }, check_chunks),

  ["embedding-ready"] = of_document("embedding-ready", {
    validated_embedding = ValidatedEmbedding,
  }, function(data) return same_document(data, { data.validated_embedding }, "validated_embedding") end),

  ["ingestion-complete"] = of_document("ingestion-complete", {
    vector_count = s.integer { min = 0 }, collection_name = name,
  }),

  ["field-init-complete"] = of_document("field-init-complete", {
    field_specifications = fields, discovery_method = s.default(name, "automatic"),
  }),

  ["agent-scaling-complete"] = of_document("agent-scaling-complete", {
    scaling_config = AgentScalingConfig,
  }, function(data) return same_document(data, { data.scaling_config }, "scaling_config") end),

  -- These run in parallel: each has a key of its own.
  ["extraction-tasks"] = { topic = "extraction-tasks", key = "task_id", data = s.record({
    task_id = id, document_id = id, page_range = page_range, field_specs = fields, agent_id = name,
  }, { check = rising }) },

  ["extraction-complete"] = of_document("extraction-complete", {
    extraction_results = s.array(ExtractionResult), completion_status = s.default(name, "completed"),
  }, function(data) return same_document(data, data.extraction_results, "extraction_results") end),

  ["query-received"] = of_query("query-received", "user_query", UserQuery),
  ["rag-query-complete"] = of_query("rag-query-complete", "rag_result", RAGQueryResult),
  ["structured-query-complete"] = of_query("structured-query-complete", "structured_result", StructuredQueryResult),
  ["hybrid-query-complete"] = of_query("hybrid-query-complete", "hybrid_result", HybridQueryResult),
}
