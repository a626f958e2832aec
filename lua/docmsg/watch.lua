-- SPDX-License-Identifier: MIT
-- Tells when files have changed and are quiet again, so that nobody reads one that is half written.
-- Files are named, not opened: an editor may write another one and rename it.
--
--   local watch = Watch.new(host.fingerprint)
--   watch:follow { "app.lua", "events.lua" }
--   if watch:changed(now_ms) then … end
local M = {}

---How often the files are looked at, and how long they must have been as they are.
M.INTERVAL_MS = 200

---@class docmsg.Watch
---@field private fingerprint fun(path: string): string?
---@field private known table<string, string> as they were when somebody was told last
---@field private seen table<string, string> as they were at the last look
---@field private looked_ms integer
local Watch = { __name = "docmsg.Watch" }
Watch.__index = Watch

local MISSING <const> = "missing"

---@param fingerprint fun(path: string): string? what changes with a file
---@return docmsg.Watch
function M.new(fingerprint)
  return setmetatable({ fingerprint = fingerprint, known = {}, seen = {}, looked_ms = math.mininteger }, Watch)
end

---Watches these files too, as they are now.
---@param files string[]
function Watch:follow(files)
  for _, path in ipairs(files) do
    if not self.known[path] then
      self.known[path] = self.fingerprint(path) or MISSING
      self.seen[path] = self.known[path]
    end
  end
end

-- Looks at all files: are they as they were at the last look, and which is not as it was known?
local function look(self)
  local quiet, changed = true, nil
  for path, known in pairs(self.known) do
    local now = self.fingerprint(path) or MISSING
    quiet = quiet and now == self.seen[path]
    self.seen[path] = now
    if now ~= known then changed = path end
  end
  return quiet and changed
end

---Has a file changed since the last time this was true? Looks at most every 200 ms.
---@param now_ms integer of a clock that goes on
---@return string? path of one that has
function Watch:changed(now_ms)
  if now_ms - M.INTERVAL_MS < self.looked_ms then return nil end
  self.looked_ms = now_ms
  local changed = look(self)
  if not changed then return nil end
  for path, seen in pairs(self.seen) do self.known[path] = seen end
  return changed
end

return M
