-- SPDX-License-Identifier: MIT
-- What is known of documents by the events about them: which stages each has passed, and whether it is
-- through or has failed. In memory, for the newest ones: it is all in Kafka. Pure: events go in.
local failure = require "docmsg.failure"
local json = require "docmsg.json"

local M = {}

-- The longest key that is one of a document; others are told nobody, and remembered nowhere.
local KEY_BYTES <const> = 512

---Documents that are remembered.
M.LIMIT = 10000

---@class gateway.Stage
---@field stage string the event's type
---@field at? string RFC 3339, of the first event of that type
---@field count integer events of that type

---@class gateway.Document
---@field document_id string
---@field metadata? DocumentMetadata once document-received was seen
---@field stages gateway.Stage[] as they were read
---@field by_type table<string, gateway.Stage>
---@field failure? {stage: string, group: string, reason: string}

---@class gateway.Documents
---@field private limit integer
---@field private sorted? gateway.Document[] newest first; nil: to be sorted anew
---@field private by_id table<string, gateway.Document>
---@field private order string[] from `first` to `last`, as they came
---@field private first integer
---@field private last integer
local Documents = { __name = "gateway.Documents" }
Documents.__index = Documents

---@param limit? integer default 10,000
---@return gateway.Documents
function M.new(limit)
  return setmetatable({ limit = limit or M.LIMIT, by_id = {}, order = {}, first = 1, last = 0 }, Documents)
end

local function forget_oldest(self)
  self.by_id[self.order[self.first]] = nil
  self.order[self.first], self.first = nil, self.first + 1
end

local function document_of(self, id)
  local document = self.by_id[id]
  if document then return document end
  document = { document_id = id, stages = {}, by_type = {} }
  self.last, self.sorted = self.last + 1, nil
  self.by_id[id], self.order[self.last] = document, id
  if self.last - self.first + 1 > self.limit then forget_oldest(self) end
  return document
end

---A moment as RFC 3339.
---@param ms? integer since 1970
---@return string?
local function moment(ms)
  if not ms then return nil end
  return os.date("!%Y-%m-%dT%H:%M:%S", ms // 1000) .. (".%03dZ"):format(ms % 1000)
end

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
    passed = { stage = stage, at = moment(message.timestamp), count = 0 }
    document.by_type[stage] = passed
    table.insert(document.stages, passed)
  end
  passed.count = passed.count + 1
end

---Takes an event, or a dead letter.
---@param message docmsg.Message
---@param stage string the event's type
---@param dead boolean
---@return gateway.Document? document that is another one now
function Documents:take(message, stage, dead)
  local id = id_of(message, stage)
  if not id then return nil end
  local document = document_of(self, id)
  if dead then
    document.failure = { stage = stage, group = text(message:header "__dlq.errors.group"),
      reason = text(message:header "__dlq.errors.message" or message:header "docmsg-reason") }
    return document
  end
  pass(document, stage, message)
  if stage == "document-received" and not document.metadata then
    document.metadata, self.sorted = metadata_of(message), nil
  end
  return document
end

---A document was published: its events come soon.
---@param parsed ParsedDocument
---@return gateway.Document
function Documents:expect(parsed)
  local document = document_of(self, parsed.document_id)
  document.metadata, self.sorted = parsed.metadata, nil
  return document
end

-- Through, when both workflows are; a letter that was sent again may have healed a failure.
local function status_of(document)
  local passed = document.by_type
  if passed["ingestion-complete"] and passed["extraction-complete"] then return "completed" end
  if document.failure then return "failed" end
  return passed["workflow-initialized"] and "processing" or "received"
end

-- Stages in the order of their times: topics are read side by side.
local function in_order(document)
  local stages, place = {}, {}
  for i, passed in ipairs(document.stages) do stages[i], place[passed] = passed, i end
  table.sort(stages, function(a, b)
    local at, bt = a.at or "", b.at or ""
    if at ~= bt then return at < bt end
    return place[a] < place[b]
  end)
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
  return self.by_id[id]
end

local function age_of(document)
  local metadata = document.metadata
  return metadata and tostring(metadata.upload_timestamp) or document.stages[1] and document.stages[1].at or ""
end

-- All of them, newest first.
local function sort(self)
  local list = {}
  for i = self.last, self.first, -1 do list[#list + 1] = self.by_id[self.order[i]] end
  local place = {}
  for i, document in ipairs(list) do place[document] = i end
  table.sort(list, function(a, b)
    local at, bt = age_of(a), age_of(b)
    if at ~= bt then return at > bt end
    return place[a] < place[b]
  end)
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
