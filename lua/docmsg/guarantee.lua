-- SPDX-License-Identifier: MIT
-- The librdkafka properties that a consumer may not set: each would break a promise that its
-- guarantee makes, or is the runtime's to set.
local kafka = require "docmsg.kafka"

local M = {}

local ONLY_ALL <const> = { all = true, ["-1"] = true }

---@class docmsg.guarantee.Rule
---@field allow? table<string, true> values that change nothing
---@field why string
---@field guarantee? string the rule holds for this guarantee only

---@type table<string, docmsg.guarantee.Rule>
local RULES <const> = {
  ["enable.auto.commit"] = { allow = { ["false"] = true },
    why = "it commits records that no handler has finished" },
  ["enable.auto.offset.store"] = { allow = { ["false"] = true },
    why = "it commits records that no handler has finished" },
  ["acks"] = { allow = ONLY_ALL, why = "an event that only one broker has can be lost" },
  ["request.required.acks"] = { allow = ONLY_ALL, why = "an event that only one broker has can be lost" },
  ["enable.idempotence"] = { allow = { ["true"] = true },
    why = "events would be doubled or change their order when a request is repeated" },
  ["message.timeout.ms"] = { allow = { ["0"] = true },
    why = "an event that times out while the broker is away would be lost" },
  ["delivery.timeout.ms"] = { allow = { ["0"] = true },
    why = "an event that times out while the broker is away would be lost" },
  ["message.send.max.retries"] = { why = "an event would be lost after so many attempts" },
  ["retries"] = { why = "an event would be lost after so many attempts" },
  ["isolation.level"] = { allow = { read_committed = true }, guarantee = "exactly-once",
    why = "exactly-once must not read what was aborted" },
  ["transactional.id"] = { why = "it is made of the group's name and instance_id" },
  ["group.id"] = { why = "the group's name is the first argument of app:consumer" },
  ["group.instance.id"] = { why = "use the option instance_id" },
  ["auto.offset.reset"] = { why = "use the option start" },
}

local function property_names()
  local names, known = {}, {}
  for i, property in ipairs(kafka.properties()) do
    names[i], known[property.name] = property.name, true
  end
  return names, known
end

---Checks the properties of a consumer; raises when one is unknown or would break its guarantee.
---@param properties table<string, string|number|boolean>
---@param guarantee "at-least-once"|"exactly-once"
---@param where string in messages
---@param level integer whom errors blame, as for `error`
function M.check(properties, guarantee, where, level)
  local names, known = property_names()
  for name, value in pairs(properties) do
    local rule = RULES[name]
    if not known[name] then
      local nearest = type(name) == "string" and kafka.nearest(name, names)
      error(("%s: unknown property '%s'%s"):format(where, tostring(name),
        nearest and ("; did you mean '%s'?"):format(nearest) or ""), level + 1)
    elseif type(value) == "table" or type(value) == "function" then
      error(("%s: '%s' must be a string, a number or a boolean"):format(where, name), level + 1)
    end
    local applies = rule and (not rule.guarantee or rule.guarantee == guarantee)
    if applies and not (rule.allow and rule.allow[tostring(value)]) then
      error(("%s: '%s' cannot be set%s: %s"):format(where, name,
        rule.allow and (" to '%s'"):format(tostring(value)) or "", rule.why), level + 1)
    end
  end
end

return M
