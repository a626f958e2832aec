-- SPDX-License-Identifier: MIT
-- The text of a document. Text files are read as they are; other types need a program of the system,
-- and are rejected with its name where that is not installed.
local data = require "lib.data"
local file = require "docmsg.file"
local shell = require "lib.shell"
local text = require "lib.text"

local M = {}

---The largest text that is taken in.
M.MAX_TEXT = 8 << 20

-- How long another program may take.
local PATIENCE <const> = "60"

-- What reads a type: the program, its package, and its command for a quoted path. By extension
-- where a type has several.
local TOOLS <const> = {
  pdf = { "pdftotext", "poppler-utils", "pdftotext -q -enc UTF-8 %s -" },
  docx = { "docx2txt", "docx2txt", "docx2txt %s -" },
  doc = { "catdoc", "catdoc", "catdoc -d utf-8 %s" },
}

local function by_tool(path, kind)
  local name, package, command = table.unpack(TOOLS[kind])
  if not shell.has(name) then
    return nil, ("%s files are read by %s, which is not installed (Debian: %s)"):format(kind, name, package)
  end
  local line = ("timeout -k 1 %s %s"):format(PATIENCE, command:format(shell.quote(path)))
  local output, reason = shell.capture(line, M.MAX_TEXT)
  if not output then return nil, ("%s cannot read it: it %s"):format(name, reason) end
  return output
end

-- The text of a file, not checked yet.
local function read_file(path, file_type, extension)
  if file_type == "text" then return file.read(path, M.MAX_TEXT) end
  local kind = extension == "doc" and "doc" or file_type
  if TOOLS[kind] then return by_tool(path, kind) end
  return nil, ("the text of %s files cannot be read: that needs character recognition"):format(file_type)
end

local function checked(content)
  if content == "" then return nil, "it is empty" end
  local reason = text.invalid(content)
  if reason then return nil, reason end
  if not content:find "%S" then return nil, "there is no text in it" end
  return content
end

---The text of a document.
---@param document ParsedDocument
---@return string? content
---@return string? reason why there is none; nothing will change that
function M.text(document)
  if document.content then
    if #document.content > M.MAX_TEXT then return nil, ("larger than %d bytes"):format(M.MAX_TEXT) end
    return checked(document.content)
  end
  local path, reason = data.locate(document.content_ref)
  if not path then return nil, reason end
  local metadata = document.metadata
  local extension = metadata.filename:match "%.([^.]+)$"
  local content
  content, reason = read_file(path, metadata.file_type, extension and extension:lower())
  if not content then return nil, reason end
  return checked(content)
end

return M
