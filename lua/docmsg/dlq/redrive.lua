-- SPDX-License-Identifier: MIT
-- Sends dead letters back to the topics that they came from, each once: what the broker has
-- acknowledged is remembered as offsets of a consumer group, and only then.
local kafka = require "docmsg.kafka"
local letters = require "docmsg.dlq.letter"
local memory = require "docmsg.dlq.session"
local reader = require "docmsg.dlq.reader"
local runtime = require "docmsg.runtime"

local M = {}

-- Records that are sent before their acknowledgements are awaited and remembered.
local BATCH <const> = 500

---@class docmsg.dlq.RedriveOptions
---@field execute boolean otherwise nothing is sent
---@field wanted fun(letter: docmsg.Letter): boolean
---@field limit? integer
---@field rate? integer records a second
---@field progress? fun(count: integer)

---Dead letters of one kind and what became of them.
---@class docmsg.dlq.Result
---@field topic string the dead-letter topic
---@field source? string
---@field group? string
---@field reason string
---@field status "pending"|"redriven"|"refused"
---@field records integer
---@field why? string of what was refused

---@class docmsg.dlq.Redrive
---@field private session docmsg.dlq.Session
---@field private options docmsg.dlq.RedriveOptions
---@field private topic string
---@field private done table<integer, docmsg.dlq.Done>
---@field private partitions table<string, integer> of source topics
---@field private results docmsg.dlq.Result[]
---@field private counts table<string, docmsg.dlq.Result>
---@field private batch {letter: docmsg.Letter, delivery: docmsg.Delivery}[]
---@field private taken integer
---@field private failure any
---@field private last table<integer, integer> the newest offset that was read, by partition
local Redrive = { __name = "docmsg.dlq.Redrive" }
Redrive.__index = Redrive

local function count(self, letter, status, why)
  local key = table.concat({ letter.source.topic or "", letter.group or "", letter.reason, status, why or "" }, "\0")
  local result = self.counts[key]
  if not result then
    result = { topic = self.topic, source = letter.source.topic, group = letter.group, reason = letter.reason,
      status = status, records = 0, why = why }
    self.counts[key] = result
    table.insert(self.results, result)
  end
  result.records = result.records + 1
end

-- Remembers what was acknowledged.
local function remember(self)
  local offsets = {}
  for partition, done in pairs(self.done) do
    local offset, metadata = done:commit()
    offsets[#offsets + 1] = { topic = self.topic, partition = partition, offset = offset, metadata = metadata }
  end
  if #offsets == 0 then return true end
  return self.consumer:commit(offsets, self.session.timeout)
end

-- Waits for the acknowledgements of what was sent. Nil and the reason when one did not come.
local function settle(self)
  local failure
  for _, sent in ipairs(self.batch) do
    local report, err = sent.delivery:wait(self.session.timeout)
    if report then
      self.done[sent.letter.partition]:add(sent.letter.offset, sent.letter.offset)
      count(self, sent.letter, "redriven")
    else
      failure = failure or err
    end
  end
  self.batch = {}
  local ok, err = remember(self)
  if failure or not ok then return nil, failure or err end
  if self.options.progress then self.options.progress(self.taken) end
  return true
end

-- Keeps the rate: what is sent in a second is one batch.
local function pace(self)
  if not self.options.rate then return end
  local left = self.began_ms + 1000 - runtime.now()
  if left > 0 then kafka.sleep(left .. "ms") end
  self.began_ms = runtime.now()
end

-- Flushes the batch when it is full.
local function send(self, letter, record)
  local delivery, err = self.producer:send(record)
  if not delivery then return nil, err end
  self.batch[#self.batch + 1] = { letter = letter, delivery = delivery }
  if #self.batch < math.min(BATCH, self.options.rate or BATCH) then return true end
  local ok, failure = settle(self)
  if ok then pace(self) end
  return ok, failure
end

-- How many partitions the source topic has; 0 when there is none.
local function partitions_of(self, topic)
  local known = topic and self.partitions[topic]
  if known or not topic then return known or 0 end
  local infos = self.session.admin:describe_topics({ topic }, { timeout = self.session.timeout })
  self.partitions[topic] = infos and not infos[topic].error and #infos[topic].partitions or 0
  return self.partitions[topic]
end

local function check(self, letter)
  local partitions = partitions_of(self, letter.source.topic)
  local record, reason = letters.restore(letter, partitions)
  if record and partitions == 0 then return nil, ("there is no topic %s any more"):format(record.topic) end
  if record and not self.done[letter.partition]:has_room() then
    return nil, "too many gaps to remember: redrive what lies before it first"
  end
  return record, reason
end

-- Takes a dead letter. False ends the reading.
local function take(self, letter)
  local done = self.done[letter.partition]
  local before = self.last[letter.partition] or done.next - 1
  done:add(before + 1, letter.offset - 1) -- there are none: marks of transactions
  self.last[letter.partition] = letter.offset
  if done:has(letter.offset) or not self.options.wanted(letter) then return true end
  local record, reason = check(self, letter)
  if not record then
    count(self, letter, "refused", reason)
    return true
  end
  self.taken = self.taken + 1
  if self.options.execute then
    local ok, failure = send(self, letter, record)
    if not ok then
      self.failure = failure
      return false
    end
  else
    count(self, letter, "pending")
  end
  return self.taken ~= self.options.limit
end

-- Reads the topic from the first dead letter that is not done.
local function run(self)
  local spans, err = self.session:spans { self.topic }
  if not spans then return nil, err end
  for _, span in ipairs(spans) do
    local done = self.done[span.partition]
    done:add(done.next, span.first - 1) -- they are gone
  end
  local ok, failure = self.session:read(self.consumer, spans, function(letter) return take(self, letter) end,
    function(span) return self.done[span.partition].next end)
  if self.options.execute then
    local settled, trouble = settle(self)
    if not settled then return nil, self.failure or trouble end
  end
  if not ok or self.failure then return nil, failure or self.failure end
  return true
end

---Redrives the dead letters of a topic, or says which would be.
---@param session docmsg.dlq.Session
---@param topic string
---@param options docmsg.dlq.RedriveOptions
---@return docmsg.dlq.Result[] results also when it failed on the way
---@return any reason why it failed; nil: it did not
---@return integer taken how many records were sent, or would be
function M.run(session, topic, options)
  local done, err = session:done(topic)
  if not done then return {}, err, 0 end
  local consumer <close>, refused = kafka.consumer { group = memory.memory(topic), start = "earliest",
    kafka = reader.PROPERTIES }
  if not consumer then return {}, refused, 0 end
  local producer <close>, failure = kafka.producer {}
  if not producer then return {}, failure, 0 end
  local self = setmetatable({
    session = session, topic = topic, options = options, done = done, consumer = consumer, producer = producer,
    partitions = {}, results = {}, counts = {}, batch = {}, last = {}, taken = 0, began_ms = runtime.now(),
  }, Redrive)
  local ok, reason = run(self)
  return self.results, not ok and reason or nil, self.taken
end

return M
