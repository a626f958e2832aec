-- SPDX-License-Identifier: MIT
-- Makes documents searchable: their text is cut into chunks, each chunk gets a vector, and the document
-- is ingested when the last of them is kept.
local data = require "lib.data"
local embedding = require "lib.embedding"
local json = require "docmsg.json"
local producers = require "lib.producers"
local text = require "lib.text"
local wants = require "lib.wants"

local COLLECTION <const> = "documents"
local CHUNK <const>, OVERLAP <const> = 2000, 200 -- bytes

local function chunks_of(id, content)
  local places, chunks = text.chunks(content, CHUNK, OVERLAP), {}
  local pages = text.page_numbers(text.pages(content), places)
  for i, place in ipairs(places) do
    chunks[i] = {
      chunk_id = ("%s_chunk_%d"):format(text.cut(id, 200), i - 1), document_id = id, chunk_index = i - 1,
      content = content:sub(place.first, place.last), page_number = pages[i], metadata = {},
    }
  end
  return chunks
end

-- Chunks that are too large for an event are in a file.
local function reference_to(chunks, content)
  if #content <= data.REFERENCE_FROM then return nil end
  return data.keep(assert(json.encode(chunks)), "json")
end

local function cut(event, ctx)
  local id = event.data.document_id
  if not wants(event, "rag") then return ctx:skip "no rag workflow" end
  local content, reason = ctx.svc.store:text(id)
  if not content then return ctx:reject(reason) end
  local chunks = chunks_of(id, content)
  ctx.svc.store:set_chunks(id, chunks)
  producers.rag(ctx):send_chunking_complete(id, chunks, reference_to(chunks, content))
end

local function read_chunks(event)
  if event.data.chunks then return event.data.chunks end
  local content, reason = data.read(event.data.chunks_ref, 64 << 20)
  if not content then return nil, reason end
  local chunks, wrong = json.decode(content)
  if wrong then return nil, wrong end
  if #chunks ~= event.data.chunk_count then
    return nil, ("chunk_count is %d, but there are %d chunks"):format(event.data.chunk_count, #chunks)
  end
  return chunks
end

local function embed(event, ctx)
  local id = event.data.document_id
  local chunks, reason = read_chunks(event)
  if not chunks then return ctx:reject(reason) end
  if #chunks == 0 then return ctx:reject "there are no chunks" end
  ctx.svc.store:expect(id, "embedding-ready", #chunks)
  local producer = producers.rag(ctx)
  for _, chunk in ipairs(chunks) do
    producer:send_embedding_ready(id, {
      chunk_id = chunk.chunk_id, document_id = id, embedding_model = embedding.MODEL,
      embedding_vector = embedding.embed(chunk.content), chunk_metadata = { page_number = chunk.page_number },
    })
  end
end

local function ingest(event, ctx)
  local id, embedded, store = event.data.document_id, event.data.validated_embedding, ctx.svc.store
  local known, last = store:transaction(function()
    if not store:add_vector(embedded) then return false, false end
    return true, store:arrive(id, "embedding-ready", embedded.chunk_id)
  end)
  if not known then return ctx:reject(("document %s has no chunk %s"):format(id, embedded.chunk_id)) end
  if last then producers.rag(ctx):send_ingestion_complete(id, store:vector_count(id), COLLECTION) end
end

local function finish(event, ctx)
  local id, store = event.data.document_id, ctx.svc.store
  ctx.log:info("Ingestion complete for document %s: %d vectors in %s", id, event.data.vector_count,
    event.data.collection_name)
  if store:arrive(id, "workflows", "rag") then store:complete(id) end
end

---Declares the consumer.
---@param app docmsg.App
---@param group? string default "rag_consumer_group"
---@param options? docmsg.ConsumerGroupOptions
---@return docmsg.ConsumerGroup
return function(app, group, options)
  local consumer = app:consumer(group or "rag_consumer_group", options)
  consumer:on("workflow-initialized", { emits = { "chunking-complete" } }, cut)
  consumer:on("chunking-complete", { emits = { "embedding-ready" } }, embed)
  consumer:on("embedding-ready", { emits = { "ingestion-complete" } }, ingest)
  consumer:on("ingestion-complete", { emits = {} }, finish)
  return consumer
end
