-- SPDX-License-Identifier: MIT
-- The toolkit's front: `require "docmsg"` costs nothing, each part is loaded when it is first used.

---@class docmsg
---@field kafka docmsg.kafka Kafka's clients
---@field topics table topics as code: connect, ensure, verify
---@field config table what to connect to
---@field schema docmsg.schema what the data of events looks like
---@field events table event types with their topics, keys and schemas
---@field EventType table<string, string> of all events that were loaded: DOCUMENT_RECEIVED = "document-received"
---@field app fun(options: docmsg.AppOptions): docmsg.App declares an application
---@field bus fun(options: docmsg.BusOptions): docmsg.Bus publishes events, and handles them without an application
---@field message_key fun(id: string, user_id?: string): string the key of what belongs together
---@field timing fun(options?: {slow?: string}): docmsg.Middleware logs how long handlers take
---@field dedup fun(options?: {window?: integer}): docmsg.Middleware skips events that were handled before
local M = {}

-- Modules, and what in them is the part.
---@type table<string, {[1]: string, [2]?: string}>
local PARTS <const> = {
  kafka = { "docmsg.kafka" },
  topics = { "docmsg.topics" },
  config = { "docmsg.config" },
  schema = { "docmsg.schema" },
  events = { "docmsg.events" },
  EventType = { "docmsg.events", "EventType" },
  app = { "docmsg.app", "new" },
  bus = { "docmsg.bus", "new" },
  message_key = { "docmsg.bus", "message_key" },
  timing = { "docmsg.timing", "new" },
  dedup = { "docmsg.dedup", "new" },
}

---The versions at work.
---@return {module: string, lua: string, librdkafka: string}
function M.version()
  return require("docmsg.kafka").version()
end

---An environment variable; under docmsg-lua also one that .env sets.
---@param name string
---@return string?
function M.getenv(name)
  local host = package.loaded["docmsg.host"]
  return (host and host.getenv or os.getenv)(name)
end

return setmetatable(M, {
  __name = "docmsg",
  __names = PARTS, -- for TAB
  __index = function(docmsg, name)
    local place = PARTS[name]
    if not place then return nil end
    local part = require(place[1])
    if place[2] then part = part[place[2]] end
    docmsg[name] = part
    return part
  end,
})
