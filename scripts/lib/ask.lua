-- SPDX-License-Identifier: MIT
-- Asks a question: publishes a query and waits for the event that answers it.
local json = require "docmsg.json"
local kafka = require "docmsg.kafka"
local producers = require "lib.producers"
local uuid = require "docmsg.uuid"

local M = {}

-- The event that answers a query of each type, and where the answer is in it.
local ANSWERS <const> = {
  rag_only = { "rag-query-complete", "rag_result" },
  structured_only = { "structured-query-complete", "structured_result" },
  hybrid = { "hybrid-query-complete", "hybrid_result" },
}

-- A consumer that sees what comes to a topic from now on.
local function watch(producer, topic)
  local count, err = producer:partitions(topic)
  if not count then return nil, err end
  local consumer
  consumer, err = kafka.consumer { group = "docmsg-lua-query" } -- commits nothing
  if not consumer then return nil, err end
  local places = {}
  for partition = 0, count - 1 do
    local _, last = consumer:watermarks(topic, partition, "30s")
    if not _ then
      consumer:close()
      return nil, last
    end
    places[#places + 1] = { topic = topic, partition = partition, offset = last }
  end
  assert(consumer:assign(places))
  return consumer
end

local function await(consumer, id, field, deadline, step)
  while os.time() <= deadline do
    if step then step() end
    local message, err = consumer:poll(step and "10ms" or "1s")
    if err then return nil, err end
    if message and message.key == id then
      local data, reason = json.decode(message.value)
      return data and data[field], reason
    end
  end
  return nil, "no answer in time: is the pipeline running? docmsg-lua run pipeline.lua"
end

---@class Question
---@field text string
---@field type "hybrid"|"rag_only"|"structured_only"
---@field user_id string
---@field filters? table<string, string>
---@field timeout integer seconds
---@field step? fun() is called while it waits

---@param bus docmsg.Bus
---@param question Question
---@return table? result RAGQueryResult, StructuredQueryResult or HybridQueryResult
---@return any reason
function M.ask(bus, question)
  local topic, field = table.unpack(ANSWERS[question.type])
  local id = uuid.v4()
  local counting <close> = assert(kafka.producer {})
  local consumer <close>, err = watch(counting, topic)
  if not consumer then return nil, err end
  local report, refused = producers.query(bus):send_query_received {
    query_id = id, query_text = question.text, query_type = question.type, user_id = question.user_id,
    filters = question.filters or {},
  }
  if not report then return nil, refused end
  return await(consumer, id, field, os.time() + question.timeout, question.step)
end

local function add_sources(lines, rag)
  for _, chunk in ipairs(rag.retrieved_chunks) do
    local from = chunk.document_metadata
    lines[#lines + 1] = ("Source: %s, page %d (document %s, similarity %.2f)"):format(from.filename,
      from.page_number, from.document_id, chunk.similarity_score)
  end
end

local function add_documents(lines, structured)
  for _, entry in ipairs(structured.filtered_data) do
    local names = {}
    for name in pairs(entry.fields) do names[#names + 1] = name end
    table.sort(names)
    for _, name in ipairs(names) do lines[#lines + 1] = ("%s: %s"):format(name, entry.fields[name]) end
    lines[#lines + 1] = ("Source: %s (document %s)"):format(entry.filename, entry.document_id)
  end
end

---What people read of an answer.
---@param question_type "hybrid"|"rag_only"|"structured_only"
---@param result table
---@return string lines
function M.describe(question_type, result)
  local lines = {}
  if question_type == "structured_only" then
    add_documents(lines, result)
    if #lines == 0 then lines[1] = "No field of a document answers this." end
  else
    lines[1] = result.combined_response or result.generated_response
    add_sources(lines, result.rag_result or result)
  end
  for i, line in ipairs(lines) do lines[i] = line:gsub("[%c\x7F]", function(c) return c == "\n" and c or " " end) end
  return table.concat(lines, "\n")
end

return M
