-- SPDX-License-Identifier: MIT
-- Takes a file in: it is on disk already; the event that announces it is published, and the answer
-- waits until Kafka has it, has not, or nobody can know.
local docmsg = require "docmsg"
local document = require "lib.document"
local producers = require "lib.producers"
local s = require "docmsg.schema"
local web = require "docmsg.web"

local M = {}

---How long Kafka has for an event.
M.PATIENCE_MS = 10000

-- An event waits so long for others: together they cost less, here and in the broker.
local LINGER_MS <const> = 2

local DEFAULT_USER <const> = "default_user"

-- The answer to most uploads.
local write_stored = s.record({
  document_id = s.string, filename = s.string, status = s.string, message = s.string, file_size = s.integer,
  upload_timestamp = s.string,
}):encoder()

---@class gateway.Uploads
---@field private options gateway.UploadOptions
---@field private bus docmsg.Bus
---@field figures table<string, integer> uploads by what became of them
local Uploads = { __name = "gateway.Uploads" }
Uploads.__index = Uploads

---@class gateway.UploadOptions
---@field events table|string
---@field prefix string of stored files' names, in the data folder's files/
---@field log docmsg.Log
---@field unknown fun(path: string) nobody knows whether the event of this file is in Kafka
---@field stored fun(parsed: ParsedDocument, ms: integer) with the time of its event

local function open_bus(self)
  self.bus = docmsg.bus {
    name = "docmsg-lua/gateway", events = self.options.events, log = self.options.log,
    kafka = { ["message.timeout.ms"] = M.PATIENCE_MS, ["linger.ms"] = LINGER_MS },
  }
end

---@param options gateway.UploadOptions
---@return gateway.Uploads
function M.new(options)
  local self = setmetatable({ options = options,
    figures = { uploaded = 0, not_persisted = 0, possibly_persisted = 0, refused = 0 } }, Uploads)
  open_bus(self)
  return self
end

-- == Publishing without keeping others waiting ==

-- What producers send with: it keeps the delivery.
local Sender = { __name = "gateway.Sender" }
Sender.__index = Sender

function Sender:publish(event_type, data)
  local delivery, err = self.bus:publish_async(event_type, data)
  if not delivery then return nil, err end
  self.delivery = delivery
  web.await(function() return delivery.status ~= "pending" end)
  local report, failure = delivery:wait(0)
  if not report then return nil, failure end
  self.log:info("Published to %s:%d:%d", report.topic, report.partition, report.offset)
  return report
end

-- A producer that has failed for good is of no use any more.
local function replace_bus(self, broken)
  if self.bus ~= broken then return end
  self.options.log:warn("the producer has failed for good; there is a new one")
  open_bus(self)
  broken:close "0"
end

-- == Answers ==

local function tell_stored(self, request, parsed, report)
  local metadata = parsed.metadata
  self.figures.uploaded = self.figures.uploaded + 1
  request:keep()
  self.options.stored(parsed, report.timestamp)
  return 200, assert(write_stored {
    document_id = parsed.document_id, filename = metadata.filename, status = "uploaded",
    message = "The document was stored and announced", file_size = metadata.file_size,
    upload_timestamp = metadata.upload_timestamp,
  }) .. "\n", web.JSON
end

local function count(self, outcome)
  self.figures[outcome] = self.figures[outcome] + 1
end

-- Surely not in Kafka: nothing shall be left of it.
local function withdraw(self, request)
  local gone, reason = request:discard()
  if not gone then self.options.log:error("a file without a document stays: %s", reason) end
end

local function tell_failed(self, request, parsed, sender, err)
  local delivery = sender.delivery
  self.options.log:error("%s was not announced: %s", parsed.document_id, tostring(err))
  if not delivery and err.name == "SCHEMA" then
    count(self, "refused")
    withdraw(self, request)
    return web.refuse(400, "bad_form", tostring(err))
  elseif not delivery or delivery.status == "not_persisted" then
    count(self, "not_persisted")
    withdraw(self, request)
    return web.refuse(503, "not_persisted", "Kafka did not take the document; nothing of it was kept: try again")
  end
  count(self, "possibly_persisted")
  self.options.unknown(parsed.content_ref.path)
  return web.refuse(503, "possibly_persisted",
    "Kafka may have taken the document: look at its status before trying again", { document_id = parsed.document_id })
end

---Handles an upload.
---@param request docmsg.http.Request
---@return integer code
---@return table|string body
---@return string? kind of a text
function Uploads:receive(request)
  local user_id = request:field "user_id"
  local parsed, reason, wrong = document.from_upload(request:file(), self.options.prefix,
    user_id ~= "" and user_id or DEFAULT_USER)
  if not parsed then
    count(self, "refused")
    return web.refuse(400, reason, wrong)
  end
  request:hold()
  local sender = setmetatable({ bus = self.bus, log = self.options.log }, Sender)
  local producer = producers.document(sender)
  local ran, report, err = pcall(producer.send_document_received, producer, parsed)
  if not ran then
    if sender.delivery then self.options.unknown(parsed.content_ref.path) else withdraw(self, request) end
    error(report, 0)
  end
  if report then return tell_stored(self, request, parsed, report) end
  if err.fatal then replace_bus(self, sender.bus) end
  return tell_failed(self, request, parsed, sender, err)
end

---Can be read when deliveries may have been reported.
---@return integer? fd
function Uploads:fd()
  return self.bus:fd()
end

---Takes what was reported.
function Uploads:poll()
  self.bus:poll()
end

---Figures of the events that were published.
---@return docmsg.BusStatistics
function Uploads:statistics()
  return self.bus:statistics()
end

---Waits until Kafka has answered for what was published.
function Uploads:flush()
  self.bus:flush "10s"
end

function Uploads:close()
  self.bus:close "10s"
end

Uploads.__close = Uploads.close

return M
