-- SPDX-License-Identifier: MIT
-- Topic tables that are named on the command line: here, in scripts/, or among the installed ones.
local host = require "docmsg.host"
local script = require "docmsg.script"
local topics = require "docmsg.topics"

local M = {}

---Finds and loads a topic table.
---@param word string a path, or its name with or without ".lua"
---@return docmsg.TopicTable? declared
---@return string? reason everything that is wrong, one a line
function M.load(word)
  local path, reason = script.find(word, host.share, "topic table")
  if not path then return nil, reason end
  return topics.load(path)
end

return M
