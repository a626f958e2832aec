-- SPDX-License-Identifier: MIT
-- Stored files of which nobody knows whether they were announced: the gateway was killed in between, or
-- Kafka has said nothing. Each stays, since no reading can prove that its event will never come; a person is
-- told of those whose event was not found.
local http = require "docmsg.http"

local M = {}

---For so long nothing is said: the event may still come.
M.PATIENCE_MS = 120000

---@class gateway.Held
---@field private folder string
---@field private log docmsg.Log
---@field private files table<string, {name: string, since_ms: integer, told?: boolean}> by the id of their document
---@field count integer of such files
local Held = { __name = "gateway.Held" }
Held.__index = Held

---Finds those of earlier runs.
---@param folder string
---@param log docmsg.Log
---@param now_ms integer
---@return gateway.Held
function M.new(folder, log, now_ms)
  local self = setmetatable({ folder = folder, log = log, files = {}, count = 0 }, Held)
  local names, reason = http.held(folder)
  if not names then log:warn("stored files that may not have been announced cannot be looked for: %s", reason) end
  for _, name in ipairs(names or {}) do self:add(name, now_ms) end
  if self.count > 0 then
    log:warn("%d stored files may not have been announced; their events are looked for", self.count)
  end
  return self
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
  self.files[id], self.count = nil, self.count - 1
end

---Says which files' events were not found, once for each.
---@param now_ms integer
---@param since_ms? integer since when the events that there are have been read; nil: they have not
function Held:report(now_ms, since_ms)
  if self.count == 0 or not since_ms then return end
  for _, file in pairs(self.files) do
    if not file.told and now_ms - math.max(file.since_ms, since_ms) >= M.PATIENCE_MS then
      file.told = true
      self.log:warn("no event announces %s/%s: look whether its document was sent again; the file stays until "
        .. "it is removed by hand", self.folder, file.name)
    end
  end
end

return M
