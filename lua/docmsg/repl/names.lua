-- SPDX-License-Identifier: MIT
-- Asks the cluster for its names, for TAB, on a thread of its own that docmsg.repl.cache wakes. What
-- cannot be asked is left out, in silence.
local kafka = require "docmsg.kafka"
local names = require "docmsg.names"

local M = {}

-- Who has never answered is not waited for as long as who is only slow: the end of the session would
-- wait, too. A connection that takes longer is made meanwhile; who is asked again has twice the time.
-- In milliseconds.
local FIRST_TIMEOUT <const>, TIMEOUT <const> = 250, 5000

local function silent() end

---Writes an answer: each name after its kind, and, before them, an empty one, for the kind was asked for.
---A name that is itself empty, which a group may have, cannot be typed and is left out.
---@param kinds table<string, string[]> names by kind
---@return string answer
function M.write(kinds)
  local answer = {}
  for kind, list in pairs(kinds) do
    table.move({ kind, "" }, 1, 2, #answer + 1, answer)
    for _, name in ipairs(list) do
      if name ~= "" then table.move({ kind, name }, 1, 2, #answer + 1, answer) end
    end
  end
  return table.concat(answer, "\0")
end

-- The embedded broker knows no groups to list, and librdkafka 2.0.2 leaks a little where that is so.
local function has_groups(admin, timeout)
  local cluster = admin:cluster { timeout = timeout }
  return cluster ~= nil and not (cluster.id or ""):find "^mockCluster"
end

local function ask(admin, timeout)
  local infos = admin:describe_topics(nil, { timeout = timeout })
  if not infos then return nil end
  local listed = has_groups(admin, timeout) and admin:list_groups { timeout = timeout }
  return M.write { topics = names.topics(infos), groups = listed and names.groups(listed) or nil }
end

---Makes the function that asks.
---@return fun(ends: boolean?): string? answer kinds and names in turn, between NULs
function M.boot()
  local admin, answer
  local patience = FIRST_TIMEOUT
  return function(ends)
    if ends then return admin and admin:close(0) and nil end
    admin = admin or kafka.admin { on_log = silent, on_error = silent }
    local learnt = admin and ask(admin, ("%dms"):format(patience))
    patience = learnt and TIMEOUT or math.min(2 * patience, TIMEOUT)
    answer = learnt or answer
    return answer
  end
end

---Reads an answer.
---@param answer string
---@return table<string, string[]> names by kind
function M.read(answer)
  local kinds = {}
  for kind, name in (answer .. "\0"):gmatch "(%a+)\0([^\0]*)\0" do
    if name == "" then kinds[kind] = {} else table.insert(kinds[kind], name) end
  end
  return kinds
end

return M
