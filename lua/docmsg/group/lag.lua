-- SPDX-License-Identifier: MIT
-- How far a group is behind: in records, in time, and at what rate that changes.
local reader = require "docmsg.dlq.reader"

local M = {}

-- Records that tell the age of a lag are awaited for that long.
local AGE_TIMEOUT <const> = "5s"

---@class docmsg.group.Place
---@field topic string
---@field partition integer
---@field committed? integer the offset of the next record; nil: none is committed
---@field first integer
---@field last_end integer the offset after the newest record
---@field lag integer records
---@field client? string client id of the member that reads it
---@field behind_ms? integer age of the oldest record that was not handled
---@field out_rate? number records a second that the group has handled
---@field in_rate? number records a second that came

---Describes one group.
---@param admin docmsg.Admin
---@param group string
---@param timeout docmsg.Duration
---@return docmsg.GroupInfo? info
---@return any reason
function M.describe(admin, group, timeout)
  local infos, err = admin:describe_groups({ group }, { timeout = timeout })
  if not infos then return nil, err end
  local info = infos[group]
  if info.error then return nil, info.error end
  if info.state == "Dead" then
    return nil, ("there is no group %s"):format(group)
  end
  return info
end

-- The client id of each partition's member, by topic and partition.
local function clients_of(info)
  local clients = {}
  for _, member in ipairs(info.members or {}) do
    for _, place in ipairs(member.assignment) do
      clients[place.topic .. "\0" .. place.partition] = member.client_id
    end
  end
  return clients
end

-- What the group has committed, and the topics of that and of what its members read.
local function committed_of(admin, info, timeout)
  local offsets, err = admin:group_offsets(info.group, nil, { timeout = timeout })
  if not offsets then return nil, err end
  local committed, seen, topics = {}, {}, {}
  local function note(topic)
    if not seen[topic] then topics[#topics + 1] = topic end
    seen[topic] = true
  end
  for _, entry in ipairs(offsets) do
    if entry.error then return nil, entry.error end
    committed[entry.topic .. "\0" .. entry.partition] = entry.offset
    note(entry.topic)
  end
  for _, member in ipairs(info.members or {}) do
    for _, place in ipairs(member.assignment) do note(place.topic) end
  end
  table.sort(topics)
  return committed, topics
end

-- Topics that were deleted since have no lag.
local function existing(admin, topics, timeout)
  local infos, err = admin:describe_topics(topics, { timeout = timeout })
  if not infos then return nil, err end
  local list = {}
  for _, topic in ipairs(topics) do
    if not infos[topic].error then list[#list + 1] = topic end
  end
  return list
end

---Where a group is, and where its topics end.
---@param admin docmsg.Admin
---@param info docmsg.GroupInfo
---@param timeout docmsg.Duration
---@return docmsg.group.Place[]? places of the partitions that have an offset or a member
---@return any reason
function M.places(admin, info, timeout)
  local committed, topics = committed_of(admin, info, timeout)
  if not committed then return nil, topics end
  if #topics == 0 then return {} end
  local there, err = existing(admin, topics, timeout)
  if not there then return nil, err end
  if #there == 0 then return {} end
  local spans, failure = reader.spans(admin, there, timeout)
  if not spans then return nil, failure end
  local places, clients = {}, clients_of(info)
  for _, span in ipairs(spans) do
    local key = span.topic .. "\0" .. span.partition
    local offset = committed[key]
    if offset or clients[key] then
      places[#places + 1] = { topic = span.topic, partition = span.partition, committed = offset, first = span.first,
        last_end = span.last + 1, client = clients[key],
        lag = math.max(0, span.last + 1 - math.max(offset or span.first, span.first)) }
    end
  end
  return places
end

---Adds the age of each lag: the oldest record that was not handled is read. Marks of transactions may
---be all there is: then it stays unknown.
---@param places docmsg.group.Place[]
---@param now_ms integer
---@return boolean? ok
---@return any reason
function M.add_age(places, now_ms)
  local waiting, offsets, left = {}, {}, 0
  for _, place in ipairs(places) do
    if place.lag > 0 then
      local at = math.max(place.committed or place.first, place.first)
      offsets[#offsets + 1] = { topic = place.topic, partition = place.partition, offset = at }
      waiting[place.topic .. "\0" .. place.partition] = place
      left = left + 1
    end
  end
  if left == 0 then return true end
  local consumer <close>, err = require("docmsg.kafka").consumer {}
  if not consumer then return nil, err end
  local ok, failure = consumer:assign(offsets)
  if not ok then return nil, failure end
  while left > 0 do
    local message, wrong = consumer:poll(AGE_TIMEOUT)
    if wrong then return nil, wrong end
    if not message then return true end
    local key = message.topic .. "\0" .. message.partition
    local place = waiting[key]
    if place then
      waiting[key], left = nil, left - 1
      place.behind_ms = message.timestamp and math.max(0, now_ms - message.timestamp)
      consumer:pause { { topic = message.topic, partition = message.partition } }
    end
  end
  return true
end

---Adds the rates between two looks at the same group.
---@param places docmsg.group.Place[] of the second look
---@param before docmsg.group.Place[]
---@param seconds number between them
function M.add_rates(places, before, seconds)
  local earlier = {}
  for _, place in ipairs(before) do earlier[place.topic .. "\0" .. place.partition] = place end
  for _, place in ipairs(places) do
    local old = earlier[place.topic .. "\0" .. place.partition]
    if old then
      place.in_rate = (place.last_end - old.last_end) / seconds
      place.out_rate = place.committed and old.committed and (place.committed - old.committed) / seconds or nil
    end
  end
end

---The sum of the lags.
---@param places docmsg.group.Place[]
---@return integer
function M.total(places)
  local sum = 0
  for _, place in ipairs(places) do sum = sum + place.lag end
  return sum
end

---A span of time for people: "250 ms", "12 s", "3 min", "5.0 h", "2.1 d".
---@param ms? integer
---@return string? text
function M.span(ms)
  if not ms then return nil end
  if ms < 1000 then return ("%d ms"):format(ms) end
  if ms < 120000 then return ("%d s"):format(ms // 1000) end
  if ms < 7200000 then return ("%d min"):format(ms // 60000) end
  if ms < 172800000 then return ("%.1f h"):format(ms / 3600000) end
  return ("%.1f d"):format(ms / 86400000)
end

return M
