-- SPDX-License-Identifier: MIT
-- The names that TAB knows: topics and groups, which a thread asks the cluster for, and which whoever
-- else asks refreshes, a verb or the user's own code; types of events, once they were read; names of
-- configuration properties. TAB itself asks nobody.
local host = require "docmsg.host"
local names = require "docmsg.names"

local M = {}

---@alias docmsg.repl.Kind "topics"|"groups"|"events"|"properties"|"topic_properties"|"globals"

---@type table<docmsg.repl.Kind, string[]>
local kinds = {}

---@type docmsg.Background?
local background

---Keeps the names of a kind in place of the older ones.
---@param kind docmsg.repl.Kind
---@param list string[]
function M.keep(kind, list)
  kinds[kind] = list
end

-- Takes over what the thread has learnt.
local function take()
  local answer = background and background:take()
  if not answer then return end
  for kind, list in pairs(require("docmsg.repl.names").read(answer)) do M.keep(kind, list) end
end

-- The kinds that nobody has to be asked for.
local KNOWN <const> = {
  properties = names.properties,
  topic_properties = function() return require("docmsg.topic.property").names end,
}

---The names of a kind, as far as they are known.
---@param kind docmsg.repl.Kind
---@return string[]
function M.live(kind)
  take()
  if KNOWN[kind] and not kinds[kind] then M.keep(kind, KNOWN[kind]()) end
  return kinds[kind] or {}
end

---Has the cluster asked again, soon.
function M.refresh()
  if background then background:wake() end
end

-- == Names that come by ==

-- A method whose answer, when it is about everything, is kept.
local function noting(method, kind, read, is_all)
  return function(self, first, ...)
    local results = table.pack(method(self, first, ...))
    if results[1] and is_all(first) then M.keep(kind, read(results[1])) end
    return table.unpack(results, 1, results.n)
  end
end

local is_watching = false

---Notes from now on what admin clients are told. docmsg.kafka is open.
function M.watch()
  if is_watching then return end
  is_watching = true
  local index = debug.getregistry()["docmsg.Admin"].__index
  index.describe_topics = noting(index.describe_topics, "topics", names.topics, function(which) return which == nil end)
  index.list_groups = noting(index.list_groups, "groups", names.groups, function() return true end)
end

---Lets a thread ask the cluster for names, now and at each `refresh`. Where the connection's settings
---are wrong nobody asks: whoever uses them will be told.
---@return docmsg.Background?
function M.follow()
  if not pcall(require, "docmsg.kafka") then return nil end
  -- A protected context guards docmsg.runtime as scripts see it; this only reads.
  local state = host.open_runtime().state { module = "docmsg.repl.names" }
  background = state and host.background(state)
  return background
end

return M
