-- SPDX-License-Identifier: MIT
-- Compiles one consumer of an application to the function that the runtime calls for each record:
--
--   local dispatch = require "docmsg.dispatch"
--   local run = dispatch.compile(app, consumer, { log = log })
--   local outcome, reason, message, after_ms, stack, attempts, event_type = run(work)
--
--   outcome    dispatch.ACK, RETRY, DEAD or SKIP
--   reason     of DEAD: "rejected", "undecodable", "schema", "unrouted", "too_large" or "hops";
--              of RETRY: "error", "timeout", "memory" or "retry"; of SKIP: "skipped", "ignored" or "redriven"
--   message    what happened, UTF-8, at most 1 KiB
--   after_ms   of RETRY: how long to wait
--   stack      of an error: its traceback, at most 2 KiB
--   attempts   of RETRY: how often this record may be handled in all
--   event_type when it is one that the consumer handles
--
-- A record for a batch handler is kept: the outcome is dispatch.HOLD, with how long its batch may wait,
-- in milliseconds, and how many records it takes; or dispatch.BATCH_FIRST, when another batch has to
-- run before. The runtime then calls `run(work, "batch")`, `run(work, "settle", i)` for each record
-- that was kept, and `run(work, "forget")`.
--
-- What a handler emitted is dropped unless the outcome is ACK. An error that the runtime raises by
-- its limits goes through, out of `run`. The runtime then calls `run(work, reason, message, stack)`,
-- with the reason "timeout" or "memory", for what becomes of that record; of a record that was kept
-- `run(work, "settle", i, reason, message, stack)`.
local batch = require "docmsg.batch"
local context = require "docmsg.context"
local event = require "docmsg.event"
local failure = require "docmsg.failure"
local outcome = require "docmsg.outcome"
local retry = require "docmsg.retry"
local router = require "docmsg.router"
local runtime = require "docmsg.runtime"
local services = require "docmsg.services"

local M = { ACK = outcome.ACK, RETRY = outcome.RETRY, DEAD = outcome.DEAD, SKIP = outcome.SKIP,
            HOLD = outcome.HOLD, BATCH_FIRST = outcome.BATCH_FIRST }

local ACK <const>, RETRY <const>, DEAD <const>, SKIP <const> = M.ACK, M.RETRY, M.DEAD, M.SKIP
local HOLD <const>, BATCH_FIRST <const> = M.HOLD, M.BATCH_FIRST

-- Raised when the outcome has been recorded already.
local DECIDED <const> = setmetatable({}, { __name = "docmsg.decided", __tostring = function()
  return "the outcome of this record is decided"
end })

---What `compile` takes beside the consumer.
---@class docmsg.DispatchOptions
---@field log? docmsg.Log default: a new one
---@field random? fun(): number from 0 to 1; default: math.random

-- == Compiling ==

-- The events a handler may emit.
local function targets_of(app, route)
  local targets = {}
  local types = route.options.emits or app.events and app.events.types
  if not types then
    -- Without an events table every name of a topic is a type.
    return setmetatable({}, { __index = function(_, name) return app:event(name) end })
  end
  for _, event_type in ipairs(types) do targets[event_type] = app:event(event_type) end
  return targets
end

-- The same for ctx:emit, see csrc/runtime/emit_lua.h.
local function straight_targets(targets)
  local found = {}
  for event_type, spec in next, targets do
    found[event_type] = { spec.topic, spec.encode, spec.key_field or false, spec.key or false }
  end
  return found
end

local function wrap(app, consumer, route)
  local handler = route.handler
  if route.options.batch and #consumer.middlewares + #app.middlewares > 0 then
    error(("consumer %q, on %q: a middleware wraps a handler of one event, not of a batch: declare it in "
      .. "an application without middlewares"):format(consumer.group, route.type), 0)
  end
  local about = { group = consumer.group, type = route.type }
  for _, list in ipairs { consumer.middlewares, app.middlewares } do
    for i = #list, 1, -1 do
      handler = list[i](handler, about)
      if type(handler) ~= "function" then
        error(("consumer %q: a middleware must return a function, not a %s"):format(consumer.group,
          type(handler)), 0)
      end
    end
  end
  return handler
end

local function first(a, b)
  if a ~= nil then return a end
  return b
end

-- A limit of 0 is none.
local function positive(limit)
  return limit and limit > 0 and limit or nil
end

local function compile_route(app, consumer, route)
  local own, common = route.options, consumer.settings
  local targets = targets_of(app, route)
  return {
    type = route.type,
    spec = app:event(route.type),
    handler = wrap(app, consumer, route),
    where = route.where,
    lazy = first(own.lazy, common.lazy),
    batch = own.batch,
    targets = targets,
    straight = straight_targets(targets),
    retry = retry.override(own.retry, common.retry),
    timeout_ms = positive(own.timeout_ms or common.timeout_ms),
    instructions = own.instructions or common.instructions,
    own_limits = own.timeout_ms ~= nil or own.instructions ~= nil,
  }
end

local function compile_routes(app, consumer)
  local compiled = {}
  for i, route in ipairs(consumer.routes) do compiled[i] = compile_route(app, consumer, route) end
  return compiled
end

-- The routes on which a record needs nothing but its handler, see csrc/runtime/express.h. Where one of
-- the routes keeps batches, any record may have to wait for them.
local function express(app, compiled, by_type)
  local found, by_topic = {}, {}
  for _, route in ipairs(compiled) do
    if route.batch then return found, by_topic end
  end
  for event_type, route in pairs(by_type) do
    if not (route.where or route.lazy or route.own_limits) then
      local topic = route.spec.topic
      found[event_type] = { route.handler, route.spec.read, route, event_type }
      if app:type_of(topic) == event_type then by_topic[topic] = found[event_type] end
    end
  end
  return found, by_topic
end

-- == Running ==

-- An error with its traceback.
local Described = { __name = "docmsg.described", __tostring = function(err) return err.message end }

-- The message handler of the protected call.
local function describe(err)
  if rawequal(err, DECIDED) then return DECIDED end
  local message = failure.text(err)
  return setmetatable({ message = message, stack = debug.traceback(message, 2) }, Described)
end

local function new_frame(about)
  local frame = { services = about.services, group = about.group, log = about.log }
  -- Records that the record can never succeed, and leaves the handler.
  function frame.fail(reason, message)
    if frame.outcome == nil then frame.outcome, frame.reason, frame.message = DEAD, reason, message end
    frame.touched = true
    error(DECIDED, 0)
  end
  return frame
end

-- Ends what the last record's handler had; it may have been cut off.
local function clear(frame)
  if frame.event then
    rawset(frame.event, 1, nil)
    rawset(frame.ctx, 1, nil)
  end
  frame[1], frame[2] = nil, nil
  frame.event, frame.ctx, frame.work, frame.route, frame.spec = nil, nil, nil, nil, nil
  frame.attributes, frame.loaded, frame.data, frame.redriven, frame.record_log = nil, false, nil, false, nil
  frame.outcome, frame.reason, frame.message, frame.after_ms, frame.touched = nil, nil, nil, nil, nil
end

local function unrouted(routes, event_type)
  local message = routes:explain(event_type)
  if routes:ignores(event_type) then return SKIP, "ignored", message end
  return DEAD, "unrouted", message
end

-- The type of the events on a topic that carries only one; asked for each record that does not say.
local function type_finder(app)
  local known = {}
  return function(topic)
    local event_type = known[topic]
    if event_type == nil then
      event_type = app:type_of(topic) or false
      known[topic] = event_type
    end
    return event_type
  end
end

---@param app docmsg.App
---@param routes docmsg.Router
---@param frame docmsg.Frame
---@param kept docmsg.Batch
---@return fun(work: docmsg.Work): integer, string|integer|nil, string|integer|nil process one record; may raise
local function processor(app, routes, frame, kept)
  local type_of, by_type = type_finder(app), routes.by_type
  return function(work)
    local event_type, reason, message = event.read(work, frame, type_of)
    if not event_type then return reason == "redriven" and SKIP or DEAD, reason, message end
    local route = by_type[event_type]
    if not route then return unrouted(routes, event_type) end
    frame.spec = route.spec
    local current, ctx = setmetatable({ frame }, event.Live), setmetatable({ frame }, context.Live)
    frame.event, frame.ctx = current, ctx
    while route and route.where and not route.where(current) do route = route.next end
    if not route then return unrouted(routes, event_type) end
    frame.route = route
    if kept.route and kept.route ~= route then return BATCH_FIRST end
    if route.batch then
      kept:keep(frame, new_frame(frame))
      return HOLD, route.batch.wait_ms, route.batch.max
    end
    if route.own_limits then work:limit(route.timeout_ms, route.instructions) end
    if not route.lazy then event.load(frame) end
    route.handler(current, ctx)
    return ACK
  end
end

local OUT_OF_MEMORY <const> = "not enough memory"

-- What an error of the handler comes to, when it had decided nothing.
local function failed(err)
  if getmetatable(err) == Described then
    return RETRY, err.message == OUT_OF_MEMORY and "memory" or "error", err.message, err.stack
  end
  -- The message handler could not run: memory or the C stack is at its end.
  local message = failure.text(err)
  return RETRY, message == OUT_OF_MEMORY and "memory" or "error", message
end

-- Says in the log what did not go well.
local function tell(frame, result, reason, message, stack, attempts)
  local log, what = context.log(frame), frame.spec and frame.spec.type or "record"
  if result == RETRY then
    log:warn("%s: attempt %d of %d failed: %s", what, frame.work.attempt, attempts, message)
  elseif result == DEAD then
    log:warn("%s: set aside, %s: %s", what, reason, message)
  else
    log:debug("%s: %s: %s", what, reason, message)
  end
  if stack then log:debug("%s", stack) end
end

local function finish(frame, policy, random, result, reason, message, stack)
  local work, after_ms, attempts = frame.work, nil, nil
  if frame.outcome ~= nil then result, reason, message = frame.outcome, frame.reason, frame.message end
  if result == RETRY then
    policy = frame.route and frame.route.retry or policy
    after_ms, attempts = frame.after_ms or retry.delay(policy, work.attempt, random), policy.attempts
  end
  message, stack = message and failure.bounded(message), stack and failure.stack(stack)
  local event_type = frame.spec and frame.spec.type
  tell(frame, result, reason, message, stack, attempts)
  work:discard()
  clear(frame)
  return result, reason, message, after_ms, stack, attempts, event_type
end

-- What becomes of a record that was kept, now that its batch has run.
local function settle(kept, policy, random, frame, cut, message, stack)
  if frame.outcome == nil and cut then
    return finish(frame, policy, random, RETRY, cut, message, stack)
  elseif frame.outcome == nil and kept.failure == DECIDED then
    return finish(frame, policy, random, RETRY, "error", "another event of its batch has ended the handler")
  elseif frame.outcome == nil and kept.failure ~= nil then
    return finish(frame, policy, random, failed(kept.failure))
  end
  local ok, err = true, nil
  if frame.outcome == nil then ok, err = xpcall(context.send_kept, describe, frame) end
  if not ok then return finish(frame, policy, random, failed(err)) end
  if frame.outcome ~= nil then return finish(frame, policy, random) end
  local event_type = frame.spec.type
  clear(frame)
  return ACK, nil, nil, nil, nil, nil, event_type
end

---Compiles a consumer. Raises when it cannot run; from now on its declarations cannot change.
---@param app docmsg.App
---@param consumer docmsg.ConsumerGroup
---@param options? docmsg.DispatchOptions
---@return fun(work: docmsg.Work, ...): ... run see above
function M.compile(app, consumer, options)
  options = options or {}
  consumer:freeze()
  local policy, random, kept = consumer.settings.retry, options.random or math.random, batch.new()
  local frame = new_frame { services = services.new(app.services), group = consumer.group,
    log = options.log or require("docmsg.log").new() }
  local compiled = compile_routes(app, consumer)
  local routes = router.new(compiled, consumer.ignored)
  local process = processor(app, routes, frame, kept)

  -- What the protected call of a record's handler comes to.
  local function conclude(ok, result, reason, told)
    if not ok then return finish(frame, policy, random, failed(result)) end
    if result == HOLD or result == BATCH_FIRST then
      clear(frame)
      return result, reason, told
    elseif result ~= ACK or frame.outcome ~= nil then
      return finish(frame, policy, random, result, reason, told)
    end
    local event_type = frame.spec.type
    clear(frame)
    return ACK, nil, nil, nil, nil, nil, event_type
  end

  local calls = {
    batch = function(work) kept:run(work, describe) end,
    forget = function() kept:forget() end,
    settle = function(work, i, ...)
      local own = kept:frame(i)
      own.work = work
      return settle(kept, policy, random, own, ...)
    end,
  }

  local function begin(work, route)
    clear(frame)
    frame.work, frame.send = work, work.emit
    if route then
      frame.route, frame.spec = route, route.spec
      frame[1], frame[2] = route.straight, work
    end
  end

  local function slow(work, what, message, ...)
    if calls[what] then return calls[what](work, message, ...) end
    if what then
      frame.work = work
      return finish(frame, policy, random, RETRY, what, message, ...)
    end
    begin(work)
    return conclude(xpcall(process, describe, work))
  end

  local by_type, by_topic = express(app, compiled, routes.by_type)
  return runtime.express {
    slow = slow, prepare = begin, xpcall = xpcall, describe = describe, frame = frame,
    routes = by_type, topics = by_topic, event = event.Live, context = context.Live,
    conclude = function(ok, err) return conclude(ok, ok and ACK or err) end,
  }
end

return M
