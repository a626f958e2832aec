-- SPDX-License-Identifier: MIT
-- Events as CloudEvents 1.0 in Kafka's binary mode: the data is the value, what is said about it
-- are headers, so that nobody has to decode JSON to route an event.
local uuid = require "docmsg.uuid"

local M = {}

---@class docmsg.Attributes
---@field type string
---@field source string who sent it
---@field id? string default: a new UUIDv7

---The headers of an event whose value is JSON.
---@param attributes docmsg.Attributes
---@return docmsg.Header[] headers
function M.headers(attributes)
  return {
    { "ce_specversion", "1.0" },
    { "ce_id", attributes.id or uuid.v7() },
    { "ce_source", attributes.source },
    { "ce_type", attributes.type },
    { "content-type", "application/json" },
  }
end

---The type of an event. A record without a type has that of its topic.
---@param message docmsg.Message
---@return string type
function M.type(message)
  return message:header("ce_type") or message.topic
end

return M
