-- SPDX-License-Identifier: MIT
-- Finds the fields of documents: which there are, how many agents look for them, each of these in its
-- own pages and all at once, and what they found put together when the last one is done.
local fields = require "lib.fields"
local producers = require "lib.producers"
local result = require "lib.result"
local scaling = require "lib.scaling"
local text = require "lib.text"
local time = require "lib.time"
local wants = require "lib.wants"

local function discover(event, ctx)
  local id = event.data.document_id
  if not wants(event, "extraction") then return ctx:skip "no extraction workflow" end
  local content, reason = ctx.svc.store:text(id)
  if not content then return ctx:reject(reason) end
  producers.extraction(ctx):send_field_init_complete(id, fields.discover(content), "automatic")
end

local function scale(event, ctx)
  local id = event.data.document_id
  local document = ctx.svc.store:document(id)
  if not document or not document.page_count then return ctx:reject(("the store has no document %s"):format(id)) end
  producers.extraction(ctx):send_agent_scaling_complete(id,
    scaling.config(id, document.page_count, event.data.field_specifications))
end

local function hand_out(event, ctx)
  local config = event.data.scaling_config
  local id, ranges = config.document_id, config.page_ranges
  ctx.svc.store:expect(id, "extraction-tasks", #ranges)
  local producer = producers.extraction(ctx)
  for i, range in ipairs(ranges) do
    producer:send_extraction_task {
      task_id = ("task_%s_%d"):format(text.cut(id, 200), i), document_id = id, page_range = range,
      field_specs = config.field_specs, agent_id = ("agent_%d"):format((i - 1) % config.agent_count + 1),
    }
  end
end

-- The text of a range of pages.
local function pages_of(content, range)
  local pages = text.pages(content)
  if range[2] > #pages then return nil, ("pages %d to %d of %d"):format(range[1], range[2], #pages) end
  return content:sub(pages[range[1]].first, pages[range[2]].last)
end

-- The results of all tasks, by their pages.
local function results_of(store, id)
  local results = {}
  for _, one in pairs(store:parts(id, "extraction-tasks")) do results[#results + 1] = one end
  table.sort(results, function(a, b) return a.page_range[1] < b.page_range[1] end)
  return results
end

local function extract(event, ctx)
  local task, store = event.data, ctx.svc.store
  local id = task.document_id
  local content, reason = store:text(id)
  local part
  if content then part, reason = pages_of(content, task.page_range) end
  if not part then return ctx:reject(("%s: %s"):format(task.task_id, reason)) end
  local values, confidence = fields.extract(part, task.field_specs)
  local last = store:arrive(id, "extraction-tasks", task.task_id, {
    document_id = id, page_range = task.page_range, extracted_fields = values, confidence_scores = confidence,
    agent_id = task.agent_id, timestamp = time.now(),
  })
  if last then producers.extraction(ctx):send_extraction_complete(id, results_of(store, id), "completed") end
end

local function finish(event, ctx)
  local id, store = event.data.document_id, ctx.svc.store
  local merged = result.merge_valid(event.data.extraction_results)
  store:set_fields(id, merged and merged.extracted_fields or {}, merged and merged.confidence_scores or {})
  ctx.log:info("Extraction complete for document %s: confidence %.2f (%s)", id,
    merged and result.confidence(merged) or 0, event.data.completion_status)
  if store:arrive(id, "workflows", "extraction") then store:complete(id) end
end

---Declares the consumer.
---@param app docmsg.App
---@param group? string default "extraction_consumer_group"
---@param options? docmsg.ConsumerGroupOptions
---@return docmsg.ConsumerGroup
return function(app, group, options)
  local consumer = app:consumer(group or "extraction_consumer_group", options)
  consumer:on("workflow-initialized", { emits = { "field-init-complete" } }, discover)
  consumer:on("field-init-complete", { emits = { "agent-scaling-complete" } }, scale)
  consumer:on("agent-scaling-complete", { emits = { "extraction-tasks" } }, hand_out)
  consumer:on("extraction-tasks", { emits = { "extraction-complete" } }, extract)
  consumer:on("extraction-complete", { emits = {} }, finish)
  return consumer
end
