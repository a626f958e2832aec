-- SPDX-License-Identifier: MIT
-- What the verbs about dead letters share: the connection, and the topics that are meant.
local done = require "docmsg.dlq.done"
local letter = require "docmsg.dlq.letter"
local reader = require "docmsg.dlq.reader"
local topic_session = require "docmsg.topic.session"

local M = {}

local SUFFIX <const> = ".dlq"

---@class docmsg.dlq.Session
---@field admin docmsg.Admin
---@field names string[] of all topics
---@field timeout docmsg.Duration
local Session = { __name = "docmsg.dlq.Session" }
Session.__index = Session

---Connects, once.
---@param options table<string, any>
---@return docmsg.dlq.Session? session
---@return any reason
function M.open(options)
  local admin, err = topic_session.admin(options)
  if not admin then return nil, err end
  local infos, failure = admin:describe_topics(nil, { timeout = options.timeout })
  if not infos then
    admin:close()
    return nil, failure
  end
  local names = {}
  for name in pairs(infos) do names[#names + 1] = name end
  table.sort(names)
  return setmetatable({ admin = admin, names = names, timeout = options.timeout }, Session)
end

local function has_suffix(text, suffix)
  return #text > #suffix and text:sub(-#suffix) == suffix
end

---The dead-letter topics that a word means: a topic of that name, or all of that group; without a
---word all of them.
---@param word? string
---@return string[]? topics sorted
---@return string? reason
function Session:topics(word)
  local chosen = {}
  for _, name in ipairs(self.names) do
    if name == word then return { name } end
    if has_suffix(name, word and "." .. word .. SUFFIX or SUFFIX) then chosen[#chosen + 1] = name end
  end
  if #chosen > 0 or not word then return chosen end
  local nearest = require("docmsg.bare").nearest(word, self.names)
  return nil, ("there is no topic %s, and no dead-letter topic of a group %s%s"):format(word, word,
    nearest and ("; did you mean %s?"):format(nearest) or "")
end

---The consumer group that remembers what was redriven from a dead-letter topic.
---@param topic string
---@return string
function M.memory(topic)
  return topic .. ".redrive"
end

---What was redriven from a dead-letter topic, by partition.
---@param topic string
---@return table<integer, docmsg.dlq.Done>? done
---@return any reason
function Session:done(topic)
  local offsets, err = self.admin:group_offsets(M.memory(topic), nil, { timeout = self.timeout })
  if not offsets then return nil, err end
  local memory = setmetatable({}, { __index = function(memory, partition)
    memory[partition] = done.new(0)
    return memory[partition]
  end })
  for _, entry in ipairs(offsets) do
    if entry.error then return nil, entry.error end
    if entry.topic == topic and entry.offset then
      memory[entry.partition] = done.new(entry.offset, entry.metadata)
    end
  end
  return memory
end

---Where the topics begin and end.
---@param topics string[]
---@return docmsg.dlq.Span[]? spans
---@return any reason
function Session:spans(topics)
  return reader.spans(self.admin, topics, self.timeout)
end

---Reads dead letters with that consumer.
---@param consumer docmsg.Consumer
---@param spans docmsg.dlq.Span[]
---@param take fun(letter: docmsg.Letter): boolean? false ends the reading
---@param from? fun(span: docmsg.dlq.Span): integer where to begin
---@return boolean? ok
---@return any reason
function Session:read(consumer, spans, take, from)
  return reader.read(consumer, spans, function(message) return take(letter.read(message)) end, {
    from = from, reachable = function() return self.admin:cluster { timeout = self.timeout } end,
  })
end

---Reads all dead letters of the topics.
---@param topics string[]
---@param take fun(letter: docmsg.Letter): boolean? false ends the reading
---@return boolean? ok
---@return any reason
function Session:each(topics, take)
  local spans, err = self:spans(topics)
  if not spans then return nil, err end
  local consumer <close>, failure = require("docmsg.kafka").consumer { start = "earliest", kafka = reader.PROPERTIES }
  if not consumer then return nil, failure end
  return self:read(consumer, spans, take)
end

-- Does the group read the topic, or has it committed offsets there?
local function reads(self, info, topic)
  for _, member in ipairs(info.members or {}) do
    for _, place in ipairs(member.assignment) do
      if place.topic == topic then return true end
    end
  end
  for _, entry in ipairs(self.admin:group_offsets(info.group, nil, { timeout = self.timeout }) or {}) do
    if entry.topic == topic then return true end
  end
  return false
end

---The groups that read a topic, as far as the broker knows.
---@param topic string
---@return string[]? groups sorted
---@return any reason
function Session:readers(topic)
  local listed, err = self.admin:list_groups { timeout = self.timeout }
  if not listed then return nil, err end
  local names = {}
  for i, entry in ipairs(listed) do names[i] = entry.group end
  if #names == 0 then return names end
  local infos, failure = self.admin:describe_groups(names, { timeout = self.timeout })
  if not infos then return nil, failure end
  local found = {}
  for name, info in pairs(infos) do
    if reads(self, info, topic) then found[#found + 1] = name end
  end
  table.sort(found)
  return found
end

---Closes the connection.
function Session:close()
  self.admin:close()
end

Session.__close = Session.close

return M
