-- SPDX-License-Identifier: MIT
-- Asks the cluster for its names, for TAB, on a thread of its own that docmsg.repl.cache wakes. What
-- cannot be asked is left out, in silence.
local kafka = require "docmsg.kafka"

local M = {}

-- Who has never answered is not waited for as long as who is only slow: the end of the session would
-- wait, too. A connection that takes longer is made meanwhile, and asked the next time.
local FIRST_TIMEOUT <const>, TIMEOUT <const> = "250ms", "5s"

local function silent() end

-- Each name after its kind, and, before them, an empty one: the kind was asked for.
local function add(answer, kind, names)
  table.move({ kind, "" }, 1, 2, #answer + 1, answer)
  for _, name in ipairs(names) do table.move({ kind, name }, 1, 2, #answer + 1, answer) end
end

-- The embedded broker knows no groups to list, and librdkafka 2.0.2 leaks a little where that is so.
local function has_groups(admin, timeout)
  local cluster = admin:cluster { timeout = timeout }
  return cluster ~= nil and not (cluster.id or ""):find "^mockCluster"
end

local function ask(admin, timeout)
  local answer, topics, groups = {}, {}, {}
  local infos = admin:describe_topics(nil, { timeout = timeout })
  if not infos then return nil end
  for name in pairs(infos) do topics[#topics + 1] = name end
  add(answer, "topics", topics)
  local listed = has_groups(admin, timeout) and admin:list_groups { timeout = timeout } or nil
  for i, entry in ipairs(listed or {}) do groups[i] = entry.group end
  if listed then add(answer, "groups", groups) end
  return table.concat(answer, "\0")
end

---Makes the function that asks.
---@return fun(ends: boolean?): string? answer kinds and names in turn, between NULs
function M.boot()
  local admin, answer
  return function(ends)
    if ends then return admin and admin:close(0) and nil end
    admin = admin or kafka.admin { on_log = silent, on_error = silent }
    answer = admin and ask(admin, answer and TIMEOUT or FIRST_TIMEOUT) or answer
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
