-- SPDX-License-Identifier: MIT
-- Files: bounded reading, and names that resolve beside a script.
local M = {}

---The whole of a regular file, when it is not larger than `limit`.
---@param path string
---@param limit integer bytes
---@return string? content
---@return string? reason "<path>: <what is wrong>"
function M.read(path, limit)
  local file <close>, reason = io.open(path, "rb")
  if not file then return nil, reason end
  local content, err = file:read(limit + 1)
  if err then return nil, path .. ": " .. err end
  content = content or ""
  if #content > limit then
    return nil, ("%s: larger than the limit of %d bytes"):format(path, limit)
  end
  return content
end

---Can the file be opened for reading?
---@param path string
---@return boolean
function M.exists(path)
  local file <close> = io.open(path, "rb")
  return file ~= nil
end

---The last part of a path: "a/b.txt" gives "b.txt".
---@param path string
---@return string
function M.name(path)
  return path:match("([^/]*)/*$")
end

---The folder of a function's source file, with a slash at its end.
---@param level? integer as in `debug.getinfo`; default 1, the caller
---@return string folder "" for a chunk that came from no file
function M.folder(level)
  local source = debug.getinfo((level or 1) + 1, "S").source
  return source:match("^@(.*/)") or ""
end

---Finds `name` in the current folder, else in `folder`.
---@param name string
---@param folder string with a slash at its end, or ""
---@return string path the one in `folder` when there is none in the current one
function M.find(name, folder)
  if name:sub(1, 1) == "/" or M.exists(name) then return name end
  return folder .. name
end

---Finds `name` in `folder`, else in the current folder.
---@param name string
---@param folder string with a slash at its end, or ""
---@return string path the one in `folder` when there is none
function M.beside(name, folder)
  if name:sub(1, 1) == "/" then return name end
  local first = folder .. name
  return not M.exists(first) and M.exists(name) and name or first
end

return M
