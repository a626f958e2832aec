-- SPDX-License-Identifier: MIT
-- A middleware that skips events which were handled before: those with the same source and id in
-- another record, among the last ones of this handler in this worker. Events of one key always meet
-- the same worker. What passes: an event without an id, a record that comes again itself (its emits
-- may have been lost), and a dead letter of this group that comes again.
--
--   documents:use(docmsg.dedup { window = 20000 })
local settings = require "docmsg.settings"

local M = {}

local OPTIONS <const> = { window = { kind = "integer", min = 1, max = 10000000, default = 20000 } }

---A map that forgets: it knows at least the last `window` names, and at most twice as many.
---@param window integer
---@return fun(name: string): string? get
---@return fun(name: string, value: string) set
local function recent(window)
  local older, newer, count = {}, {}, 0
  return function(name)
    return newer[name] or older[name]
  end, function(name, value)
    if count == window then older, newer, count = newer, {}, 0 end
    newer[name], count = value, count + 1
  end
end

---@param options? {window?: integer} how many events are remembered, at some 250 bytes each; default 20,000
---@return docmsg.Middleware
function M.new(options)
  local window = settings.read(OPTIONS, options, "docmsg.dedup").window
  return function(next)
    local place_of, remember = recent(window)
    return function(event, ctx)
      local id = event.id
      if not id then return next(event, ctx) end
      local name = (event.source or "") .. "\0" .. id
      local place = ("%s/%d/%d"):format(event.topic, event.partition, event.offset)
      local known = place_of(name)
      if known and known ~= place and not ctx.redriven then
        return ctx:skip(("the event %s was handled before, from %s"):format(id, known))
      end
      next(event, ctx)
      if not known and not ctx:outcome() then remember(name, place) end
    end
  end
end

return M
