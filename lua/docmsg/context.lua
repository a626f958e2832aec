-- SPDX-License-Identifier: MIT
-- What a handler can do beside looking at its event: emit events, decide what becomes of the
-- record, log, reach the application's services.
local event = require "docmsg.event"
local outcome = require "docmsg.outcome"
local runtime = require "docmsg.runtime"
local settings = require "docmsg.settings"
local value = require "docmsg.schema.value"

local M = {}

---@class docmsg.Context
---@field attempt integer 1 for the first
---@field attempts integer after how many the record becomes a dead letter
---@field svc table<string, any> the application's services
---@field log docmsg.Log whose lines name the record
---@field group string
---@field redriven boolean a dead letter of this group comes again
local Context = {}

---The metatable of contexts: see csrc/runtime/live.h.
M.Live = { __name = "docmsg.Context" }

local Live <const> = M.Live

-- == Outcomes ==

-- The first one counts.
local function decide(ctx, number, reason, message)
  local frame = ctx[1]
  if frame.outcome == nil then frame.outcome, frame.reason, frame.message = number, reason, message end
  frame.touched = true
  return frame
end

-- What was said, for people.
local function said(reason, default)
  if reason == nil then return default end
  return type(reason) == "string" and reason or value.show(reason)
end

---Has the record handled again, after a delay. What was emitted is dropped.
---@param reason? string
---@param after? docmsg.Duration "5s"; default: as the retry policy says
function Context:retry(reason, after)
  local after_ms = after ~= nil and require("docmsg.kafka").duration(after) or nil
  if after_ms and after_ms < 0 then error("ctx:retry: a record cannot wait forever; reject it", 2) end
  local decided = self[1].outcome ~= nil
  local frame = decide(self, outcome.RETRY, "retry", said(reason, "the handler asked for a retry"))
  if not decided then frame.after_ms = after_ms end
end

---Sets the record aside as a dead letter, without another attempt. What was emitted is dropped.
---@param reason? string
function Context:reject(reason)
  decide(self, outcome.DEAD, "rejected", said(reason, "the handler rejected it"))
end

---Passes over the record: it counts as skipped, not as handled. What was emitted is dropped.
---@param reason? string
function Context:skip(reason)
  decide(self, outcome.SKIP, "skipped", said(reason, "the handler skipped it"))
end

local NAMES <const> = { [outcome.RETRY] = "retry", [outcome.DEAD] = "dead", [outcome.SKIP] = "skip" }

---What has been decided so far: for middlewares.
---@return "retry"|"dead"|"skip"|nil name nil while nothing has been
---@return string? message why
function Context:outcome()
  local frame = self[1]
  return NAMES[frame.outcome], frame.message
end

-- == Time ==

---How long this run has taken.
---@return integer milliseconds
function Context:elapsed()
  return self[1].work:time()
end

---How long this run may still take.
---@return integer? milliseconds nil without a limit
function Context:deadline()
  local frame = self[1]
  local timeout = frame.route.timeout_ms
  return timeout and math.max(0, timeout - frame.work:time())
end

-- == Emitting ==

local RESERVED <const> = { "ce_", "docmsg-", "__dlq" }

---What `ctx:emit` takes.
---@class docmsg.EmitOptions
---@field key? string default: as the event's declaration says
---@field id? string default: made of the cause, the group and the number of the emit: the same in each run
---@field headers? docmsg.Header[] beside those of the envelope
---@field partition? integer default: chosen by the key
---@field timestamp? integer ms since 1970; default: now

---@type table<string, docmsg.Setting>
local OPTIONS <const> = {
  key = { kind = "any" },
  id = { kind = "string" },
  headers = { kind = "table" },
  partition = { kind = "integer", min = 0, max = 0x7FFFFFFF },
  timestamp = { kind = "integer", min = 0 },
}

local function check_header(header)
  local name, content = table.unpack(type(header) == "table" and header or {}, 1, 2)
  if type(name) ~= "string" or name == "" or name:find("\0", 1, true)
      or content ~= nil and type(content) ~= "string" then
    error("ctx:emit: headers are a list of { name, value }, both strings", 5)
  end
  for _, prefix in ipairs(RESERVED) do
    if name:sub(1, #prefix) == prefix or name == "content-type" then
      error(("ctx:emit: the header %s belongs to the envelope"):format(value.show(name)), 5)
    end
  end
end

-- The options for the runtime, if any are left beside the key. The emitter's mistakes raise, where ctx:emit
-- is called, which is a function of C before it is this one.
local function read_options(given)
  local options = settings.read(OPTIONS, given, "ctx:emit", 4)
  if options.key ~= nil and type(options.key) ~= "string" then
    error(("ctx:emit: key must be a string, not %s"):format(value.show(options.key)), 4)
  end
  if options.id and #options.id > event.MAX_ATTRIBUTE then
    error(("ctx:emit: id has %d bytes, more than %d"):format(#options.id, event.MAX_ATTRIBUTE), 4)
  end
  for _, header in ipairs(options.headers or {}) do check_header(header) end
  local key = options.key
  options.key = nil
  return next(options) and options, key
end

local function refuse_type(frame, event_type)
  local route = frame.route
  local names = {}
  for known in pairs(route.targets) do names[#names + 1] = known end
  table.sort(names)
  frame.fail("schema", ("emit: %s is no event that the handler of %s may emit%s"):format(
    value.show(event_type), value.show(route.type), settings.nearest(event_type, names)))
end

local REFUSALS <const> = {
  too_large = "it is larger than message.max.bytes",
  too_many = "a record has no room for more events",
  hops = "its chain has gone through 32 handlers; does it go round in circles?",
}

-- What the runtime does not take.
local function refuse_size(frame, event_type, refused)
  frame.fail(refused == "hops" and "hops" or "too_large",
    ("emit %s: %s"):format(event_type, REFUSALS[refused] or refused))
end

-- What the schema, or the key, does not take.
local function refuse_data(frame, event_type, reason)
  frame.fail("schema", ("emit %s: %s"):format(event_type, reason))
end

---Sends what a batch handler emitted for one of its events.
---@param frame docmsg.Frame
function M.send_kept(frame)
  for _, kept in ipairs(frame.emits) do
    local ok, refused = frame.work:emit(table.unpack(kept, 1, 5))
    if not ok then refuse_size(frame, kept[4], refused) end
  end
end

---Emits an event, which is produced when the handler has returned and the record is acknowledged.
---What cannot succeed, because of its type, its data or its size, makes the record a dead letter and
---raises: nothing of it is sent.
---@param event_type string
---@param data any
---@param options? docmsg.EmitOptions
function Context:emit(event_type, data, options)
  local frame = self[1]
  local target = frame.route.targets[event_type]
  if not target then refuse_type(frame, event_type) end
  local key
  if options ~= nil then options, key = read_options(options) end
  local text, reason = target.encode(data)
  if not text then refuse_data(frame, event_type, reason) end
  if key == nil and target.key then
    key, reason = target.key(data)
    if reason then refuse_data(frame, event_type, reason) end
  end
  local emits = frame.emits
  if emits then
    emits[#emits + 1] = { target.topic, key, text, event_type, options }
    return
  end
  local ok, refused = frame.send(frame.work, target.topic, key, text, event_type, options)
  if not ok then refuse_size(frame, event_type, refused) end
end

Context.emit = runtime.context_emit(Context.emit, refuse_data, refuse_size)

-- == Fields ==

---The log whose lines name the record of a frame.
---@param frame docmsg.Frame
---@return docmsg.Log
function M.log(frame)
  if not frame.record_log then
    local work = frame.work
    frame.touched = true
    frame.record_log = frame.log:about(("%s/%d/%d"):format(work.topic, work.partition, work.offset),
      { topic = work.topic, partition = work.partition, offset = work.offset, group = frame.group })
  end
  return frame.record_log
end

local fields = {
  log = M.log,
  attempt = function(frame) return frame.work.attempt end,
  attempts = function(frame) return frame.route.retry.attempts end,
  svc = function(frame) return frame.services end,
  group = function(frame) return frame.group end,
  redriven = function(frame) return frame.redriven end,
}

local function unknown(name)
  local names = {}
  for known in pairs(fields) do names[#names + 1] = known end
  for known in pairs(Context) do names[#names + 1] = known end
  table.sort(names)
  error(("ctx has no field %s%s"):format(value.show(name), settings.nearest(name, names)), 4)
end

Live.__index = runtime.live_index(Context, function(ctx, name)
  return (fields[name] or unknown(name))(ctx[1])
end)

return M
