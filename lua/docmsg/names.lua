-- SPDX-License-Identifier: MIT
-- The names that TAB offers, in a shell and at the prompt, from what an admin client has answered.
local is_internal = require("docmsg.topic.observe").is_internal

local M = {}

---The topics that are there, but Kafka's own ("__…"), which nobody means to type by TAB.
---@param infos table<string, docmsg.TopicInfo> by name
---@return string[]
function M.topics(infos)
  local names = {}
  for name, info in pairs(infos) do
    if not info.error and not is_internal(name) then names[#names + 1] = name end
  end
  return names
end

---The consumer groups.
---@param listed {group: string}[]
---@return string[]
function M.groups(listed)
  local names = {}
  for i, entry in ipairs(listed) do names[i] = entry.group end
  return names
end

---The configuration properties of clients.
---@return string[]
function M.properties()
  local names = {}
  for i, property in ipairs(require("docmsg.bare").properties()) do names[i] = property.name end
  return names
end

return M
