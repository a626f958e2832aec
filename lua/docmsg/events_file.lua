-- SPDX-License-Identifier: MIT
-- Finds and loads an events table as the program's verbs find scripts.
local host = require "docmsg.host"
local script = require "docmsg.script"

local M = {}

---The word when none is named.
M.DEFAULT = "events.lua"

---Loads the events of a file; what it requires is found beside it.
---@param word? string a path, or the name of a file; default "events.lua"
---@return docmsg.Events? events
---@return string? reason
function M.load(word)
  local path, reason = script.find(word or M.DEFAULT, host.share, "events table")
  if not path then return nil, reason end
  script.resolve_beside(path)
  return require("docmsg.events").load(path)
end

return M
