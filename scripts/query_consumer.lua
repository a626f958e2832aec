-- SPDX-License-Identifier: MIT
-- Answers queries from the store: from chunks, from fields, or from both when both answers are there.
local answer = require "lib.answer"
local producers = require "lib.producers"
local store = require "lib.store"

local function receive(event, ctx)
  local query = event.data.user_query
  local kept, id = ctx.svc.store, query.query_id
  ctx.log:info("Received query: %s (type: %s)", id, query.query_type)
  local reason = store.refuse_filters(query.filters)
  if reason then return ctx:reject(reason) end
  if query.query_type == "hybrid" then kept:expect(id, "hybrid", 2) end
  local producer = producers.query(ctx)
  if query.query_type ~= "structured_only" then
    producer:send_rag_query_complete(id, answer.rag(kept, query))
  end
  if query.query_type ~= "rag_only" then
    producer:send_structured_query_complete(id, answer.structured(kept, query))
  end
end

-- The handler of one of the two answers that a hybrid one is made of.
local function half(part, field)
  return function(event, ctx)
    local id, kept = event.data.query_id, ctx.svc.store
    ctx.log:info("Query %s has its %s answer", id, part)
    if not kept:expects(id, "hybrid") or not kept:arrive(id, "hybrid", part, event.data[field]) then return end
    local parts = kept:parts(id, "hybrid")
    producers.query(ctx):send_hybrid_query_complete(id, answer.hybrid(parts.rag, parts.structured))
  end
end

local function finish(event, ctx)
  ctx.log:info("Query %s has its hybrid answer (confidence: %.2f)", event.data.query_id,
    event.data.hybrid_result.confidence_score)
end

---Declares the consumer.
---@param app docmsg.App
---@param group? string default "query_consumer_group"
---@param options? docmsg.ConsumerGroupOptions
---@return docmsg.ConsumerGroup
return function(app, group, options)
  local consumer = app:consumer(group or "query_consumer_group", options)
  consumer:on("query-received", { emits = { "rag-query-complete", "structured-query-complete" } }, receive)
  consumer:on("rag-query-complete", { emits = { "hybrid-query-complete" } }, half("rag", "rag_result"))
  consumer:on("structured-query-complete", { emits = { "hybrid-query-complete" } },
    half("structured", "structured_result"))
  consumer:on("hybrid-query-complete", { emits = {} }, finish)
  return consumer
end
