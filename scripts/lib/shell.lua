-- SPDX-License-Identifier: MIT
-- Other programs: what they print, and whether they are there.
local M = {}

---A word that a shell takes as it is.
---@param word string
---@return string
function M.quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

---Is there a program with that name?
---@param name string
---@return boolean
function M.has(name)
  return os.execute("command -v " .. M.quote(name) .. " >/dev/null 2>&1") == true
end

---Runs a command and takes what it prints, up to a limit.
---@param command string a line of a shell; its standard error is thrown away
---@param limit integer bytes
---@return string? output
---@return string? reason
function M.capture(command, limit)
  local pipe, reason = io.popen("{ " .. command .. "; } 2>/dev/null", "r")
  if not pipe then return nil, reason end
  local output = pipe:read(limit + 1) or ""
  local ok, how, code = pipe:close()
  if #output > limit then return nil, ("gives more than %d bytes"):format(limit) end
  if not ok then return nil, ("ended with %s %d"):format(how == "signal" and "signal" or "exit code", code) end
  return output
end

---Makes a folder and those above it; raises when that cannot be.
---@param path string
function M.make_folder(path)
  if not os.execute("mkdir -p -- " .. M.quote(path)) then error("cannot make the folder " .. path, 0) end
end

return M
