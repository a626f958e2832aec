-- SPDX-License-Identifier: MIT
-- Names of topics and groups that the session has seen, for TAB: whoever asks the cluster for them, a
-- verb or the user's own code, refreshes them. TAB itself never asks.
local M = {}

---@class docmsg.repl.Cache
---@field names string[]
---@field verbs string[]

---@type docmsg.repl.Cache
M.cache = { names = {}, verbs = {} }

local kinds = {}

---Keeps the names of a kind in place of the older ones.
---@param kind string
---@param names string[]
function M.keep(kind, names)
  kinds[kind] = names
  M.cache.names = {}
  for _, list in pairs(kinds) do table.move(list, 1, #list, #M.cache.names + 1, M.cache.names) end
end

local function keys_of(infos)
  local names = {}
  for name, info in pairs(infos) do
    if not info.error then names[#names + 1] = name end
  end
  return names
end

local function groups_of(listed)
  local names = {}
  for i, entry in ipairs(listed) do names[i] = entry.group end
  return names
end

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
  index.describe_topics = noting(index.describe_topics, "topics", keys_of, function(names) return names == nil end)
  index.list_groups = noting(index.list_groups, "groups", groups_of, function() return true end)
end

return M
