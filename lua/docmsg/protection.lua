-- SPDX-License-Identifier: MIT
-- A protected context: what would change the cluster is refused, whoever asks: a verb, a script or
-- the prompt. It guards against mistakes; what a script must not do is for the broker to say.
local exit = require "docmsg.exit"
local usage_error = require "docmsg.usage_error"

local M = {}

local WRITES <const> = {
  ["docmsg.Admin"] = { "create_topics", "delete_topics", "create_partitions", "alter_configs", "delete_records",
    "delete_groups", "alter_group_offsets" },
  ["docmsg.Consumer"] = { "commit", "store" },
}

---@type string?
local protected

local function refuse(what)
  usage_error.raise(("the context %s is protected: %s is refused; start with --write to change things")
    :format(protected, what), exit.REFUSED)
end

-- A method that goes through when it only asks whether it would work.
local function guarded(method, name)
  return function(self, what, ...)
    for _, options in ipairs { ... } do
      if type(options) == "table" and options.validate_only then return method(self, what, ...) end
    end
    return refuse(name)
  end
end

---Guards the module from now on.
---@param kafka docmsg.kafka
---@param name string the context
function M.protect(kafka, name)
  if protected then return end
  protected = name
  kafka.producer = function() refuse "a producer" end
  for type_name, methods in pairs(WRITES) do
    local index = debug.getregistry()[type_name].__index
    for _, method in ipairs(methods) do index[method] = guarded(index[method], method) end
  end
end

---Refuses when the context is protected. For what does not go through docmsg.kafka.
---@param what string
function M.check(what)
  if protected then refuse(what) end
end

return M
