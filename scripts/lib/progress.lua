-- SPDX-License-Identifier: MIT
-- Keeps the status of documents: which events each has passed, and what went wrong. A middleware for
-- consumers that are `lazy`, so that data which do not fit their schema are seen here, too.
--
--   app:use(require "lib.progress")

-- The document that an event is about; its key says so when its data cannot be read.
local function document_of(event, data)
  if data then return data.document_id end
  local key = event.key
  if not key or key == "" then return nil end
  return key:match "^task_(.*)_%d+$" or key
end

-- What is to be said of a handler's run: the status, and the reason.
local function judge(ctx, err)
  local outcome, reason = ctx:outcome()
  if outcome == "dead" then return "failed", reason end
  if outcome == "skip" then return nil, nil end
  if outcome == nil and err == nil then return "passed", nil end
  return ctx.attempt >= ctx.attempts and "failed" or "retrying", reason or tostring(err)
end

local function note(event, ctx, data, err)
  local status, reason = judge(ctx, err)
  local id = status and document_of(event, data)
  if not id then return end
  if status == "passed" then
    ctx.svc.store:pass(id, event.type, ctx.group)
  else
    ctx.svc.store:fail(id, status, event.type, ctx.group, reason)
  end
end

---@type docmsg.Middleware
return function(next, about)
  if about.type:find "^query%-" or about.type:find "%-query%-" then return next end
  return function(event, ctx)
    local data
    local _ <close> = setmetatable({}, { __close = function(_, err) note(event, ctx, data, err) end })
    data = event.data
    next(event, ctx)
  end
end
