-- SPDX-License-Identifier: MIT
-- A protected context: what would change the cluster is refused, whoever asks: a verb, a script or
-- the prompt. It guards against mistakes; what a script must not do is for the broker to say.
local exit = require "docmsg.exit"
local usage_error = require "docmsg.usage_error"

local M = {}

-- The methods that change something; true: they know validate_only, which changes nothing.
local WRITES <const> = {
  ["docmsg.Admin"] = { create_topics = true, create_partitions = true, alter_configs = true, delete_topics = false,
    delete_records = false, delete_groups = false, alter_group_offsets = false },
  -- Who joins a group takes partitions from its members.
  ["docmsg.Consumer"] = { commit = false, store = false, subscribe = false },
}

---@type string?
local protected

local function refuse(what)
  usage_error.raise(("the context %s is protected: %s is refused; start with --write to change things")
    :format(protected, what), exit.REFUSED)
end

local function refusing(name)
  return function() refuse(name) end
end

-- A method that goes through when it only asks whether it would work.
local function guarded(method, name)
  return function(self, what, options, ...)
    if type(options) == "table" and options.validate_only then return method(self, what, options, ...) end
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
    runtime[name] = refusing("docmsg.runtime." .. name)
  end
  return runtime
end

---Guards the module from now on.
---@param kafka docmsg.kafka
---@param name string the context
function M.protect(kafka, name)
  if protected then return end
  protected = name
  kafka.producer = refusing "a producer"
  kafka.consumer = guarded_consumer(kafka.consumer)
  if package.loaded["docmsg.runtime"] then M.guard(package.loaded["docmsg.runtime"]) end
  for type_name, methods in pairs(WRITES) do
    local index = debug.getregistry()[type_name].__index
    for method, validates in pairs(methods) do
      index[method] = validates and guarded(index[method], method) or refusing(method)
    end
  end
end

---Refuses when the context is protected. For what does not go through docmsg.kafka.
---@param what string
function M.check(what)
  if protected then refuse(what) end
end

return M
