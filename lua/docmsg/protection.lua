-- SPDX-License-Identifier: MIT
-- A protected context: what would change the cluster is refused, whoever asks: a verb, a script or
-- the prompt. It guards against mistakes; what a script must not do is for the broker to say.
local exit = require "docmsg.exit"
local usage_error = require "docmsg.usage_error"

local M = {}

local WRITES <const> = {
  ["docmsg.Admin"] = { "create_topics", "delete_topics", "create_partitions", "alter_configs", "delete_records",
    "delete_groups", "alter_group_offsets" },
  ["docmsg.Consumer"] = { "commit", "store", "subscribe" }, -- who joins a group takes partitions from its members
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

-- A consumer may read what it is assigned to, and is in no group.
local function guarded_consumer(new)
  return function(options, ...)
    if type(options) == "table" and options.topics ~= nil then refuse "a consumer with topics, which joins a group," end
    return new(options, ...)
  end
end

---Guards docmsg.runtime, too, which produces and joins groups without docmsg.kafka.
---@param runtime docmsg.runtime
---@return docmsg.runtime runtime
function M.guard(runtime)
  for _, name in ipairs(protected and { "emitter", "group", "state" } or {}) do
    runtime[name] = function() refuse("docmsg.runtime." .. name) end
  end
  return runtime
end

---Guards the module from now on.
---@param kafka docmsg.kafka
---@param name string the context
function M.protect(kafka, name)
  if protected then return end
  protected = name
  kafka.producer = function() refuse "a producer" end
  kafka.consumer = guarded_consumer(kafka.consumer)
  if package.loaded["docmsg.runtime"] then M.guard(package.loaded["docmsg.runtime"]) end
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
