-- SPDX-License-Identifier: MIT
-- Reads topics from given offsets to what is their end when it begins.
local M = {}

---What a consumer is made with that reads to the ends.
M.PROPERTIES = { ["enable.partition.eof"] = true }

-- A broker that answers, but gives no record and tells no end for that long, so many times, has failed.
local SILENCE_S <const>, SILENCES <const> = 3, 10

---@class docmsg.dlq.Span
---@field topic string
---@field partition integer
---@field first integer the first offset that the partition still has
---@field last integer the last offset before the end; below `first` when there is none

---Asks where the partitions begin and end.
---@param admin docmsg.Admin
---@param topics string[]
---@param timeout docmsg.Duration
---@return docmsg.dlq.Span[]? spans
---@return any reason
function M.spans(admin, topics, timeout)
  local infos, err = admin:describe_topics(topics, { timeout = timeout })
  if not infos then return nil, err end
  local low, high = {}, {}
  for _, topic in ipairs(topics) do
    if infos[topic].error then return nil, infos[topic].error end
    for _, partition in ipairs(infos[topic].partitions) do
      low[#low + 1] = { topic = topic, partition = partition.partition, at = "earliest" }
      high[#high + 1] = { topic = topic, partition = partition.partition, at = "latest" }
    end
  end
  local firsts, failure = admin:list_offsets(low, { timeout = timeout })
  if not firsts then return nil, failure end
  local ends, wrong = admin:list_offsets(high, { timeout = timeout })
  if not ends then return nil, wrong end
  local spans = {}
  for i, first in ipairs(firsts) do
    local trouble = first.error or ends[i].error
    if trouble then return nil, trouble end
    spans[i] = { topic = first.topic, partition = first.partition, first = first.offset, last = ends[i].offset - 1 }
  end
  return spans
end

-- What is to be read, by topic and partition.
local function prepare(spans, from)
  local left, count, offsets = {}, 0, {}
  for _, span in ipairs(spans) do
    local start = math.max(span.first, from and from(span) or 0)
    if start <= span.last then
      left[span.topic] = left[span.topic] or {}
      left[span.topic][span.partition] = span.last
      count = count + 1
      offsets[#offsets + 1] = { topic = span.topic, partition = span.partition, offset = start }
    end
  end
  return left, count, offsets
end

-- Takes out the partitions whose end was reached: what is left in them are the marks of transactions.
local function drop_ended(consumer, left, count)
  for _, place in ipairs(consumer:ended()) do
    local partitions = left[place.topic]
    if partitions and partitions[place.partition] then
      partitions[place.partition], count = nil, count - 1
    end
  end
  return count
end

-- That nothing has come of what is left.
local function describe(left)
  for topic, partitions in pairs(left) do
    local partition, last = next(partitions)
    if partition then
      return ("no record of %s/%d has come for %d s, which ends at offset %d: try again"):format(topic, partition,
        SILENCE_S * SILENCES, last)
    end
  end
end

---Hands over the records of the spans, in order within a partition, until `take` returns false.
---@param consumer docmsg.Consumer with enable.partition.eof
---@param spans docmsg.dlq.Span[]
---@param take fun(message: docmsg.Message): boolean?
---@param options {from?: (fun(span: docmsg.dlq.Span): integer), reachable: fun(): any?, any}
---@return boolean? ok
---@return any reason
function M.read(consumer, spans, take, options)
  local left, count, offsets = prepare(spans, options.from)
  if count == 0 then return true end
  local ok, err = consumer:assign(offsets)
  if not ok then return nil, err end
  local silences = 0
  while count > 0 do
    local message, failure = consumer:poll(SILENCE_S .. "s")
    if failure and not failure.retriable then return nil, failure end
    if not message then
      local before = count
      count = drop_ended(consumer, left, count)
      silences = count < before and 0 or silences + 1
      if silences >= SILENCES then return nil, describe(left) end
      local answer, trouble = options.reachable()
      if not answer then return nil, trouble end
    else
      silences = 0
      local last = left[message.topic][message.partition]
      if last and message.offset <= last and take(message) == false then return true end
      if last and message.offset >= last then
        left[message.topic][message.partition], count = nil, count - 1
      end
    end
  end
  return true
end

return M
