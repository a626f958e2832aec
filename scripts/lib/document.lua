-- SPDX-License-Identifier: MIT
-- The document-received event: made from a file, and read back from a record.
local envelope = require "docmsg.envelope"
local file = require "docmsg.file"
local json = require "docmsg.json"
local log = require "docmsg.log"
local uuid = require "docmsg.uuid"

local M = {}

---The type of the event, and the topic it travels on.
M.RECEIVED = "document-received"

local MAX_TEXT <const> = 256 << 10
local MAX_ID <const> = 256
local EXTENSIONS <const> = { "pdf", "docx", "doc", "png", "jpg", "jpeg", "gif", "bmp", "txt", "md" }
local FILE_TYPE <const> = {
  pdf = "pdf", docx = "docx", doc = "docx", txt = "text", md = "text",
  png = "image", jpg = "image", jpeg = "image", gif = "image", bmp = "image",
}

---@class DocumentMetadata
---@field document_id string
---@field filename string
---@field file_type "pdf"|"docx"|"image"|"text"
---@field upload_timestamp string RFC 3339, UTC
---@field user_id string
---@field file_size integer

---@class ParsedDocument
---@field document_id string
---@field content string
---@field metadata DocumentMetadata
---@field page_count integer
---@field extracted_images table[]
---@field tables table[]

local function now()
  return os.date("!%Y-%m-%dT%H:%M:%SZ")
end

local function is_id(value)
  return type(value) == "string" and #value > 0 and #value <= MAX_ID and not value:find("%c")
end

-- The text of a file, when it can travel in an event.
local function read_text(path)
  local extension = file.name(path):match("%.([^.]+)$")
  local file_type = FILE_TYPE[(extension or ""):lower()]
  if not file_type then
    return nil, ("%s: not a document; types are %s"):format(path, table.concat(EXTENSIONS, ", "))
  end
  if file_type ~= "text" then
    return nil, ("%s: the text of %s files cannot be read yet; send a txt or md file")
      :format(path, extension)
  end
  local text, reason = file.read(path, MAX_TEXT)
  if not text then return nil, reason end
  if text == "" then return nil, path .. ": the file is empty" end
  local valid, at = utf8.len(text)
  if not valid or text:find("\0", 1, true) then
    return nil, ("%s: not a text in UTF-8 (byte %d)"):format(path, at or text:find("\0", 1, true))
  end
  return text
end

---Reads a text file as a document with an id of its own.
---@param path string
---@param user_id string
---@return ParsedDocument? document
---@return string? reason
function M.from_file(path, user_id)
  if not is_id(user_id) then
    return nil, ("a user id has 1 to %d bytes and no control characters"):format(MAX_ID)
  end
  local text, reason = read_text(path)
  if not text then return nil, reason end
  local id = uuid.v4()
  return {
    document_id = id,
    content = text,
    page_count = 1,
    extracted_images = json.array {},
    tables = json.array {},
    metadata = {
      document_id = id,
      filename = file.name(path),
      file_type = "text",
      upload_timestamp = now(),
      user_id = user_id,
      file_size = #text,
    },
  }
end

---The record that announces a document.
---@param document ParsedDocument
---@param source string who announces it
---@return docmsg.Record? record
---@return string? reason
function M.record(document, source)
  local value, reason = json.encode {
    document_id = document.document_id,
    parsed_document = document,
    timestamp = now(),
  }
  if not value then return nil, reason end
  return {
    topic = M.RECEIVED,
    key = document.document_id,
    value = value,
    headers = envelope.headers { type = M.RECEIVED, source = source },
  }
end

local function check(data)
  local document = type(data) == "table" and data.parsed_document
  local metadata = type(document) == "table" and document.metadata
  if type(metadata) ~= "table" then return "no parsed_document with metadata" end
  if not is_id(data.document_id) then return "no document_id" end
  if document.document_id ~= data.document_id then return "two different document_ids" end
  if type(metadata.filename) ~= "string" or metadata.filename == "" then return "no filename" end
  if type(metadata.file_type) ~= "string" then return "no file_type" end
end

---Reads a document-received event.
---@param message docmsg.Message
---@return ParsedDocument? document
---@return string? reason "topic/partition/offset: what is wrong"
function M.read(message)
  local data, reason
  if envelope.type(message) ~= M.RECEIVED then
    reason = ("the event is a %s"):format(envelope.type(message))
  elseif not message.value then
    reason = "the record has no value"
  else
    data, reason = json.decode(message.value)
    reason = reason or check(data)
  end
  if not reason then return data.parsed_document end
  return nil, ("%s/%d/%d: no %s event: %s"):format(message.topic, message.partition,
    message.offset, M.RECEIVED, reason)
end

---What a consumer says about a document.
---@param document ParsedDocument
---@return string lines
function M.describe(document)
  local metadata = document.metadata
  return ("Received document: %s (file: %s)\n📄 Document filename: %s"):format(
    document.document_id, log.printable(metadata.file_type), log.printable(metadata.filename))
end

return M
