-- SPDX-License-Identifier: MIT
-- What one consumer group of an application does with which events: declared here, checked at once,
-- run by the runtime.
--
--   local documents = app:consumer("document_consumer_group", { workers = 2 })
--   documents:on("document-received", { emits = { "workflow-initialized" } }, function(event, ctx)
--     ctx:emit("workflow-initialized", { document_id = event.key, workflow_types = { "rag" } })
--   end)
--   documents:ignore("audit")
local guarantee = require "docmsg.guarantee"
local retry = require "docmsg.retry"
local settings = require "docmsg.settings"
local value = require "docmsg.schema.value"

local M = {}

---@alias docmsg.Handler fun(event: docmsg.Event, ctx: docmsg.Context)

---Gets several events at once, in order, and the context of each.
---@alias docmsg.BatchHandler fun(events: docmsg.Event[], contexts: docmsg.Context[])

---Wraps a handler: it gets the next one and returns one of its own that calls it. It is called once
---for each handler, when the consumer starts.
---@alias docmsg.Middleware fun(next: docmsg.Handler, about: {group: string, type: string}): docmsg.Handler

---What `app:consumer` takes.
---@class docmsg.ConsumerGroupOptions
---@field workers? integer threads that run handlers; 0: the calling thread; default: the program decides
---@field order? "key"|"partition"|"none" which handlers run one after the other; default "key"
---@field guarantee? "at-least-once"|"exactly-once" default "at-least-once"; the other commits in transactions
---@field start? "earliest"|"latest"|"error" where a partition without a committed offset begins; default "earliest"
---@field instance_id? string static membership; each process has its own; names the transactions
---@field topics? string[] to read beside those of the handled events
---@field dead_letters? string the topic of all dead letters; default "<topic>.<group>.dlq"
---@field retry? docmsg.RetryOptions
---@field timeout? string of a handler's run; default "5m"
---@field instructions? integer of a handler's run, counted by the Lua machine; default: no limit
---@field memory? string|integer of each worker's Lua state; default "256MiB"
---@field lazy? boolean `event.data` is decoded when a handler asks for it
---@field kafka? table<string, string|number|boolean> librdkafka's properties

---What `consumer:on` takes.
---@class docmsg.HandlerOptions
---@field emits? string[] the types it may emit; default: any
---@field where? fun(event: docmsg.Event): boolean? handles only those; the first handler whose `where` is true is taken
---@field lazy? boolean
---@field batch? {max?: integer, wait?: string} gets up to `max` events at once (100), none waits longer ("200ms")
---@field retry? docmsg.RetryOptions
---@field timeout? string
---@field instructions? integer

---One handler.
---@class docmsg.Route
---@field type string
---@field handler docmsg.Handler|docmsg.BatchHandler
---@field options docmsg.HandlerOptions checked, durations in ms
---@field where? fun(event: docmsg.Event): boolean?

---@class docmsg.ConsumerGroup
---@field group string
---@field settings docmsg.ConsumerGroupOptions checked, durations in ms
---@field routes docmsg.Route[] in the order of `on`
---@field ignored table<string, true>
---@field middlewares docmsg.Middleware[]
---@field private app docmsg.App
---@field private last table<string, docmsg.Route> by type
---@field private frozen boolean
local Consumer = { __name = "docmsg.ConsumerGroup" }
Consumer.__index = Consumer

local BATCH <const> = {
  max = { kind = "integer", min = 1, max = 10000, default = 100 },
  wait = { kind = "duration", default = "200ms" },
}

---@type table<string, docmsg.Setting>
local OPTIONS <const> = {
  workers = { kind = "integer", min = 0, max = 256 },
  order = { kind = "choice", "key", "partition", "none", default = "key" },
  guarantee = { kind = "choice", "at-least-once", "exactly-once", default = "at-least-once" },
  start = { kind = "choice", "earliest", "latest", "error", default = "earliest" },
  instance_id = { kind = "string" },
  topics = { kind = "strings", default = {} },
  dead_letters = { kind = "string" },
  retry = { kind = "table", fields = retry.OPTIONS, default = {} },
  timeout = { kind = "duration", default = "5m" },
  instructions = { kind = "integer", min = 1000 },
  memory = { kind = "size", default = "256MiB" },
  lazy = { kind = "boolean", default = false },
  kafka = { kind = "table", default = {} },
}

---@type table<string, docmsg.Setting>
local HANDLER_OPTIONS <const> = {
  emits = { kind = "strings" },
  where = { kind = "function" },
  lazy = { kind = "boolean" },
  batch = { kind = "table", fields = BATCH },
  retry = { kind = "table", fields = retry.OVERRIDES },
  timeout = { kind = "duration" },
  instructions = { kind = "integer", min = 1000 },
}

local MAX_TOPIC <const>, MAX_GROUP <const> = 249, 255

local function check_group(group, level)
  local legal = type(group) == "string" and group ~= "" and #group <= MAX_GROUP
    and utf8.len(group) and not group:find("%c")
  if not legal then
    error(("app:consumer: a group's name is text of 1 to %d bytes without control characters, not %s")
      :format(MAX_GROUP, value.show(group)), level + 1)
  end
end

---Declares a consumer; called by app:consumer.
---@param app docmsg.App
---@param group string
---@param options? docmsg.ConsumerGroupOptions
---@param level integer whom errors blame, as for `error`
---@return docmsg.ConsumerGroup
function M.new(app, group, options, level)
  check_group(group, level + 1)
  local where = ("consumer %q"):format(group)
  local checked = settings.read(OPTIONS, options, where, level + 1)
  guarantee.check(checked.kafka, checked.guarantee, where, level + 1)
  return setmetatable({
    app = app, group = group, settings = checked, routes = {}, ignored = {}, middlewares = {},
    last = {}, frozen = false,
  }, Consumer)
end

-- A declaration after the start would never be seen.
local function check_open(self, what)
  if self.frozen then
    error(("consumer %q runs already: call %s before"):format(self.group, what), 3)
  end
end

local function check_type(self, event_type, level)
  if not self.app:event(event_type) then
    error(("consumer %q: unknown event type %s%s"):format(self.group, value.show(event_type),
      self.app:nearest_event(event_type)), level + 1)
  end
end

---Handles the events of a type. Several handlers may share a type through `where`.
---@param event_type string
---@param options docmsg.HandlerOptions|docmsg.Handler may be left out
---@param handler? docmsg.Handler|docmsg.BatchHandler the latter with the option `batch`
---@return docmsg.ConsumerGroup self
function Consumer:on(event_type, options, handler)
  check_open(self, "on")
  if handler == nil and type(options) == "function" then options, handler = nil, options end
  check_type(self, event_type, 2)
  local where = ("consumer %q, on %q"):format(self.group, event_type)
  if type(handler) ~= "function" then
    error(("%s: the handler is a function, not %s"):format(where, value.show(handler)), 2)
  end
  local checked = settings.read(HANDLER_OPTIONS, options, where, 2)
  for _, emitted in ipairs(checked.emits or {}) do check_type(self, emitted, 2) end
  local last = self.last[event_type]
  if last and not last.where then
    error(("%s: a handler without `where` takes all of them already"):format(where), 2)
  end
  local route = { type = event_type, handler = handler, options = checked, where = checked.where }
  table.insert(self.routes, route)
  self.last[event_type] = route
  return self
end

---Lets the events of a type pass that no handler takes, instead of making them dead letters.
---@param event_type string
---@return docmsg.ConsumerGroup self
function Consumer:ignore(event_type)
  check_open(self, "ignore")
  check_type(self, event_type, 2)
  self.ignored[event_type] = true
  return self
end

---Wraps all handlers of this consumer, inside what the application wraps around them.
---@param middleware docmsg.Middleware
---@return docmsg.ConsumerGroup self
function Consumer:use(middleware)
  check_open(self, "use")
  if type(middleware) ~= "function" then
    error(("a middleware is a function of the next handler, not %s"):format(value.show(middleware)), 2)
  end
  table.insert(self.middlewares, middleware)
  return self
end

---The topics to read: those of the handled and ignored events, and of the option `topics`.
---@return string[] topics sorted
function Consumer:topics()
  local seen, list = {}, {}
  local function add(topic)
    if not seen[topic] then
      seen[topic] = true
      list[#list + 1] = topic
    end
  end
  for _, route in ipairs(self.routes) do add(self.app:event(route.type).topic) end
  for event_type in pairs(self.ignored) do add(self.app:event(event_type).topic) end
  for _, topic in ipairs(self.settings.topics) do add(topic) end
  table.sort(list)
  return list
end

---The topic of the dead letters of a topic.
---@param topic string
---@return string
function Consumer:dead_letter_topic(topic)
  return self.settings.dead_letters or ("%s.%s.dlq"):format(topic, self.group)
end

local function check_dead_letters(self)
  for _, topic in ipairs(self:topics()) do
    local name = self:dead_letter_topic(topic)
    if #name > MAX_TOPIC or name:find("[^%w._-]") then
      error(("consumer %q: %s is no name for a topic of dead letters; set dead_letters")
        :format(self.group, value.show(name)), 0)
    elseif name == topic then
      error(("consumer %q: %s cannot hold its own dead letters"):format(self.group, value.show(topic)), 0)
    end
  end
end

---Ends the declarations: from now on they cannot change. Raises when the consumer cannot run.
function Consumer:freeze()
  if #self.routes == 0 then
    error(("consumer %q handles no event: call on"):format(self.group), 0)
  end
  check_dead_letters(self)
  self.frozen = true
end

return M
