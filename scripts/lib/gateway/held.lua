-- SPDX-License-Identifier: MIT
-- Stored files of which nobody knows whether they were announced: the gateway was killed in between, or
-- Kafka has said nothing. Their clients were not told that all is well. Those whose event is read stay; when
-- all events have been read for a while and it was not among them, there is none, and the file is removed.
local http = require "docmsg.http"

local M = {}

---For so long an event may still come: longer than librdkafka waits for an answer, so that a broker that
---stands still is known to be away by then.
M.PATIENCE_MS = 120000

---@class gateway.Held
---@field private folder string
---@field private log docmsg.Log
---@field private files table<string, {name: string, since_ms: integer}> by the id of their document
---@field count integer of such files
---@field removed integer files
local Held = { __name = "gateway.Held" }
Held.__index = Held

---Finds those of earlier runs.
---@param folder string
---@param log docmsg.Log
---@param now_ms integer
---@return gateway.Held
function M.new(folder, log, now_ms)
  local self = setmetatable({ folder = folder, log = log, files = {}, count = 0, removed = 0 }, Held)
  for _, name in ipairs(http.held(folder) or {}) do self:add(name, now_ms) end
  if self.count > 0 then
    log:warn("%d stored files may not have been announced; their events are looked for", self.count)
  end
  return self
end

local function forget(self, id)
  self.files[id], self.count = nil, self.count - 1
end

---There is one more.
---@param name string in the folder
---@param now_ms integer
function Held:add(name, now_ms)
  local id = name:match "^[^.]+"
  if id and not self.files[id] then
    self.files[id], self.count = { name = name, since_ms = now_ms }, self.count + 1
  end
end

---Does nobody know whether this document was announced?
---@param id string
---@return boolean
function Held:has(id)
  return self.files[id] ~= nil
end

---The event of a document was read.
---@param id? string
function Held:seen(id)
  local file = self.count > 0 and self.files[id]
  if not file then return end
  local ok, reason = http.settle(self.folder .. "/" .. file.name)
  if not ok then self.log:warn("%s was announced, but: %s", file.name, reason) end
  forget(self, id)
end

---Removes what was not announced.
---@param now_ms integer
---@param since_ms? integer since when all events that there are have been read; nil: they have not
function Held:sweep(now_ms, since_ms)
  if self.count == 0 or not since_ms then return end
  for id, file in pairs(self.files) do
    if now_ms - math.max(file.since_ms, since_ms) >= M.PATIENCE_MS then
      forget(self, id)
      self.removed = self.removed + 1
      local ok, reason = os.remove(self.folder .. "/" .. file.name)
      self.log:warn("%s was never announced, and nobody was told that it is stored: %s", file.name,
        ok and "removed" or reason)
    end
  end
end

return M
