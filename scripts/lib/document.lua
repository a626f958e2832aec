-- SPDX-License-Identifier: MIT
-- The document-received event: made from a file, and read back from a record.
local data = require "lib.data"
local envelope = require "docmsg.envelope"
local extract = require "lib.extract"
local file = require "docmsg.file"
local json = require "docmsg.json"
local log = require "docmsg.log"
local text = require "lib.text"
local time = require "lib.time"
local uuid = require "docmsg.uuid"

local M = {}

---The type of the event, and the topic it travels on.
M.RECEIVED = "document-received"

-- Of a file that another program reads; text files are at most as large as extract.MAX_TEXT.
local MAX_FILE <const> = 64 << 20
local MAX_ID <const> = 256

---The extensions of documents, in lower case.
M.EXTENSIONS = { "pdf", "docx", "doc", "png", "jpg", "jpeg", "gif", "bmp", "txt", "md" }
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
---@field content? string
---@field content_ref? ContentRef the file that it is in, instead
---@field metadata DocumentMetadata
---@field page_count integer
---@field extracted_images table[]
---@field tables table[]

-- Control characters of UTF-8: C1, separators of lines and paragraphs, and those that turn the direction of
-- what follows, so that it reads as something else.
local CONTROLS <const> = { "%c", "\xC2[\x80-\x9F]", "\xE2\x80[\xA8-\xAE]", "\xE2\x81[\xA6-\xA9]" }

local function has_controls(value)
  if value:find "^[ -~]*$" then return false end
  for _, pattern in ipairs(CONTROLS) do
    if value:find(pattern) then return true end
  end
  return false
end

local function is_id(value)
  return type(value) == "string" and #value > 0 and #value <= MAX_ID and not has_controls(value)
end

---The type of a document by its file's name.
---@param filename string
---@return "pdf"|"docx"|"image"|"text"|nil file_type
---@return string? extension in lower case; the reason when there is no type
function M.type_of(filename)
  local extension = (filename:match "%.([^.]+)$" or ""):lower()
  if FILE_TYPE[extension] then return FILE_TYPE[extension], extension end
  return nil, "not a document; types are " .. table.concat(M.EXTENSIONS, ", ")
end

-- The bytes of a file, and their type; text is looked at before it is sent.
local function read_file(path)
  local file_type, extension = M.type_of(file.name(path))
  if not file_type then return nil, ("%s: %s"):format(path, extension) end
  local content, reason = file.read(path, file_type == "text" and extract.MAX_TEXT or MAX_FILE)
  if not content then return nil, reason end
  if content == "" then return nil, path .. ": the file is empty" end
  reason = file_type == "text" and text.invalid(content)
  if reason then return nil, ("%s: %s"):format(path, reason) end
  return content, file_type, extension
end

-- A document of these metadata, with its content or a reference to it.
local function build(metadata, content, ref, page_count)
  return {
    document_id = metadata.document_id,
    content = content,
    content_ref = ref,
    page_count = page_count,
    extracted_images = json.array {},
    tables = json.array {},
    metadata = metadata,
  }
end

local function describe_id()
  return ("a user id has 1 to %d bytes and no control characters"):format(MAX_ID)
end

---Reads a file as a document with an id of its own. What is no text, or too large for an event, is kept
---in the data folder.
---@param path string
---@param user_id string
---@return ParsedDocument? document
---@return string? reason
function M.from_file(path, user_id)
  if not is_id(user_id) then return nil, describe_id() end
  local content, file_type, extension = read_file(path)
  if not content then return nil, file_type end
  local is_text = file_type == "text"
  local ref = (not is_text or #content > data.REFERENCE_FROM) and data.keep(content, extension) or nil
  return build({
    document_id = uuid.v4(), filename = file.name(path), file_type = file_type, upload_timestamp = time.now(),
    user_id = user_id, file_size = #content,
  }, not ref and content or nil, ref, is_text and #text.pages(content) or 1)
end

---A document of a file that was uploaded to the data folder. What is in it is the pipeline's to read.
---@param uploaded docmsg.http.File
---@param prefix string its folder in the data folder's files/, with a slash at its end, or ""
---@param user_id string
---@return ParsedDocument? document its id is in the name of the stored file
---@return string? reason a word
---@return string? message
function M.from_upload(uploaded, prefix, user_id)
  if not is_id(user_id) or not utf8.len(user_id) then return nil, "bad_user_id", describe_id() end
  if not utf8.len(uploaded.filename) then
    return nil, "bad_filename", "the name of the file has bytes that are not UTF-8"
  end
  local file_type, reason = M.type_of(uploaded.filename)
  if not file_type then return nil, "unsupported_type", reason end
  return build({
    document_id = uploaded.name:match "^[^.]+", filename = uploaded.filename, file_type = file_type,
    upload_timestamp = time.now(), user_id = user_id, file_size = uploaded.size,
  }, nil, { path = prefix .. uploaded.name, sha256 = uploaded.sha256, bytes = uploaded.size }, 1)
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
    timestamp = time.now(),
  }
  if not value then return nil, reason end
  return {
    topic = M.RECEIVED,
    key = document.document_id,
    value = value,
    headers = envelope.headers { type = M.RECEIVED, source = source },
  }
end

local function check(said)
  local document = type(said) == "table" and said.parsed_document
  local metadata = type(document) == "table" and document.metadata
  if type(metadata) ~= "table" then return "no parsed_document with metadata" end
  if not is_id(said.document_id) then return "no document_id" end
  if document.document_id ~= said.document_id then return "two different document_ids" end
  if type(metadata.filename) ~= "string" or metadata.filename == "" then return "no filename" end
  if type(metadata.file_type) ~= "string" then return "no file_type" end
end

---Reads a document-received event.
---@param message docmsg.Message
---@return ParsedDocument? document
---@return string? reason "topic/partition/offset: what is wrong"
function M.read(message)
  local said, reason
  if envelope.type(message) ~= M.RECEIVED then
    reason = ("the event is a %s"):format(envelope.type(message))
  elseif not message.value then
    reason = "the record has no value"
  else
    said, reason = json.decode(message.value)
    reason = reason or check(said)
  end
  if not reason then return said.parsed_document end
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
