-- SPDX-License-Identifier: MIT
-- What goes on while a line is typed: topics that are followed by `.tail TOPIC &`, and records that
-- were sent and whose delivery is not known yet. `step` never waits; what it has to say is printed
-- above the line.
local host = require "docmsg.host"

local M = {}

-- So many deliveries are followed at once.
local FOLLOWED <const> = 1000

-- Seconds after which a step that was interrupted is taken for one that would never have ended.
local ENDLESS <const> = 0.2

---@class docmsg.repl.Tail
---@field topic string
---@field file file* what is printed, until it is shown
---@field following docmsg.record.Following

---@type docmsg.repl.Tail[]
local tails = {}

---@type docmsg.Delivery[]
local deliveries = {}

-- Deliveries that were too many, and nobody was told of.
local too_many = 0

-- == Tails ==

---Follows a topic from now on, and its last records.
---@param options table<string, any> of the verb `tail`
---@return boolean? ok
---@return any reason
function M.tail(options)
  local file = assert(io.tmpfile())
  local following, err = require("docmsg.record.reading").follow(options, file,
    { kind = "last", number = options.last }, function() end)
  if not following then
    file:close()
    return nil, err
  end
  tails[#tails + 1] = { topic = options.TOPIC, file = file, following = following }
  return true
end

local function end_tail(index)
  local tail = table.remove(tails, index)
  tail.following:close()
  tail.file:close()
end

---Ends the tails of a topic, or all.
---@param topic? string
---@return string[] topics
function M.stop(topic)
  local ended = {}
  for i = #tails, 1, -1 do
    if not topic or tails[i].topic == topic then
      table.insert(ended, 1, tails[i].topic)
      end_tail(i)
    end
  end
  return ended
end

---The topics that are followed.
---@return string[]
function M.followed()
  local topics = {}
  for i, tail in ipairs(tails) do topics[i] = tail.topic end
  return topics
end

-- What is in the file from its beginning to where it is written now.
local function take(file)
  local size = file:seek()
  if size == 0 then return nil end
  file:seek "set"
  local text = file:read(size)
  file:seek "set"
  return text
end

-- A signal ends the tail only with a filter that does not end: any other step has merely met it. Returns
-- the signal, which whoever reads the line gets, too.
local function step_tail(index, texts)
  local tail, start = tails[index], host.now()
  local done, goes_on, reason, signal = host.aside(tail.following.step, tail.following)
  texts[#texts + 1] = take(tail.file)
  if done and goes_on then return nil end
  if signal and (goes_on == nil or host.now() - start < ENDLESS) then return signal end
  if not done then reason = goes_on end
  if reason then texts[#texts + 1] = ("docmsg-lua: .tail %s has ended: %s\n"):format(tail.topic, tostring(reason)) end
  end_tail(index)
  return signal
end

-- == Deliveries ==

---Tells what becomes of a record when it is known. Of what is too much only the number is told.
---@param delivery docmsg.Delivery
function M.follow(delivery)
  if delivery.status ~= "pending" then return end
  if #deliveries < FOLLOWED then deliveries[#deliveries + 1] = delivery else too_many = too_many + 1 end
end

-- Of a producer that is closed there is nothing to tell.
local function report_of(delivery)
  local ok, report, err = pcall(delivery.wait, delivery, 0)
  if not ok then return "" end
  if report then return ("delivered to %s/%d at %d\n"):format(report.topic, report.partition, report.offset) end
  if err.name == "_TIMED_OUT" and delivery.status == "pending" then return nil end
  return ("not delivered: %s\n"):format(tostring(err))
end

local function step_deliveries(texts)
  if too_many > 0 then
    texts[#texts + 1] = ("docmsg-lua: %d deliveries are not followed: %d are already\n"):format(too_many, FOLLOWED)
    too_many = 0
  end
  local pending = {}
  for _, delivery in ipairs(deliveries) do
    local text = report_of(delivery)
    if text then texts[#texts + 1] = text else pending[#pending + 1] = delivery end
  end
  deliveries = pending
end

---Does what there is to do.
---@return string? text what came of it
function M.step()
  if #tails == 0 and #deliveries == 0 then return nil end
  local texts = {}
  for i = #tails, 1, -1 do
    if step_tail(i, texts) then break end
  end
  step_deliveries(texts)
  return #texts > 0 and table.concat(texts) or nil
end

return M
