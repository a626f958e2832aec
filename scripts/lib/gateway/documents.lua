-- SPDX-License-Identifier: MIT
-- What is known of documents by the events about them: which stages each has passed, and whether it is
-- through or has failed. In memory, for the newest ones: it is all in Kafka. Pure: events go in.
--
-- A document is told from its document-received on. Topics are read side by side, so events may come before
-- it, and are kept for a while. Those of a document that was forgotten come too, and must not make half of
-- one: what has no document-received is none.
local failure = require "docmsg.failure"
local json = require "docmsg.json"

local M = {}

-- The longest key that is one of a document; others are told nobody, and remembered nowhere.
local KEY_BYTES <const> = 512

-- The last millisecond of the year 9999.
local LAST_MS <const> = 253402300799999

---Documents that are remembered.
M.LIMIT = 10000

---@class gateway.Stage
---@field stage string the event's type
---@field ms? integer of the first event of that type, since 1970
---@field count integer events of that type

---@class gateway.Document
---@field document_id string
---@field metadata? DocumentMetadata once document-received was seen
---@field stages gateway.Stage[] as they were read
---@field by_type table<string, gateway.Stage>
---@field failure? {stage: string, group: string, reason: string}
---@field received_ms? integer when it was received, since 1970; nil: that was not seen
---@field number? integer counts those that were received, as they were seen

---@class gateway.Documents
---@field private limit integer
---@field private sorted? gateway.Document[] newest first; nil: to be sorted anew
---@field private by_id table<string, gateway.Document> also of those that wait for their document-received
---@field private heap gateway.Document[] those that were received: none is older than the one at half its place
---@field private number integer of the last that was received
---@field private early string[] from `first` to `last`, of documents that were seen before they were received
---@field private first integer
---@field private last integer
local Documents = { __name = "gateway.Documents" }
Documents.__index = Documents

---@param limit? integer default 10,000
---@return gateway.Documents
function M.new(limit)
  return setmetatable({ limit = limit or M.LIMIT, by_id = {}, heap = {}, number = 0, early = {}, first = 1, last = 0 },
    Documents)
end

-- == The newest ==

local function is_older(a, b)
  if a.received_ms ~= b.received_ms then return a.received_ms < b.received_ms end
  return a.number < b.number
end

local function rise(heap, document)
  local i = #heap + 1
  while i > 1 and is_older(document, heap[i // 2]) do
    heap[i], i = heap[i // 2], i // 2
  end
  heap[i] = document
end

-- Puts a document into the place of the oldest, and whatever is older then.
local function replace_oldest(heap, document)
  local i, n = 1, #heap
  while 2 * i <= n do
    local child = 2 * i
    if child < n and is_older(heap[child + 1], heap[child]) then child = child + 1 end
    if not is_older(heap[child], document) then break end
    heap[i], i = heap[child], child
  end
  heap[i] = document
end

-- The document was received at that time. The oldest goes when there is no room: that may be this one.
local function admit(self, document, ms)
  local heap = self.heap
  self.number, self.sorted = self.number + 1, nil
  document.received_ms, document.number = ms, self.number
  if #heap < self.limit then return rise(heap, document) end
  local oldest = is_older(document, heap[1]) and document or heap[1]
  if oldest ~= document then replace_oldest(heap, document) end
  self.by_id[oldest.document_id] = nil
end

-- Keeps a document in mind that may be received yet, in place of the one that has waited longest.
local function expect_soon(self, document)
  self.last = self.last + 1
  self.early[self.last] = document.document_id
  if self.last - self.first < self.limit then return end
  local id = self.early[self.first]
  self.early[self.first], self.first = nil, self.first + 1
  local waiting = self.by_id[id]
  if waiting and not waiting.received_ms then self.by_id[id] = nil end
end

-- Is something of that time about a document that is forgotten, when nothing is known of it?
local function is_past(self, ms)
  return ms and #self.heap == self.limit and ms < self.heap[1].received_ms
end

local function create(self, id)
  local document = { document_id = id, stages = {}, by_type = {} }
  self.by_id[id] = document
  return document
end

-- The document of an event; nil: it is forgotten.
local function document_of(self, id, message, is_received)
  local document = self.by_id[id]
  if document then return document end
  if is_past(self, message.timestamp) then return nil end
  document = create(self, id)
  if not is_received then expect_soon(self, document) end
  return document
end

-- == Events ==

-- The document that a record is about: its key, but tasks have keys of their own.
local function id_of(message, stage)
  local key = message.key
  if not key or key == "" or #key > KEY_BYTES or not utf8.len(key) then return nil end
  if stage == "extraction-tasks" then return key:match "^task_(.*)_%d+$" or key end
  return key
end

local function text(value)
  return type(value) == "string" and failure.bounded(value) or nil
end

-- Data that do not fit are the pipeline's to reject.
local function metadata_of(message)
  local data = message.value and json.decode(message.value)
  local parsed = type(data) == "table" and data.parsed_document
  local metadata = type(parsed) == "table" and parsed.metadata
  if type(metadata) ~= "table" then return nil end
  return {
    filename = text(metadata.filename), file_type = text(metadata.file_type), user_id = text(metadata.user_id),
    file_size = math.tointeger(metadata.file_size), upload_timestamp = text(metadata.upload_timestamp),
  }
end

local function pass(document, stage, message)
  local passed = document.by_type[stage]
  if not passed then
    passed = { stage = stage, ms = message.timestamp, count = 0 }
    document.by_type[stage] = passed
    table.insert(document.stages, passed)
  end
  passed.count = passed.count + 1
end

local function note_failure(document, message, stage)
  document.failure = { stage = stage, group = text(message:header "__dlq.errors.group"),
    reason = text(message:header "__dlq.errors.message" or message:header "docmsg-reason") }
end

---Takes an event, or a dead letter.
---@param message docmsg.Message
---@param stage string the event's type
---@param dead boolean
---@return gateway.Document? document that is another one now; nil: it is not told of
function Documents:take(message, stage, dead)
  local id = id_of(message, stage)
  if not id then return nil end
  local is_received = stage == "document-received" and not dead
  local document = document_of(self, id, message, is_received)
  if not document then return nil end
  if dead then note_failure(document, message, stage) else pass(document, stage, message) end
  if is_received then
    document.metadata = document.metadata or metadata_of(message)
    if not document.received_ms then admit(self, document, message.timestamp or 0) end
  end
  return self:get(id)
end

---A document was published: its events come soon.
---@param parsed ParsedDocument
---@param ms integer when, since 1970
---@return gateway.Document
function Documents:expect(parsed, ms)
  local document = self.by_id[parsed.document_id] or create(self, parsed.document_id)
  document.metadata = parsed.metadata
  if not document.received_ms then admit(self, document, ms) end
  return document
end

-- Through, when both workflows are; a letter that was sent again may have healed a failure.
local function status_of(document)
  local passed = document.by_type
  if passed["ingestion-complete"] and passed["extraction-complete"] then return "completed" end
  if document.failure then return "failed" end
  return passed["workflow-initialized"] and "processing" or "received"
end

-- A moment as RFC 3339, which has no others.
local function moment(ms)
  if not ms or ms < 0 or ms > LAST_MS then return nil end
  return os.date("!%Y-%m-%dT%H:%M:%S", ms // 1000) .. (".%03dZ"):format(ms % 1000)
end

-- Stages in the order of their times: topics are read side by side.
local function in_order(document)
  local stages, place = {}, {}
  for i, passed in ipairs(document.stages) do stages[i], place[passed] = passed, i end
  table.sort(stages, function(a, b)
    local at, bt = a.ms or -1, b.ms or -1
    if at ~= bt then return at < bt end
    return place[a] < place[b]
  end)
  for i, passed in ipairs(stages) do
    stages[i] = { stage = passed.stage, at = moment(passed.ms), count = passed.count }
  end
  return stages
end

---A document as clients see it.
---@param document gateway.Document
---@return table
function M.view(document)
  local metadata, status = document.metadata or {}, status_of(document)
  local trouble = status == "failed" and document.failure or {}
  local function known(value) return value == nil and json.null or value end
  return {
    document_id = document.document_id,
    filename = known(metadata.filename), file_type = known(metadata.file_type),
    file_size = known(metadata.file_size), user_id = known(metadata.user_id),
    upload_timestamp = known(metadata.upload_timestamp),
    status = status, reason = known(trouble.reason), failed_stage = trouble.stage, failed_group = trouble.group,
    stages = json.array(in_order(document)),
  }
end

---@param id string
---@return gateway.Document?
function Documents:get(id)
  local document = self.by_id[id]
  return document and document.received_ms and document or nil
end

---How many are remembered.
---@return integer
function Documents:count()
  return #self.heap
end

-- All of them, newest first.
local function sort(self)
  local list = table.move(self.heap, 1, #self.heap, 1, {})
  table.sort(list, function(a, b) return is_older(b, a) end)
  return list
end

---The newest documents, newest first.
---@param count integer
---@return gateway.Document[]
function Documents:newest(count)
  self.sorted = self.sorted or sort(self)
  return table.move(self.sorted, 1, math.min(count, #self.sorted), 1, {})
end

return M
