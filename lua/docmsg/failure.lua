-- SPDX-License-Identifier: MIT
-- What is said about an error, whatever was raised: bounded, UTF-8, never raising itself. It travels
-- in the headers of a dead letter.
local M = {}

local MESSAGE_BYTES <const> = 1024
local STACK_BYTES <const> = 2048

-- The first bytes of a text, without a character that the cut has split.
local function cut(text, limit)
  if #text <= limit then return text end
  text = text:sub(1, limit - 3)
  local _, at = utf8.len(text)
  return (at and at > #text - 4 and text:sub(1, at - 1) or text) .. "…"
end

---Text in UTF-8 of at most so many bytes; bytes that are not UTF-8 become "?".
---@param text string
---@param limit? integer bytes; default 1,024
---@return string
function M.bounded(text, limit)
  text = cut(text, limit or MESSAGE_BYTES)
  return utf8.len(text) and text or (text:gsub("[\x80-\xFF]", "?"))
end

---An error value as text. A `__tostring` that fails is told, not raised.
---@param value any
---@return string
function M.text(value)
  if type(value) == "string" then return M.bounded(value) end
  local shown, text = pcall(tostring, value)
  if not shown then return ("(error object is a %s whose __tostring fails)"):format(type(value)) end
  if text:find("^%a+: 0?x?%x+$") then return ("(error object is a %s value)"):format(type(value)) end
  return M.bounded(text)
end

-- Where the protected call begins: of the dispatcher, or of a record that goes straight to its handler.
local PROTECTED <const> = { "\n\t%[C%]: in function 'xpcall'.*$", "\n\t%[C%]: in %?\n\t%[C%]: in %?.*$" }

---The part of a traceback above the protected call.
---@param traceback string as debug.traceback gives it
---@return string stack at most 2 KiB
function M.stack(traceback)
  for _, pattern in ipairs(PROTECTED) do traceback = traceback:gsub(pattern, "") end
  return M.bounded(traceback, STACK_BYTES)
end

return M
