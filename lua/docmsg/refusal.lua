-- SPDX-License-Identifier: MIT
-- Why an event is not sent: its data do not fit. It has the fields of a broker's error, so that
-- callers need not tell them apart.
local M = {}

---@class docmsg.Refusal
---@field name "SCHEMA"
---@field message string the event's type, the field and what was expected
---@field retriable false
---@field fatal false
---@field abortable false
local Refusal = { __name = "docmsg.Refusal" }
Refusal.__index = Refusal

function Refusal:__tostring()
  return ("%s (%s)"):format(self.message, self.name)
end

---@param event_type string
---@param reason string
---@return docmsg.Refusal
function M.new(event_type, reason)
  return setmetatable({
    name = "SCHEMA", message = event_type .. ": " .. reason, retriable = false, fatal = false,
    abortable = false,
  }, Refusal)
end

return M
