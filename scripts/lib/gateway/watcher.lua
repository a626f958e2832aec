-- SPDX-License-Identifier: MIT
-- Reads the events about documents, and their dead letters, from Kafka's oldest on, and tells which
-- documents have changed. A group of its own, so that topics and partitions may come later; it commits
-- nothing.
--
-- At first it reads document-received alone, to its end: so it is known which documents are the newest
-- when the other topics are read, see documents.lua.
local envelope = require "docmsg.envelope"
local kafka = require "docmsg.kafka"
local uuid = require "docmsg.uuid"

local M = {}

local DEAD_LETTERS <const> = "%.dlq$"
local RECEIVED <const> = "document-received"

-- What is taken at once, so that requests need not wait long.
local BATCH <const> = 100

-- Events wait so long for others, in the broker, to come together; nobody sees it on the page.
local TOGETHER_BYTES <const> = 65536
local TOGETHER_MS <const> = 100

---@class gateway.Watcher
---@field private consumer docmsg.Consumer
---@field private documents gateway.Documents
---@field private stages table<string, true> the types of events about documents
---@field private next table<string, integer> the offset after the last that was read, by "topic/partition"
---@field private log docmsg.Log
---@field private up boolean a broker is connected
---@field private tell_received fun(id?: string)
---@field private received string the topic that is read first
---@field private is_first boolean it is being read, and the others wait
---@field private caught_up boolean all that was there at first has been read
local Watcher = { __name = "gateway.Watcher" }
Watcher.__index = Watcher

-- The topics of the document's way, and of what fell off it; and the types that come on them.
local function topics_of(events)
  local names, topics, stages = {}, {}, {}
  for event_type, event in pairs(events) do
    if not event_type:find "query" then names[#names + 1], stages[event_type] = event.topic, true end
  end
  table.sort(names)
  for i, name in ipairs(names) do topics[i] = name end
  topics[#topics + 1] = "^(" .. table.concat(names, "|") .. ")\\..+\\.dlq$"
  return topics, stages
end

-- Only a broker's state is written large; the text is long, and decoding it would cost more than all the
-- rest.
local function note_stats(self, text)
  local up = text:find('"state":%s*"UP"') ~= nil
  if up ~= self.up then self.log:info("Kafka is %s", up and "up" or "down") end
  self.up = up
end

-- The other topics wait until document-received was read.
local function hold_others(self, partitions, consumer)
  local others = {}
  for _, gained in ipairs(partitions) do
    if gained.topic ~= self.received then others[#others + 1] = gained end
  end
  if self.is_first and #others > 0 then assert(consumer:pause(others)) end
end

-- A partition that comes back goes on where it was.
local function starts_of(self, partitions)
  local starts = {}
  for _, gained in ipairs(partitions) do
    local offset = self.next[gained.topic .. "/" .. gained.partition]
    if offset then starts[#starts + 1] = { topic = gained.topic, partition = gained.partition, offset = offset } end
  end
  return starts
end

---@param events table what events.lua returns
---@param documents gateway.Documents
---@param log docmsg.Log
---@param received fun(id?: string) is told of each document-received
---@return gateway.Watcher? watcher
---@return docmsg.Error? err
function M.open(events, documents, log, received)
  local topics, stages = topics_of(events)
  local self = setmetatable({ documents = documents, stages = stages, next = {}, log = log, up = false,
    tell_received = received, received = events[RECEIVED].topic, is_first = true, caught_up = false }, Watcher)
  local err
  self.consumer, err = kafka.consumer {
    group = "docmsg-gateway-" .. uuid.v4(), topics = topics,
    kafka = { ["auto.offset.reset"] = "earliest", ["statistics.interval.ms"] = 1000,
      ["topic.metadata.refresh.interval.ms"] = 10000, ["enable.partition.eof"] = true,
      ["fetch.min.bytes"] = TOGETHER_BYTES, ["fetch.wait.max.ms"] = TOGETHER_MS },
    on_assign = function(partitions, consumer)
      hold_others(self, partitions, consumer)
      return starts_of(self, partitions)
    end,
    on_stats = function(text) note_stats(self, text) end,
    on_error = function(trouble) log:debug("watching: %s", tostring(trouble)) end,
  }
  if not self.consumer then return nil, err end
  return self
end

---Can be read when there may be something to do.
---@return integer fd
function Watcher:fd()
  return self.consumer:fd()
end

---Is a broker connected? As of the last second.
---@return boolean
function Watcher:is_up()
  return self.up
end

---Has all been read that Kafka had when it was asked first?
---@return boolean
function Watcher:is_caught_up()
  return self.caught_up
end

-- Was the end of all partitions reached, or of those of one topic? Where there are none: no.
local function is_through(self, topic)
  local ended, found = {}, false
  for _, one in ipairs(self.consumer:ended()) do ended[one.topic .. "/" .. one.partition] = true end
  for _, one in ipairs(self.consumer:assignment()) do
    if not topic or one.topic == topic then
      if not ended[one.topic .. "/" .. one.partition] then return false end
      found = true
    end
  end
  return found
end

local function note_progress(self)
  if self.is_first and is_through(self, self.received) then
    self.is_first = false
    assert(self.consumer:resume())
  end
  if self.is_first or not is_through(self) then return end
  self.caught_up = true
  self.log:info("the events of documents have been read: %d are remembered", self.documents:count())
end

-- A dead letter's own type is that of the event. What is of another type is no event of ours.
local function take(self, message)
  self.next[message.topic .. "/" .. message.partition] = message.offset + 1
  local dead = message.topic:find(DEAD_LETTERS) ~= nil
  local stage = dead and message:header "__dlq.errors.topic" or envelope.type(message)
  if stage == RECEIVED and not dead then self.tell_received(message.key) end
  return self.stages[stage] and self.documents:take(message, stage, dead)
end

---Takes what is there, without waiting.
---@return gateway.Document[] changed each once
---@return boolean more there may be more
function Watcher:step()
  local batch, err = self.consumer:batch(BATCH, 0)
  if not batch then
    self.log:warn("watching: %s", tostring(err))
    return {}, false
  end
  local changed, known = {}, {}
  for _, message in ipairs(batch) do
    local document = take(self, message)
    if document and not known[document] then
      changed[#changed + 1], known[document] = document, true
    end
  end
  if not self.caught_up then note_progress(self) end
  return changed, #batch > 0
end

function Watcher:close()
  self.consumer:close "2s"
end

Watcher.__close = Watcher.close

return M
