-- SPDX-License-Identifier: MIT
-- The REPL's history file: one entry a line, with the newlines of an entry escaped, shared by all
-- sessions because each entry is appended by one write.
local M = {}

local READ_BYTES = 256 * 1024

---Where the history is kept; nil when there is no place for one.
---@param getenv fun(name: string): string?
---@return string? path
function M.path(getenv)
  local function value(name)
    local text = getenv(name)
    return text ~= "" and text or nil
  end
  local named = getenv("DOCMSG_HISTORY")
  if named then
    return named ~= "" and named or nil
  elseif value "XDG_STATE_HOME" then
    return value "XDG_STATE_HOME" .. "/docmsg/history"
  end
  return value "HOME" and value "HOME" .. "/.local/state/docmsg/history"
end

---Whether an entry is kept: blank ones and those that begin with a space are not.
---@param entry string
---@return boolean
function M.keeps(entry)
  return entry:find("^%s") == nil and entry ~= ""
end

---@param entry string
---@return string line with its newline
function M.encode(entry)
  return entry:gsub("[\\\n\r]", { ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r" }) .. "\n"
end

---@param line string without its newline
---@return string entry
function M.decode(line)
  return (line:gsub("\\(.)", { ["\\"] = "\\", n = "\n", r = "\r" }))
end

---The newest entries of a history file, oldest first.
---@param path string
---@return string[]? entries empty when there is no such file yet
---@return string? reason
function M.load(path)
  local file, reason, code = io.open(path, "rb")
  if not file then
    return code == 2 and {} or nil, reason
  end
  local entries = {}
  local size = file:seek("end") or 0
  file:seek("set", math.max(0, size - READ_BYTES))
  local text, read_reason = file:read("a")
  file:close()
  if not text then
    return nil, ("%s: %s"):format(path, read_reason)
  elseif size > READ_BYTES then
    text = text:gsub("^[^\n]*\n", "")
  end
  for line in text:gmatch("([^\n]+)\n") do
    entries[#entries + 1] = M.decode(line)
  end
  return entries
end

return M
