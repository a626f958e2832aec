-- SPDX-License-Identifier: MIT
-- A bus: events published with a check of their data, and handled by type, without more ado. It has
-- one producer, made at the first event and used for all of them.
--
--   local bus <close> = docmsg.bus { name = "shop", events = "events.lua" }
--   local report = assert(bus:publish("order-placed", { id = "o1", … }))
--   print(report.topic, report.partition, report.offset)
--
--   local packing <close> = bus:subscribe({ "order-placed" }, { group = "packing" }, function(event, ctx) … end)
--   assert(packing:start())
--   while packing:step "100ms" do end         -- or packing:run()
--
-- It works in a script, in the REPL and in a handler; there, `ctx:emit` is better: what it emits is
-- sent when the record is handled, and only then.
local app = require "docmsg.app"
local events = require "docmsg.events"
local file = require "docmsg.file"
local flight = require "docmsg.flight"
local kafka = require "docmsg.kafka"
local refusal = require "docmsg.refusal"
local settings = require "docmsg.settings"
local subscription = require "docmsg.subscription"
local uuid = require "docmsg.uuid"
local value = require "docmsg.schema.value"

local M = {}

---What `docmsg.bus` takes. Files are found beside the script that calls it, else in the current folder.
---@class docmsg.BusOptions
---@field name string the source of its events
---@field events? string|table|docmsg.Events a file, or what it returns; default: a topic's events have its name
---@field kafka? table<string, string|number|boolean> librdkafka's properties of its producer
---@field log? docmsg.Log

---@class docmsg.Bus
---@field name string
---@field EventType table<string, string>
---@field private source docmsg.Header
---@field private app docmsg.App
---@field private log docmsg.Log
---@field private properties table
---@field private producer? docmsg.Producer
---@field private flights docmsg.Flights
---@field private subscriptions table<docmsg.Subscription, true>
---@field private closed boolean
local Bus = { __name = "docmsg.Bus" }
Bus.__index = Bus

---@type table<string, docmsg.Setting>
local OPTIONS <const> = {
  name = { kind = "string", required = true },
  events = { kind = "any" },
  kafka = { kind = "table", default = {} },
  log = { kind = "any" },
}

---@type table<string, docmsg.Setting>
local PUBLISH <const> = {
  key = { kind = "any" },
  headers = { kind = "table", default = {} },
  id = { kind = "string" },
  wait = { kind = "any", default = "forever" },
}

-- What most are published with, read once.
local PLAIN <const> = settings.read(PUBLISH, {}, "bus:publish")

local SPECVERSION <const>, CONTENT_TYPE <const> = { "ce_specversion", "1.0" }, { "content-type", "application/json" }

-- What is declared; nil and the reason when that is wrong.
local function read_events(declared, folder)
  if declared == nil or events.is(declared) then return declared end
  if type(declared) == "string" then return events.load(file.beside(declared, folder)) end
  return events.build(declared)
end

---Makes a bus. Raises when something is wrong in its options or its events.
---@param options docmsg.BusOptions
---@return docmsg.Bus
function M.new(options)
  local checked = settings.read(OPTIONS, options, "docmsg.bus", 2)
  local declared, reason = read_events(checked.events, file.folder(2))
  if reason then error("docmsg.bus: " .. reason, 2) end
  local made = app.new { name = checked.name, events = declared }
  return setmetatable({
    name = checked.name, source = { "ce_source", checked.name }, app = made, EventType = made.EventType,
    properties = checked.kafka, log = checked.log or require("docmsg.log").new(), flights = flight.new(),
    subscriptions = {}, closed = false,
  }, Bus)
end

---The key of what belongs together: all events about one thing need the same, so that their order holds.
---@param id string
---@param user_id? string
---@return string key
function M.message_key(id, user_id)
  return user_id and user_id .. ":" .. id or id
end

-- == Publishing ==

local function check_open(self)
  if self.closed then error("this bus is closed", 3) end
end

local function producer_of(self)
  if self.producer then return self.producer end
  local err
  self.producer, err = kafka.producer { kafka = self.properties }
  return self.producer, err
end

-- The headers of the envelope, then the publisher's own.
local function headers_of(self, event_type, options)
  local id = options.id or uuid.v7()
  local headers = { SPECVERSION, { "ce_id", id }, self.source, { "ce_type", event_type }, CONTENT_TYPE }
  return table.move(options.headers, 1, #options.headers, #headers + 1, headers)
end

-- The record of an event; nil and why its data cannot be sent.
local function record_of(self, spec, data, options)
  local text, reason = spec.encode(data)
  if not text then return nil, refusal.new(spec.type, reason) end
  local key = options.key
  if key == nil and spec.key then
    key, reason = spec.key(data)
    if reason then return nil, refusal.new(spec.type, reason) end
  end
  return { topic = spec.topic, key = key, value = text, headers = headers_of(self, spec.type, options) }
end

local function spec_of(self, event_type)
  local spec = self.app:event(event_type)
  if spec then return spec end
  error(("bus: unknown event type %s%s"):format(value.show(event_type), self.app:nearest_event(event_type)), 3)
end

-- Hands an event to the producer.
local function send(self, spec, data, options)
  if options.key ~= nil and type(options.key) ~= "string" then
    error(("bus: key must be a string, not %s"):format(value.show(options.key)), 3)
  end
  local record, refused = record_of(self, spec, data, options)
  if not record then
    self.flights:refuse(spec.type)
    return nil, refused
  end
  local producer, err = producer_of(self)
  local delivery
  if producer then delivery, err = producer:send(record) end
  if not delivery then
    self.flights:refuse(spec.type)
    return nil, err
  end
  self.flights:add(spec.type, #record.value, delivery)
  return delivery
end

---What `bus:publish` takes.
---@class docmsg.PublishOptions
---@field key? string default: as the event's declaration says
---@field headers? docmsg.Header[] beside those of the envelope
---@field id? string default: a new UUIDv7
---@field wait? docmsg.Duration for the broker; default: until it is delivered or has failed for good

---Publishes an event and waits until the broker has it. Raises for an unknown type.
---@param event_type string
---@param data any
---@param options? docmsg.PublishOptions
---@return docmsg.Report? report
---@return docmsg.Refusal|docmsg.Error|nil err the data do not fit ("SCHEMA"), or what the broker says
---@return docmsg.Delivery? delivery after _TIMED_OUT of a shorter `wait`: what becomes of it is not known yet
function Bus:publish(event_type, data, options)
  check_open(self)
  local checked = options == nil and PLAIN or settings.read(PUBLISH, options, "bus:publish", 2)
  local spec = spec_of(self, event_type)
  local delivery, refused = send(self, spec, data, checked)
  if not delivery then return nil, refused end
  local report, err = delivery:wait(checked.wait)
  self.flights:settle()
  if not report then return nil, err, delivery.status == "pending" and delivery or nil end
  self.log:info("Published to %s:%d:%d", report.topic, report.partition, report.offset)
  return report
end

---Publishes an event without waiting: `delivery:wait()` tells what became of it.
---@param event_type string
---@param data any
---@param options? docmsg.PublishOptions without `wait`
---@return docmsg.Delivery? delivery
---@return docmsg.Refusal|docmsg.Error|nil err
function Bus:publish_async(event_type, data, options)
  check_open(self)
  local checked = options == nil and PLAIN or settings.read(PUBLISH, options, "bus:publish_async", 2)
  if options and options.wait ~= nil then error("bus:publish_async: it does not wait; use publish", 2) end
  return send(self, spec_of(self, event_type), data, checked)
end

---A descriptor that can be read when deliveries may have been reported: `poll` takes note of them.
---@return integer? fd
---@return docmsg.Error? err there is no producer to be had
function Bus:fd()
  check_open(self)
  local producer, err = producer_of(self)
  if not producer then return nil, err end
  return producer:fd()
end

---Takes note of what was reported about deliveries, without waiting.
function Bus:poll()
  check_open(self)
  if self.producer then self.producer:poll(0) end
  self.flights:settle()
end

---Waits until everything that was published is delivered, or has failed.
---@param timeout? docmsg.Duration default "forever"
---@return boolean? done
---@return docmsg.Error? err
function Bus:flush(timeout)
  check_open(self)
  if not self.producer then return true end
  local done, err = self.producer:flush(timeout)
  self.flights:settle()
  return done, err
end

-- == Subscribing ==

---Declares a handler for events of these types, and of no others. `start` lets it begin.
---@param types string[]
---@param options docmsg.SubscribeOptions
---@param handler docmsg.Handler
---@return docmsg.Subscription
function Bus:subscribe(types, options, handler)
  check_open(self)
  local made = subscription.new(self.app, types, options, handler, { log = self.log, level = 2,
    ended = function(ended) self.subscriptions[ended] = nil end })
  self.subscriptions[made] = true
  return made
end

---Ends a subscription: the same as its own `unsubscribe`.
---@param ended docmsg.Subscription
---@return boolean clean
function Bus:unsubscribe(ended)
  if not self.subscriptions[ended] then error("bus:unsubscribe: no subscription of this bus", 2) end
  return ended:unsubscribe()
end

-- == Figures and the end ==

---@class docmsg.BusStatistics
---@field types table<string, docmsg.FlightStats> what was published, by event type
---@field consumers table<string, docmsg.SubscriptionStats> what was handled, by group

---What was published and handled so far.
---@return docmsg.BusStatistics
function Bus:statistics()
  if self.producer then self.producer:poll(0) end
  local consumers = {}
  for subscribed in pairs(self.subscriptions) do
    consumers[subscribed.group] = subscribed:statistics()
  end
  return { types = self.flights:statistics(), consumers = consumers }
end

---Ends its subscriptions, sends what is queued, and closes its producer. Closing twice is fine.
---@param timeout? docmsg.Duration for what is queued; default "10s"
---@return boolean? closed
---@return docmsg.Error? err with what was not delivered
function Bus:close(timeout)
  if self.closed then return true end
  self.closed = true
  while next(self.subscriptions) do next(self.subscriptions):unsubscribe() end
  if not self.producer then return true end
  local closed, err = self.producer:close(timeout)
  self.producer = nil
  self.flights:settle()
  return closed, err
end

-- Nobody sees what the end of a scope returns.
Bus.__close = function(self)
  local closed, err = self:close()
  if not closed then self.log:error("bus %s: %s", self.name, tostring(err)) end
end

return M
