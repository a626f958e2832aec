-- SPDX-License-Identifier: MIT
-- The events that a batch handler gets at once. They are kept one by one, run together, and settled one
-- by one: what is decided of an event, and what is emitted for it, goes with its own record.
local event = require "docmsg.event"

local M = {}

---@class docmsg.Batch
---@field private frames docmsg.Frame[] of the events that are kept
---@field route? docmsg.CompiledRoute theirs; events of another one wait until they have run
---@field failure any what the handler raised
local Batch = { __name = "docmsg.Batch" }
Batch.__index = Batch

---@return docmsg.Batch
function M.new()
  return setmetatable({ frames = {} }, Batch)
end

---Keeps the event of the frame, which is free for the next record then.
---@param frame docmsg.Frame
---@param kept docmsg.Frame an empty one
function Batch:keep(frame, kept)
  local route = frame.route
  if not route.lazy then event.load(frame) end
  for _, name in ipairs { "spec", "attributes", "data", "loaded", "redriven", "route", "event", "ctx" } do
    kept[name] = frame[name]
  end
  kept.work, kept.emits = frame.work:keep(), {}
  rawset(kept.event, 1, kept)
  rawset(kept.ctx, 1, kept)
  frame.event, frame.ctx = nil, nil
  self.route = route
  table.insert(self.frames, kept)
end

---Runs the handler for all events that are kept.
---@param work docmsg.Work
---@param describe fun(err: any): any what is kept of an error
function Batch:run(work, describe)
  local route, events, contexts = self.route, {}, {}
  for i, frame in ipairs(self.frames) do events[i], contexts[i] = frame.event, frame.ctx end
  if route.own_limits then work:limit(route.timeout_ms, route.instructions) end
  local ok, failure = xpcall(route.handler, describe, events, contexts)
  if not ok then self.failure = failure end
end

---@param i integer
---@return docmsg.Frame frame of the i-th event
function Batch:frame(i)
  return self.frames[i]
end

---Forgets the events.
function Batch:forget()
  for _, frame in ipairs(self.frames) do
    if frame.event then
      rawset(frame.event, 1, nil)
      rawset(frame.ctx, 1, nil)
    end
  end
  self.frames, self.route, self.failure = {}, nil, nil
end

return M
