-- SPDX-License-Identifier: MIT
-- Documents that arrive: their text is read and kept, and their workflows begin.
--
--   local DocumentConsumer = require "document_consumer"
--   DocumentConsumer(app, "document_consumer_group")
local extract = require "lib.extract"
local producers = require "lib.producers"
local text = require "lib.text"

---What is done with every document.
local WORKFLOWS <const> = { "rag", "extraction" }

local function receive(event, ctx)
  local document = event.data.parsed_document
  local id, metadata = document.document_id, document.metadata
  ctx.log:info("Received document: %s (file: %s)", id, metadata.file_type)
  ctx.log:info("📄 Document filename: %s", metadata.filename)
  local content, reason = extract.text(document)
  if not content then return ctx:reject(("%s: %s"):format(metadata.filename, reason)) end
  local store = ctx.svc.store
  store:add_document(document, content, #text.pages(content))
  store:expect(id, "workflows", #WORKFLOWS)
  producers.document(ctx):send_workflow_initialized(id, WORKFLOWS)
end

local function initialized(event, ctx)
  local data = event.data
  ctx.log:info("Workflow initialized for document %s: [%s] (status: %s)", data.document_id,
    table.concat(data.workflow_types, ", "), data.status)
end

---Declares the consumer.
---@param app docmsg.App
---@param group? string default "document_consumer_group"
---@param options? docmsg.ConsumerGroupOptions
---@return docmsg.ConsumerGroup
return function(app, group, options)
  local consumer = app:consumer(group or "document_consumer_group", options)
  consumer:on("document-received", { emits = { "workflow-initialized" } }, receive)
  consumer:on("workflow-initialized", { emits = {} }, initialized)
  return consumer
end
