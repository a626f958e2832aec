-- SPDX-License-Identifier: MIT
-- A dead letter: what its headers say, and the record that it was. Pure.
local M = {}

-- What the runtime has added to the record's own headers, csrc/runtime/dead_letter.c.
local ADDED <const> = {
  ["docmsg-reason"] = true, ["docmsg-error-stack"] = true, ["docmsg-failed-at"] = true, ["docmsg-stub"] = true,
}
local REDRIVEN <const> = { ["docmsg-redrive-group"] = true, ["docmsg-redrive-count"] = true }

---How often a record may be redriven.
M.MAX_REDRIVES = 3

---@class docmsg.Letter
---@field topic string the dead-letter topic
---@field partition integer
---@field offset integer
---@field reason string
---@field message? string
---@field stack? string
---@field failed_at? string
---@field attempts? integer
---@field group? string that failed
---@field source {topic: string?, partition: integer?, offset: integer?} where the record was
---@field redrives integer how often it was redriven before it failed
---@field stub boolean it was too large: only its place and key are left
---@field key? string
---@field value? string
---@field headers docmsg.Header[] as they are in the dead-letter topic
---@field timestamp? integer

-- The last header of each name.
local function by_name(headers)
  local values = {}
  for _, header in ipairs(headers) do values[header[1]] = header[2] end
  return values
end

local function integer(text)
  return text and text:find("^%d+$") and math.tointeger(tonumber(text)) or nil
end

---Reads a record of a dead-letter topic, also one that somebody else has put there.
---@param message docmsg.Message
---@return docmsg.Letter
function M.read(message)
  local headers = message.headers
  local said = by_name(headers)
  return {
    topic = message.topic, partition = message.partition, offset = message.offset,
    reason = said["docmsg-reason"] or "unknown",
    message = said["__dlq.errors.message"], stack = said["docmsg-error-stack"],
    failed_at = said["docmsg-failed-at"], attempts = integer(said["__dlq.errors.delivery.count"]),
    group = said["__dlq.errors.group"],
    source = {
      topic = said["__dlq.errors.topic"], partition = integer(said["__dlq.errors.partition"]),
      offset = integer(said["__dlq.errors.offset"]),
    },
    redrives = integer(said["docmsg-redrive-count"]) or 0,
    stub = said["docmsg-stub"] ~= nil,
    key = message.key, value = message.value, headers = headers, timestamp = message.timestamp,
  }
end

---Where the record was, "orders/3/1207".
---@param letter docmsg.Letter
---@return string
function M.place(letter)
  local source = letter.source
  if not source.topic then return "?" end
  return ("%s/%s/%s"):format(source.topic, source.partition or "?", source.offset or "?")
end

-- Why the letter cannot go back, or nil.
local function obstacle(letter)
  if not letter.source.topic or not letter.group then return "its headers do not say where it came from" end
  if letter.stub then
    return ("it was too large: only its place %s is left"):format(M.place(letter))
  end
  if letter.redrives >= M.MAX_REDRIVES then
    return ("it was redriven %d times already"):format(letter.redrives)
  end
end

---The record as it was, to be handled once more by the group that failed, and by no other of ours.
---@param letter docmsg.Letter
---@param partitions integer that the source topic has now
---@return docmsg.Record? record
---@return string? reason why it cannot go back
function M.restore(letter, partitions)
  local reason = obstacle(letter)
  if reason then return nil, reason end
  local headers = {}
  for _, header in ipairs(letter.headers) do
    local name = header[1]
    if name:sub(1, 6) ~= "__dlq." and not ADDED[name] and not REDRIVEN[name] then
      headers[#headers + 1] = { name, header[2] }
    end
  end
  headers[#headers + 1] = { "docmsg-redrive-group", letter.group }
  headers[#headers + 1] = { "docmsg-redrive-count", tostring(letter.redrives + 1) }
  local partition = letter.source.partition
  return {
    topic = letter.source.topic, partition = partition and partition < partitions and partition or nil,
    key = letter.key, value = letter.value, headers = headers, timestamp = letter.timestamp,
  }
end

return M
