-- SPDX-License-Identifier: MIT
-- A handler that a bus has for some types of events: a consumer group of its own, whose handler runs
-- on the calling thread, in `step` and `run`. Kafka is read by a thread behind it.
local app = require "docmsg.app"
local runner = require "docmsg.runner"
local value = require "docmsg.schema.value"

local M = {}

---What `bus:subscribe` takes beside the types: also what `app:consumer` does.
---@class docmsg.SubscribeOptions : docmsg.ConsumerGroupOptions
---@field group string

---@class docmsg.Subscription
---@field group string
---@field private app docmsg.App
---@field private log docmsg.Log
---@field private ended fun(self: docmsg.Subscription)
---@field private runner? docmsg.Runner
---@field private last? docmsg.RunnerStats of a runner that was closed
local Subscription = { __name = "docmsg.Subscription" }
Subscription.__index = Subscription

---@class docmsg.SubscriptionStats
---@field handled integer
---@field failed integer runs that are to be repeated
---@field dead integer
---@field lag? integer as far as it is known

-- An application with the events of the bus, and this group alone.
local function declare(events, types, options, handler, level)
  local own = {}
  for name, setting in pairs(options) do own[name] = setting end
  local group = own.group
  own.group = nil
  local made = app.new { name = events.name, events = events.events }
  local ok, consumer = pcall(made.consumer, made, group, own)
  if not ok then error("bus:subscribe: " .. consumer, level + 1) end
  for _, event_type in ipairs(types) do
    local fine, reason = pcall(consumer.on, consumer, event_type, handler)
    if not fine then error("bus:subscribe: " .. reason, level + 1) end
  end
  return made, consumer
end

-- Other events on the topics of these pass: nobody asked for them here.
local function ignore_others(made, consumer, types)
  if not made.events then return end
  local handled, topics = {}, {}
  for _, event_type in ipairs(types) do
    handled[event_type], topics[made:event(event_type).topic] = true, true
  end
  for _, event_type in ipairs(made.events.types) do
    if not handled[event_type] and topics[made:event(event_type).topic] then consumer:ignore(event_type) end
  end
end

---Declares a subscription; called by bus:subscribe.
---@param events docmsg.App of the bus
---@param types string[]
---@param options docmsg.SubscribeOptions
---@param handler docmsg.Handler
---@param with {log: docmsg.Log, level: integer, ended: fun(self: docmsg.Subscription)}
---@return docmsg.Subscription
function M.new(events, types, options, handler, with)
  local level = with.level + 1
  if type(types) ~= "table" or #types == 0 then
    error(("bus:subscribe: a list of event types expected, not %s"):format(value.show(types)), level)
  end
  if type(options) ~= "table" then
    error(("bus:subscribe: options are a table with `group`, not %s"):format(value.show(options)), level)
  end
  local made, consumer = declare(events, types, options, handler, level)
  ignore_others(made, consumer, types)
  return setmetatable({
    group = consumer.group, app = made, log = with.log, ended = with.ended,
  }, Subscription)
end

---Joins the group: Kafka is read from now on, the handler runs in `step` or `run`.
---@param options? docmsg.RunOptions
---@return boolean? ok
---@return any reason
function Subscription:start(options)
  if self.runner then error(("the subscription of %s was started already"):format(self.group), 2) end
  local run = { log = self.log, workers = 0 }
  for name, setting in pairs(options or {}) do run[name] = setting end
  local reason
  self.runner, reason = runner.start(self.app, run)
  if not self.runner then return nil, reason end
  return true
end

local function started(self)
  if not self.runner then error(("the subscription of %s was not started"):format(self.group), 3) end
  return self.runner
end

---Handles what is there, or waits for it.
---@param timeout docmsg.Duration
---@return boolean running false when it has ended
function Subscription:step(timeout)
  return started(self):step(timeout)
end

---Handles events until something fails. Ctrl-C raises, and ends it with its scope.
---@return boolean ok
---@return string? reason
function Subscription:run()
  return started(self):run()
end

---Ends it in order: what runs may finish, what is due is committed, the group is left. It can be
---started again.
---@return boolean clean
function Subscription:stop()
  if not self.runner then return true end
  local clean = self.runner:close()
  self.last, self.runner = self.runner:stats(), nil
  return clean
end

---Stops it for good: the bus forgets it.
---@return boolean clean
function Subscription:unsubscribe()
  local clean = self:stop()
  self.ended(self)
  return clean
end

---What it has handled since it was started.
---@return docmsg.SubscriptionStats
function Subscription:statistics()
  local all = self.runner and self.runner:stats() or self.last
  local stats = all and all.groups[self.group]
  if not stats then return { handled = 0, failed = 0, dead = 0 } end
  return { handled = stats.acked, failed = stats.retries, dead = stats.dead, lag = stats.lag }
end

Subscription.__close = function(self) self:unsubscribe() end

return M
