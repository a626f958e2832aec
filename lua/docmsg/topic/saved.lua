-- SPDX-License-Identifier: MIT
-- A plan as JSON: for other programs, and to be applied later. It holds the cluster's id and what was
-- seen of each topic that it changes.
local json = require "docmsg.json"
local plan = require "docmsg.topic.plan"

local M = {}

local FORMAT <const> = 1

local function strings(list)
  return json.array(table.move(list, 1, #list, 1, {}))
end

---A plan as `docmsg.json` writes it.
---@param planned docmsg.Plan
---@return table
function M.document(planned)
  return {
    docmsg_plan = FORMAT,
    cluster = { id = planned.cluster.id, brokers = strings(planned.cluster.brokers) },
    file = planned.file, declared = planned.declared, existing = planned.existing,
    unchanged = planned.unchanged, changes = strings(planned.changes), seen = planned.seen,
    kept = strings(planned.kept), undeclared = strings(planned.undeclared),
  }
end

local function is_count(value)
  return math.type(value) == "integer" and value >= 0
end

local function is_map_of_strings(value)
  if type(value) ~= "table" then return false end
  for name, text in pairs(value) do
    if type(name) ~= "string" or type(text) ~= "string" then return false end
  end
  return true
end

local function is_list_of_properties(value)
  if type(value) ~= "table" or #value == 0 then return false end
  for _, entry in ipairs(value) do
    if not is_map_of_strings(entry) or not entry.name then return false end
  end
  return true
end

-- What each class must say, by the check that its fields pass.
local function is_text(value) return type(value) == "string" end

local FIELDS <const> = {
  create = { partitions = is_count, replication_factor = is_count, config = is_map_of_strings },
  ["config.safe"] = { properties = is_list_of_properties },
  ["config.risky"] = { properties = is_list_of_properties },
  grow = { from = is_count, to = is_count },
  repartition = { from = is_count, to = is_count },
  delete = { partitions = is_count },
  blocked = { reason = is_text },
}

local function is_state(value)
  if type(value) ~= "table" or type(value.exists) ~= "boolean" then return false end
  return not value.exists or (is_count(value.partitions) and is_count(value.replication_factor)
    and is_map_of_strings(value.config))
end

local function check_change(change, seen)
  local fields = type(change) == "table" and FIELDS[change.class]
  if not fields or type(change.topic) ~= "string" then return "it names no topic and class" end
  for name, holds in pairs(fields) do
    if not holds(change[name]) then
      return ("%s of %s is not what a plan has there"):format(name, change.topic)
    end
  end
  if not is_state(seen[change.topic]) then return ("what was seen of %s is missing"):format(change.topic) end
end

local function check(document)
  if type(document) ~= "table" or document.docmsg_plan == nil then
    return "it is no plan; docmsg-lua topics plan --out writes one"
  elseif document.docmsg_plan ~= FORMAT then
    return ("it is a plan of format %s, and this program knows %d"):format(tostring(document.docmsg_plan), FORMAT)
  end
  for _, name in ipairs { "cluster", "changes", "seen", "kept", "undeclared" } do
    if type(document[name]) ~= "table" then return name .. " is missing" end
  end
  if type(document.cluster.brokers) ~= "table" then return "cluster.brokers is missing" end
  for _, name in ipairs { "declared", "existing", "unchanged" } do
    if not is_count(document[name]) then return name .. " is missing" end
  end
  for i, change in ipairs(document.changes) do
    local reason = check_change(change, document.seen)
    if reason then return ("change %d: %s"):format(i, reason) end
  end
end

---Reads a plan.
---@param text string
---@return docmsg.Plan? planned
---@return string? reason
function M.read(text)
  local document, reason = json.decode(text)
  if document == nil then return nil, reason end
  reason = check(document)
  if reason then return nil, reason end
  -- What a change needs follows from its class, whatever the file says.
  for _, change in ipairs(document.changes) do change.needs = plan.needs(change.class) end
  return document
end

return M
