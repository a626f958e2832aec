-- SPDX-License-Identifier: MIT
-- Answers to queries, from the store. They quote: no model writes them.
local embedding = require "lib.embedding"

local M = {}

local CANDIDATES <const> = 20    -- the nearest chunks, which are looked at closely
local CHUNKS <const> = 5         -- that an answer is made of
local DOCUMENTS <const> = 20     -- whose fields it may list
local QUOTE <const> = 600        -- bytes of a quotation, about
local NOTHING <const> = "Nothing in the documents answers this."

-- == Retrieval ==

-- Keeps the list sorted and short.
local function keep_best(best, candidate)
  local at = #best + 1
  while at > 1 and best[at - 1].similarity_score < candidate.similarity_score do at = at - 1 end
  if at > CANDIDATES then return end
  table.insert(best, at, candidate)
  best[CANDIDATES + 1] = nil
end

-- How many of the words are in a text.
local function hits(words, text)
  local count, present = 0, embedding.words(text)
  for word in pairs(words) do
    if present[word] then count = count + 1 end
  end
  return count
end

-- The chunks that are nearest to a text.
local function nearest(store, query)
  local best, wanted = {}, embedding.embed(query.query_text)
  for row in store:vectors(embedding.MODEL, query.filters) do
    keep_best(best, {
      chunk_id = row.chunk_id, chunk_content = row.content,
      similarity_score = embedding.similarity(wanted, embedding.unpack(row.vector)),
      document_metadata = { document_id = row.document_id, filename = row.filename, page_number = row.page_number },
    })
  end
  return best
end

-- Those of the nearest that share words with the query, as different words may have the same feature;
-- first those that share most.
local function search(store, query)
  local found, shared, words = {}, {}, embedding.words(query.query_text)
  for _, chunk in ipairs(nearest(store, query)) do
    shared[chunk] = hits(words, chunk.chunk_content)
    if shared[chunk] > 0 then found[#found + 1] = chunk end
  end
  table.sort(found, function(a, b)
    if shared[a] ~= shared[b] then return shared[a] > shared[b] end
    return a.similarity_score > b.similarity_score
  end)
  return table.move(found, 1, CHUNKS, 1, {})
end

-- The sentences of a chunk that have most of the query's words, in their order.
local function quote(chunk, words)
  local sentences, most = {}, 0
  for sentence in chunk:gmatch "[^\n.!?]+[.!?]*" do
    sentence = sentence:match "^%s*(.-)%s*$"
    if sentence ~= "" then
      local count = hits(words, sentence)
      sentences[#sentences + 1] = { sentence, count }
      most = math.max(most, count)
    end
  end
  local chosen, length = {}, 0
  for _, entry in ipairs(sentences) do
    if entry[2] == most and length < QUOTE then
      chosen[#chosen + 1], length = entry[1], length + #entry[1]
    end
  end
  return table.concat(chosen, " ")
end

local function sources_of(chunks)
  local sources, known = {}, {}
  for _, chunk in ipairs(chunks) do
    local id = chunk.document_metadata.document_id
    if not known[id] then sources[#sources + 1], known[id] = id, true end
  end
  return sources
end

---Answers from the chunks that are nearest to the query. Its confidence is the similarity of the first.
---@param store Store
---@param query UserQuery
---@return RAGQueryResult
function M.rag(store, query)
  local chunks = search(store, query)
  local first = chunks[1]
  return {
    query_id = query.query_id, retrieved_chunks = chunks, source_documents = sources_of(chunks),
    generated_response = first and quote(first.chunk_content, embedding.words(query.query_text)) or NOTHING,
    confidence_score = first and math.max(0, first.similarity_score) or 0,
  }
end

-- == Fields ==

-- Documents that have a field whose name or value shares a word with the query.
local function matching(store, query)
  local words, list, by_id = embedding.words(query.query_text), {}, {}
  for _, row in ipairs(store:fields(query.filters)) do
    if hits(words, row.name:gsub("_", " ") .. " " .. row.value) > 0 then
      local entry = by_id[row.document_id]
      if not entry then
        entry = { document_id = row.document_id, filename = row.filename, fields = {} }
        by_id[row.document_id], list[#list + 1] = entry, entry
      end
      entry.fields[row.name] = row.value
    end
  end
  return list
end

---Answers from the fields of documents.
---@param store Store
---@param query UserQuery
---@return StructuredQueryResult
function M.structured(store, query)
  local list, ids, counts = matching(store, query), {}, {}
  local count = #list
  for i, entry in ipairs(list) do
    ids[i] = entry.document_id
    for name in pairs(entry.fields) do counts[name] = (counts[name] or 0) + 1 end
  end
  for i = DOCUMENTS + 1, count do list[i] = nil end
  return {
    query_id = query.query_id, filtered_data = list, matching_documents = ids,
    aggregated_results = { document_count = count, field_counts = counts },
  }
end

-- == Both ==

local function facts(structured)
  local lines = {}
  for _, entry in ipairs(structured.filtered_data) do
    local names = {}
    for name in pairs(entry.fields) do names[#names + 1] = name end
    table.sort(names)
    for _, name in ipairs(names) do lines[#lines + 1] = ("%s: %s"):format(name, entry.fields[name]) end
  end
  return table.concat(lines, "\n", 1, math.min(#lines, 10))
end

---Puts both answers together. A document that both know is surer than one that only one of them knows.
---@param rag RAGQueryResult
---@param structured StructuredQueryResult
---@return HybridQueryResult
function M.hybrid(rag, structured)
  local known, agreed, found = {}, false, facts(structured)
  for _, id in ipairs(structured.matching_documents) do known[id] = true end
  for _, id in ipairs(rag.source_documents) do agreed = agreed or known[id] ~= nil end
  local confidence = rag.confidence_score
  if agreed then confidence = confidence + (1 - confidence) / 2 end
  return {
    query_id = rag.query_id, rag_result = rag, structured_result = structured, confidence_score = confidence,
    combined_response = found == "" and rag.generated_response or rag.generated_response .. "\n" .. found,
  }
end

return M
