-- SPDX-License-Identifier: MIT
-- The data folder: $DOCMSG_DATA_DIR, else ./data. In it are the store, store.db, and files/, which
-- holds what is too large for an event. A file there has the name of its content's hash, so that
-- writing it again changes nothing.
local docmsg = require "docmsg"
local file = require "docmsg.file"
local shell = require "lib.shell"

local M = {}

---Bytes from which a text travels as a reference.
M.REFERENCE_FROM = 256 << 10

local folder

---The data folder; it is made when it is missing.
---@return string path
function M.folder()
  if not folder then M.use(docmsg.getenv "DOCMSG_DATA_DIR" or "data") end
  return folder
end

---Uses another folder, in this Lua state.
---@param path string
function M.use(path)
  if path:sub(1, 1) == "-" then path = "./" .. path end -- no program shall take it for an option
  shell.make_folder(path .. "/files")
  folder = path
end

---The SHA-256 of a file, by coreutils; raises when it cannot be read.
---@param path string
---@return string hash 64 hexadecimal digits
local function hash_of(path)
  local output, reason = shell.capture("sha256sum <" .. shell.quote(path), 1024)
  local hash = output and output:match "^(%x+)"
  if not hash then error(("sha256sum of %s: %s"):format(path, reason or "no hash"), 0) end
  return hash
end

local function write(path, content)
  local out <close> = assert(io.open(path, "wb"))
  assert(out:write(content))
  assert(out:flush())
end

---Keeps bytes in a file.
---@param content string
---@param extension string of the file's name, without the dot
---@return ContentRef
function M.keep(content, extension)
  local files = M.folder() .. "/files/"
  local fresh = ("%s.new-%s"):format(files, require("docmsg.uuid").v4())
  write(fresh, content)
  local hash = hash_of(fresh)
  local name = ("%s.%s"):format(hash, extension)
  assert(os.rename(fresh, files .. name))
  return { path = name, sha256 = hash, bytes = #content }
end

-- A path that leads out of the folder is none of ours.
local function is_inside(path)
  if path:sub(1, 1) == "/" or path:find("%c") then return false end
  for part in path:gmatch "[^/]+" do
    if part == ".." then return false end
  end
  return true
end

---Where the file of a reference is, after its bytes were found to be those that it names.
---@param ref ContentRef
---@return string? path
---@return string? reason
function M.locate(ref)
  if not is_inside(ref.path) then return nil, ("the reference %q leads out of the data folder"):format(ref.path) end
  local path = M.folder() .. "/files/" .. ref.path
  if not file.exists(path) then return nil, ("the file %s is not there"):format(ref.path) end
  if hash_of(path) ~= ref.sha256:lower() then
    return nil, ("the file %s is not the one that was announced: its SHA-256 differs"):format(ref.path)
  end
  return path
end

---The bytes of a reference.
---@param ref ContentRef
---@param limit integer
---@return string? content
---@return string? reason
function M.read(ref, limit)
  local path, reason = M.locate(ref)
  if not path then return nil, reason end
  return file.read(path, limit)
end

return M
