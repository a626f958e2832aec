-- SPDX-License-Identifier: MIT
-- From an event to its handler: by type, then the first whose `where` is true, in the order of their
-- declaration.
local value = require "docmsg.schema.value"

local M = {}

---A handler as it is run.
---@class docmsg.CompiledRoute
---@field type string
---@field spec docmsg.EventSpec
---@field handler docmsg.Handler inside its middlewares
---@field where? fun(event: docmsg.Event): boolean?
---@field lazy boolean
---@field targets table<string, docmsg.EventSpec> what it may emit, by type
---@field retry docmsg.RetryPolicy
---@field timeout_ms? integer
---@field instructions? integer
---@field own_limits boolean its limits are not the consumer's
---@field next? docmsg.CompiledRoute the next one of the same type

---@class docmsg.Router
---@field by_type table<string, docmsg.CompiledRoute> the first of each type
---@field private ignored table<string, true>
local Router = { __name = "docmsg.Router" }
Router.__index = Router

---@param routes docmsg.CompiledRoute[] in order
---@param ignored table<string, true> types that pass when no handler takes them
---@return docmsg.Router
function M.new(routes, ignored)
  local by_type = {}
  for i = #routes, 1, -1 do
    local route = routes[i]
    route.next, by_type[route.type] = by_type[route.type], route
  end
  return setmetatable({ by_type = by_type, ignored = ignored }, Router)
end

---May events of this type pass unhandled?
---@param event_type string
---@return boolean
function Router:ignores(event_type)
  return self.ignored[event_type] ~= nil
end

---Why an event has no handler.
---@param event_type string
---@return string
function Router:explain(event_type)
  if self.by_type[event_type] then
    return ("no handler of %s takes this one: every `where` is false"):format(value.show(event_type))
  end
  return ("no handler for events of type %s"):format(value.show(event_type))
end

return M
