-- SPDX-License-Identifier: MIT
-- The rule that a spec leaves nothing behind: no client, message, delivery, broker, thread of
-- librdkafka or process that was not there before it.
local await = require "support.await"
local process = require "support.process"

local M = {}

-- What kafka.live() counts, with the words for one and for more.
local KINDS = {
  { "clients", "open client", "open clients" },
  { "messages", "message with a payload", "messages with a payload" },
  { "deliveries", "delivery handle", "delivery handles" },
  { "brokers", "embedded broker", "embedded brokers" },
  { "threads", "librdkafka thread", "librdkafka threads" },
}

-- Closing a client ends its threads a little later.
local PATIENCE = "10s"

---@alias support.Counts table<string, integer>

---What is alive now; nothing while docmsg.kafka is not loaded.
---@return support.Counts
function M.count()
  local kafka = package.loaded["docmsg.kafka"]
  return kafka and kafka.live() or {}
end

---@param before support.Counts
---@return string? excess what there is more than before, in words
local function excess(before)
  collectgarbage()
  collectgarbage()
  local now, words = M.count(), {}
  for _, kind in ipairs(KINDS) do
    local name, one, many = table.unpack(kind)
    local more = (now[name] or 0) - (before[name] or 0)
    if more > 0 then
      words[#words + 1] = ("%d %s"):format(more, more == 1 and one or many)
    end
  end
  return words[1] and table.concat(words, ", ")
end

---Raises when more is alive than before.
---@param before support.Counts
function M.check(before)
  local words = process.end_all()
  if words then
    error("the spec left behind: " .. words, 0)
  end
  local last
  local settled = pcall(await, function()
    last = excess(before)
    return not last
  end, PATIENCE)
  if not settled then
    error(("the spec left behind: %s (%s after its end)"):format(last, PATIENCE), 0)
  end
end

return M
