-- SPDX-License-Identifier: MIT
-- The 13 events of the document workflow, and everything that is no such event.
local docmsg = require "docmsg"
local events = require "docmsg.events"
local json = require "docmsg.json"
local script = require "support.script"
local value = require "docmsg.schema.value"
local workflow = require "support.workflow"

local declared = assert(events.load(script.root .. "scripts/events.lua"))

local NOW <const> = "2026-01-31T12:00:00Z"

local metadata = { document_id = "d", filename = "f.txt", file_type = "text", upload_timestamp = NOW, user_id = "u",
  file_size = 3 }
local spec = { field_name = "title", field_type = "title", description = "", validation_rules = {}, is_required = true }
local found = { document_id = "d", page_range = { 1, 2 }, extracted_fields = { a = "b" }, confidence_scores = { a = 1 },
  agent_id = "agent_1", timestamp = NOW }
local rag = { query_id = "q", generated_response = "r", source_documents = { "d" }, confidence_score = 0.5,
  retrieved_chunks = { { chunk_id = "c", similarity_score = 0.5, chunk_content = "x", document_metadata = {} } } }
local structured = { query_id = "q", filtered_data = { {} }, aggregated_results = {}, matching_documents = { "d" } }

-- One good event of each type, with everything that may be in it.
local EXAMPLES <const> = {
  ["document-received"] = { document_id = "d", timestamp = NOW, parsed_document = { document_id = "d", content = "abc",
    metadata = metadata, page_count = 1, extracted_images = {}, tables = {} } },
  ["workflow-initialized"] = { document_id = "d", workflow_types = { "rag" }, status = "initialized" },
  ["chunking-complete"] = { document_id = "d", chunk_count = 1, chunks = { { chunk_id = "c", document_id = "d",
    content = "abc", page_number = 1, chunk_index = 0, metadata = {} } } },
  ["embedding-ready"] = { document_id = "d", validated_embedding = { chunk_id = "c", document_id = "d",
    embedding_vector = { 0.5 }, embedding_model = "m", chunk_metadata = {} } },
  ["ingestion-complete"] = { document_id = "d", vector_count = 1, collection_name = "documents" },
  ["field-init-complete"] = { document_id = "d", field_specifications = { spec }, discovery_method = "automatic" },
  ["agent-scaling-complete"] = { document_id = "d", scaling_config = { document_id = "d", page_count = 3, agent_count = 2,
    page_ranges = { { 1, 1 }, { 2, 3 } }, field_specs = { spec } } },
  ["extraction-tasks"] = { task_id = "task_d_1", document_id = "d", page_range = { 1, 2 }, field_specs = { spec },
    agent_id = "agent_1" },
  ["extraction-complete"] = { document_id = "d", extraction_results = { found }, completion_status = "completed" },
  ["query-received"] = { query_id = "q", user_query = { query_id = "q", query_text = "t", query_type = "hybrid",
    user_id = "u", filters = {} } },
  ["rag-query-complete"] = { query_id = "q", rag_result = rag },
  ["structured-query-complete"] = { query_id = "q", structured_result = structured },
  ["hybrid-query-complete"] = { query_id = "q", hybrid_result = { query_id = "q", rag_result = rag,
    structured_result = structured, combined_response = "r", confidence_score = 1 } },
}

-- What may be left out, by the name of the field: the others must be there.
local MAY_BE_ABSENT <const> = {}
for name in ([[extracted_images tables status chunk_count metadata@chunks chunk_metadata discovery_method validation_rules
  is_required completion_status timestamp@extraction_results filters document_metadata aggregated_results
  a@extracted_fields a@confidence_scores]]):gmatch "%S+" do
  MAY_BE_ABSENT[name] = true
end

-- Any value will do there, and null there.
local FREE <const> = { ["a@extracted_fields"] = true }
local MAY_BE_NULL <const> = { ["timestamp@extraction_results"] = true, ["a@extracted_fields"] = true }

-- Texts, which may be as long as an event; and numbers that may be negative.
local MAY_BE_LONG <const> = { content = true, description = true, chunk_content = true, generated_response = true,
                              combined_response = true, ["a@extracted_fields"] = true }
local MAY_BE_NEGATIVE <const> = { similarity_score = true, embedding_vector = true }

-- What is put in the place of a value, by its kind: what that is called, the value, and which fields
-- may have it. An object and a list are told apart by what is in them.
local OTHERS <const> = {
  string = {
    { "a number", 7, FREE }, { "an object", { x = 1 }, FREE }, { "20000 bytes long", ("x"):rep(20000), MAY_BE_LONG },
  },
  number = {
    { "a string", "7", FREE }, { "a list", json.array { 7 }, FREE }, { "negative", -7, MAY_BE_NEGATIVE },
  },
  boolean = { { "a string", "true", FREE }, { "a number", 1, FREE } },
  object = { { "a string", "{}", FREE }, { "a list", json.array { 7, 8 }, FREE } },
  list = { { "a string", "[]", FREE }, { "an object", { x = 1 }, FREE } },
}

local LISTS <const> = {}
for name in ([[extracted_images tables workflow_types chunks embedding_vector field_specifications page_ranges field_specs
  page_range extraction_results retrieved_chunks source_documents filtered_data matching_documents]]):gmatch "%S+" do
  LISTS[name] = true
end

local function kind_of(one, path)
  if type(one) ~= "table" then return type(one) end
  return (path.item and #one > 0 or not path.item and LISTS[path.name]) and "list" or "object"
end

local function decode(event_type, data)
  return declared:get(event_type).decode(assert(json.encode(data)))
end

-- Calls `visit(container, name, path)` for everything in a value; names in paths tell lists apart.
local function walk(data, path, visit)
  for _, name in ipairs((function()
    local names = {}
    for name in pairs(data) do names[#names + 1] = name end
    return names
  end)()) do
    local inner = type(name) == "string" and { within = path.name or path.within, name = name, text = path.text .. "." .. name }
      or { within = path.within, name = path.name, text = ("%s[%d]"):format(path.text, name), item = true }
    visit(data, name, inner)
    if type(data[name]) == "table" then walk(data[name], inner, visit) end
  end
end

local function is_in(set, path)
  return set[path.name] or set[path.name .. "@" .. (path.within or "")]
end

-- Each change of a good event, with whether it must be refused.
local function each_change(event_type, check)
  local example = EXAMPLES[event_type]
  walk(value.copy(example), { text = "" }, function(holder, key, path)
    local function change(replacement, what, allowed)
      local copy = value.copy(example)
      walk(copy, { text = "" }, function(container, name, at)
        if at.text == path.text then container[name] = replacement end
      end)
      check(copy, path, what, is_in(allowed, path))
    end
    local kind = kind_of(holder[key], path)
    if not path.item then change(nil, "missing", MAY_BE_ABSENT) end
    change(json.null, "null", path.item and {} or MAY_BE_NULL)
    if kind ~= "boolean" then change(true, "a boolean", FREE) end
    for _, other in ipairs(OTHERS[kind]) do change(other[2], other[1], other[3]) end
  end)
end

describe("the events of the workflow", function()
  it("are 13, each on its topic, with a constant", function()
    assert.equal(13, #declared.types)
    for _, topic in ipairs(workflow.names()) do
      assert.equal(topic, declared:type_of(topic))
      assert.equal(topic, docmsg.EventType[topic:upper():gsub("-", "_")])
    end
    assert.equal("document-received", docmsg.EventType.DOCUMENT_RECEIVED)
  end)

  it("are what they say, and come back as they were sent", function()
    for event_type, example in pairs(EXAMPLES) do
      local data = assert(decode(event_type, example), event_type)
      local again = assert(declared:get(event_type).decode(assert(declared:get(event_type).encode(data))))
      assert.same(data, again)
    end
  end)

  it("have the key of their document, query or task", function()
    for event_type, example in pairs(EXAMPLES) do
      local expected = event_type == "extraction-tasks" and "task_d_1" or event_type:find "query" and "q" or "d"
      assert.equal(expected, declared:get(event_type).key(example), event_type)
    end
  end)

  it("keep fields that nobody declared", function()
    local example = value.copy(EXAMPLES["ingestion-complete"])
    example.note = { deep = { 1 } }
    assert.same({ deep = { 1 } }, decode("ingestion-complete", example).note)
  end)

  it("have defaults", function()
    assert.equal("initialized", decode("workflow-initialized", { document_id = "d", workflow_types = {} }).status)
    assert.equal("automatic", decode("field-init-complete", { document_id = "d", field_specifications = {} }).discovery_method)
    assert.equal("completed", decode("extraction-complete", { document_id = "d", extraction_results = {} }).completion_status)
    assert.equal(0, decode("chunking-complete", { document_id = "d", chunks = json.array {} }).chunk_count)
  end)
end)

describe("an event of the workflow is refused", function()
  for _, event_type in ipairs(declared.types) do
    it("when a field is missing, null, of another type, too long or negative: " .. event_type, function()
      local count = 0
      each_change(event_type, function(changed, path, what, allowed)
        local data, reason = decode(event_type, changed)
        count = count + 1
        if allowed then
          assert(data, ("%s %s: %s"):format(path.text, what, reason))
        else
          assert(reason, ("%s was taken when it was %s"):format(path.text, what))
          assert.truthy(reason:find(path.name, 1, true), ("%s, %s: %s"):format(path.text, what, reason))
        end
      end)
      assert(count >= 18, event_type .. ": " .. count)
    end)
  end

  -- What is changed in a good event, and what is said of it.
  local cases = {
    { "document-received", "control characters in an id", function(e) e.document_id = "a\nb" end, "document_id: " },
    { "document-received", "an empty id", function(e) e.document_id = "" end, "document_id: " },
    { "document-received", "an id of 257 bytes", function(e) e.document_id = ("x"):rep(257) end, "document_id: " },
    { "document-received", "text and a reference", function(e)
      e.parsed_document.content_ref = { path = "p", sha256 = ("0"):rep(64), bytes = 1 }
    end, "exactly one of content and content_ref" },
    { "document-received", "neither text nor a reference", function(e) e.parsed_document.content = nil end,
      "exactly one of content and content_ref" },
    { "document-received", "a hash that is none", function(e)
      e.parsed_document.content = nil
      e.parsed_document.content_ref = { path = "p", sha256 = "0", bytes = 1 }
    end, "sha256: " },
    { "document-received", "another document inside", function(e) e.parsed_document.document_id = "e" end, "another document" },
    { "document-received", "metadata of another document", function(e) e.parsed_document.metadata.document_id = "e" end,
      "metadata[1] is of another document" },
    { "document-received", "no pages", function(e) e.parsed_document.page_count = 0 end, "page_count: expected an integer >= 1" },
    { "document-received", "an unknown type", function(e) e.parsed_document.metadata.file_type = "exe" end, "file_type: " },
    { "document-received", "a negative size", function(e) e.parsed_document.metadata.file_size = -1 end, "file_size: " },
    { "document-received", "no datetime", function(e) e.timestamp = "yesterday" end, "timestamp: " },
    { "document-received", "a time that is not UTC", function(e) e.timestamp = "2026-01-31T12:00:00+02:00" end, "timestamp: " },
    { "chunking-complete", "another number of chunks", function(e) e.chunk_count = 2 end, "chunk_count is 2, but there are 1" },
    { "chunking-complete", "a chunk of another document", function(e) e.chunks[1].document_id = "e" end,
      'chunks[1] is of another document, "e"' },
    { "chunking-complete", "a negative index", function(e) e.chunks[1].chunk_index = -1 end, "chunk_index: " },
    { "embedding-ready", "an empty vector", function(e) e.validated_embedding.embedding_vector = json.array {} end,
      "embedding_vector: " },
    { "embedding-ready", "a vector with a string", function(e) e.validated_embedding.embedding_vector = { "1" } end,
      "embedding_vector[1]: " },
    { "ingestion-complete", "a negative count", function(e) e.vector_count = -1 end, "vector_count: " },
    { "ingestion-complete", "half a vector", function(e) e.vector_count = 1.5 end, "vector_count: " },
    { "agent-scaling-complete", "ranges that overlap", function(e) e.scaling_config.page_ranges = { { 1, 2 }, { 2, 3 } } end,
      "page_ranges: [2, 3] where a range from page 3 on was expected" },
    { "agent-scaling-complete", "a gap between ranges", function(e) e.scaling_config.page_ranges = { { 1, 1 }, { 3, 3 } } end,
      "where a range from page 2 on was expected" },
    { "agent-scaling-complete", "ranges that end too early", function(e) e.scaling_config.page_ranges = { { 1, 2 } } end,
      "page_ranges end with page 2, of 3" },
    { "agent-scaling-complete", "ranges that end too late", function(e) e.scaling_config.page_ranges = { { 1, 4 } } end,
      "page_ranges end with page 4, of 3" },
    { "agent-scaling-complete", "a range backwards", function(e) e.scaling_config.page_ranges = { { 1, 0 }, { 1, 3 } } end, "page_ranges" },
    { "agent-scaling-complete", "a range of three", function(e) e.scaling_config.page_ranges = { { 1, 2, 3 } } end, "page_ranges[1]" },
    { "agent-scaling-complete", "no ranges", function(e) e.scaling_config.page_ranges = json.array {} end, "page_ranges: " },
    { "agent-scaling-complete", "no agents", function(e) e.scaling_config.agent_count = 0 end, "agent_count: " },
    { "extraction-tasks", "pages backwards", function(e) e.page_range = { 3, 2 } end, "page 3 is after page 2" },
    { "extraction-complete", "a result of another document", function(e) e.extraction_results[1].document_id = "e" end,
      'extraction_results[1] is of another document, "e"' },
    { "extraction-complete", "a confidence above 1", function(e) e.extraction_results[1].confidence_scores.a = 1.5 end,
      "confidence_scores" },
    { "query-received", "an unknown type", function(e) e.user_query.query_type = "all" end, "query_type: " },
    { "query-received", "another query inside", function(e) e.user_query.query_id = "r" end, 'user_query is of another query, "r"' },
    { "query-received", "a question of 10001 bytes", function(e) e.user_query.query_text = ("x"):rep(10001) end, "query_text: " },
    { "rag-query-complete", "a negative confidence", function(e) e.rag_result.confidence_score = -0.1 end, "confidence_score: " },
    { "hybrid-query-complete", "another query inside", function(e) e.hybrid_result.query_id = "r" end, "another query" },
    { "hybrid-query-complete", "the text's answer to another query", function(e) e.hybrid_result.rag_result.query_id = "r" end,
      'rag_result is of another query, "r"' },
    { "hybrid-query-complete", "the fields' answer to another query",
      function(e) e.hybrid_result.structured_result.query_id = "r" end, 'structured_result is of another query, "r"' },
  }
  for _, case in ipairs(cases) do
    it(("with %s: %s"):format(case[2], case[1]), function()
      local changed = value.copy(EXAMPLES[case[1]])
      case[3](changed)
      local data, reason, what = decode(case[1], changed)
      assert.is_nil(data)
      assert.equal("schema", what)
      assert.truthy(reason:find(case[4], 1, true), reason)
    end)
  end

  it("with numbers that JSON does not have", function()
    for _, number in ipairs { "NaN", "Infinity", "-Infinity", "1e999", "0x10" } do
      local text = assert(json.encode(EXAMPLES["embedding-ready"])):gsub("%[0%.5%]", "[" .. number .. "]")
      local data, reason = declared:get("embedding-ready").decode(text)
      assert.is_nil(data, number)
      assert.is_string(reason)
    end
    local embedding = value.copy(EXAMPLES["embedding-ready"])
    for _, number in ipairs { 0 / 0, math.huge, -math.huge } do
      embedding.validated_embedding.embedding_vector = { number }
      assert.is_nil((declared:get("embedding-ready").encode(embedding)))
    end
  end)
end)
