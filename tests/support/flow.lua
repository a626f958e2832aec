-- SPDX-License-Identifier: MIT
-- The document workflow without a broker: events go from handler to handler in a queue, in order or in
-- any, once or twice, with handlers whose end is lost as in a crash.
--
--   local flow <close> = flow.new()
--   flow:send("document-received", data)
--   flow:run()
--   assert.equal(1, #flow.seen["ingestion-complete"])
local dispatch = require "docmsg.dispatch"
local fake_work = require "support.fake_work"
local json = require "docmsg.json"
local log = require "docmsg.log"
local program = require "support.program"
local script = require "support.script"

package.path = script.root .. "scripts/?.lua;" .. package.path

local M = {}

---@class support.Flow
---@field store Store
---@field seen table<string, any[]> data of the events that were sent, by type
---@field lines string[] the log
---@field dead {type: string, reason: string, message: string}[]
local Flow = { __name = "support.Flow" }
Flow.__index = Flow

---The consumers of the pipeline, as they are declared.
---@return docmsg.ConsumerGroup[]
function M.consumers()
  return dofile(script.root .. "scripts/pipeline.lua").consumers
end

---@return support.Flow
function M.new()
  local self = setmetatable({ folder = program.folder(), queue = {}, seen = {}, lines = {}, dead = {}, groups = {} }, Flow)
  require("lib.data").use(self.folder)
  self.store = require("lib.store").open()
  local app = dofile(script.root .. "scripts/pipeline.lua")
  app.services.store = self.store
  self.events = app.events
  local logger = log.new { write = function(line) table.insert(self.lines, line) end }
  for i, consumer in ipairs(app.consumers) do
    local types = {}
    for _, route in ipairs(consumer.routes) do types[route.type] = true end
    self.groups[i] = { types = types, run = dispatch.compile(app, consumer, { log = logger }) }
  end
  return self
end

---Puts the text of an event into the queue, once for each group that handles it.
---@param event_type string
---@param value string?
---@param key? string
function Flow:send_text(event_type, value, key)
  for _, group in ipairs(self.groups) do
    if group.types[event_type] then
      table.insert(self.queue, { group = group, type = event_type, value = value, key = key, attempt = 1 })
    end
  end
end

---Puts an event into the queue.
---@param event_type string
---@param data any
function Flow:send(event_type, data)
  local spec = assert(self.events:get(event_type), event_type)
  self.seen[event_type] = self.seen[event_type] or {}
  table.insert(self.seen[event_type], data)
  self:send_text(event_type, assert(spec.encode(data)), assert(spec.key(data)))
end

-- Handles one event; true: its end is lost, it comes again.
local function handle(self, entry, options)
  local work = fake_work.new { topic = entry.type, key = entry.key, value = entry.value, type = entry.type,
    attempt = entry.attempt }
  local outcome, reason, message = entry.group.run(work)
  if options.loses and options.loses() then return true end
  if outcome == dispatch.DEAD or outcome == dispatch.RETRY then
    table.insert(self.dead, { type = entry.type, reason = reason, message = message })
  end
  for _, emitted in ipairs(work.emitted) do self:send(emitted.type, assert(json.decode(emitted.value))) end
end

---Handles events until there are none.
---@param options? {pick?: (fun(count: integer): integer), twice?: boolean, loses?: fun(): boolean} pick: which one is next, from 1
function Flow:run(options)
  options = options or {}
  while #self.queue > 0 do
    local entry = table.remove(self.queue, options.pick and options.pick(#self.queue) or 1)
    if options.twice and not entry.again then
      table.insert(self.queue, { group = entry.group, type = entry.type, value = entry.value, key = entry.key,
        attempt = 1, again = true })
    end
    if handle(self, entry, options) then table.insert(self.queue, entry) end
  end
end

---What the store has, without times: the same text for the same state.
---@return string
function Flow:state()
  local parts = {}
  for _, sql in ipairs {
    "SELECT document_id, filename, page_count, text, status, reason, completed_times FROM documents ORDER BY 1",
    "SELECT document_id, stage FROM stages ORDER BY 1, 2",
    "SELECT * FROM chunks ORDER BY 1, 2",
    "SELECT document_id, chunk_id, model, hex(vector) FROM vectors ORDER BY 1, 2",
    "SELECT * FROM fields ORDER BY 1, 2",
    "SELECT owner, stage, expected FROM joins ORDER BY 1, 2",
    "SELECT owner, stage, part FROM parts ORDER BY 1, 2, 3",
  } do parts[#parts + 1] = json.encode(json.array(self.store.db:rows(sql))) end
  return table.concat(parts, "\n")
end

---A document as send_document.lua makes it.
---@param id string
---@param content string
---@param changes? table of its metadata
---@return table data of document-received
function M.document(id, content, changes)
  local metadata = {
    document_id = id, filename = "uploaded_file.md", file_type = "text", upload_timestamp = "2026-01-31T12:00:00Z",
    user_id = "anna", file_size = #content,
  }
  for name, value in pairs(changes or {}) do metadata[name] = value end
  return {
    document_id = id, timestamp = "2026-01-31T12:00:00Z",
    parsed_document = { document_id = id, content = content, page_count = 1, metadata = metadata },
  }
end

function Flow:close()
  self.store:close()
  program.remove(self.folder)
end

Flow.__close = Flow.close

return M
