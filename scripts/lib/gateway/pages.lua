-- SPDX-License-Identifier: MIT
-- The files of the page: read once, and served from memory, so that no path leads anywhere else.
local file = require "docmsg.file"
local shell = require "lib.shell"

local M = {}

-- Of one file.
local LIMIT <const> = 1 << 20

local TYPES <const> = {
  html = "text/html; charset=utf-8", css = "text/css; charset=utf-8", js = "text/javascript; charset=utf-8",
  json = "application/json", svg = "image/svg+xml", png = "image/png", ico = "image/x-icon",
  txt = "text/plain; charset=utf-8",
}

---The files of a folder, by the path that they answer; those of other types are left out.
---@param folder string
---@return {path: string, type: string, body: string}[]
function M.read(folder)
  local pages = {}
  for name in (shell.capture("ls -- " .. shell.quote(folder), 1 << 16) or ""):gmatch "[^\n]+" do
    local kind = TYPES[name:match "%.(%w+)$"]
    if kind then
      local body = assert(file.read(folder .. "/" .. name, LIMIT))
      pages[#pages + 1] = { path = name == "index.html" and "/" or "/" .. name, type = kind, body = body }
    end
  end
  return pages
end

return M
