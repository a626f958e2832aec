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

---@class docmsg.Router
---@field private routes table<string, docmsg.CompiledRoute[]>
---@field private ignored table<string, true>
local Router = { __name = "docmsg.Router" }
Router.__index = Router

---@param routes docmsg.CompiledRoute[] in order
---@param ignored table<string, true> types that pass when no handler takes them
---@return docmsg.Router
function M.new(routes, ignored)
  local by_type = {}
  for _, route in ipairs(routes) do
    by_type[route.type] = by_type[route.type] or {}
    table.insert(by_type[route.type], route)
  end
  return setmetatable({ routes = by_type, ignored = ignored }, Router)
end

---The declaration of events for which there are handlers.
---@param event_type string
---@return docmsg.EventSpec? spec nil when no handler asks for them
function Router:spec(event_type)
  local routes = self.routes[event_type]
  return routes and routes[1].spec
end

---May events of this type pass unhandled?
---@param event_type string
---@return boolean
function Router:ignores(event_type)
  return self.ignored[event_type] ~= nil
end

---The handler of an event.
---@param event docmsg.Event of a type that the router knows
---@return docmsg.CompiledRoute? route
function Router:find(event)
  local routes = self.routes[event.type]
  for i = 1, #routes do
    local route = routes[i]
    local where = route.where
    if not where or where(event) then return route end
  end
end

---Why an event has no handler.
---@param event_type string
---@return string
function Router:explain(event_type)
  if self.routes[event_type] then
    return ("no handler of %s takes this one: every `where` is false"):format(value.show(event_type))
  end
  return ("no handler for events of type %s"):format(value.show(event_type))
end

return M
