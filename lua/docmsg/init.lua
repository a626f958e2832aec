-- SPDX-License-Identifier: MIT
-- The toolkit's front: `require "docmsg"` costs nothing, each part is loaded when it is first used.

---@class docmsg
---@field kafka docmsg.kafka Kafka's clients
---@field topics table topics as code: connect, ensure, verify
---@field config table what to connect to
local M = {}

local PARTS <const> = { kafka = "docmsg.kafka", topics = "docmsg.topics", config = "docmsg.config" }

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
  __index = function(docmsg, name)
    local part = PARTS[name] and require(PARTS[name])
    docmsg[name] = part
    return part
  end,
})
