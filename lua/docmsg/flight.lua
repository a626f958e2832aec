-- SPDX-License-Identifier: MIT
-- What became of published records, counted by event type.
local M = {}

---@class docmsg.FlightStats
---@field sent integer that the broker has
---@field failed integer refused, or not delivered
---@field pending integer of which nothing is known yet
---@field bytes integer of the data of those sent
---@field latency_us integer how long the broker took on average; 0 while nothing was sent
---@field latency_max_us integer

---@class docmsg.Flights
---@field private types table<string, docmsg.FlightStats>
---@field private total_us table<string, integer>
---@field private waiting {type: string, bytes: integer, delivery: docmsg.Delivery}[] from `first` to `last`
---@field private first integer
---@field private last integer
local Flights = { __name = "docmsg.Flights" }
Flights.__index = Flights

---@return docmsg.Flights
function M.new()
  return setmetatable({ types = {}, total_us = {}, waiting = {}, first = 1, last = 0 }, Flights)
end

local function stats_of(self, event_type)
  local stats = self.types[event_type]
  if not stats then
    stats = { sent = 0, failed = 0, pending = 0, bytes = 0, latency_us = 0, latency_max_us = 0 }
    self.types[event_type], self.total_us[event_type] = stats, 0
  end
  return stats
end

---An event was not even sent.
---@param event_type string
function Flights:refuse(event_type)
  local stats = stats_of(self, event_type)
  stats.failed = stats.failed + 1
end

---An event was handed to the producer.
---@param event_type string
---@param bytes integer
---@param delivery docmsg.Delivery
function Flights:add(event_type, bytes, delivery)
  local stats = stats_of(self, event_type)
  stats.pending = stats.pending + 1
  self.last = self.last + 1
  self.waiting[self.last] = { type = event_type, bytes = bytes, delivery = delivery }
  self:settle()
end

local function count(self, entry)
  local stats, report = self.types[entry.type], entry.delivery:wait(0)
  stats.pending = stats.pending - 1
  if not report then
    stats.failed = stats.failed + 1
    return
  end
  stats.sent, stats.bytes = stats.sent + 1, stats.bytes + entry.bytes
  self.total_us[entry.type] = self.total_us[entry.type] + report.latency_us
  stats.latency_us = self.total_us[entry.type] // stats.sent
  stats.latency_max_us = math.max(stats.latency_max_us, report.latency_us)
end

---Counts those that have ended. One that has not holds up those behind it, until the next call.
function Flights:settle()
  while self.first <= self.last and self.waiting[self.first].delivery.status ~= "pending" do
    count(self, self.waiting[self.first])
    self.waiting[self.first], self.first = nil, self.first + 1
  end
end

---@return table<string, docmsg.FlightStats> by event type
function Flights:statistics()
  self:settle()
  local copy = {}
  for event_type, stats in pairs(self.types) do
    copy[event_type] = {}
    for name, figure in pairs(stats) do copy[event_type][name] = figure end
  end
  return copy
end

return M
