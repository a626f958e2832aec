-- SPDX-License-Identifier: MIT
local dispatch = require "docmsg.dispatch"
local docmsg = require "docmsg"
local fake_work = require "support.fake_work"
local log = require "docmsg.log"

local function start(consumer, write)
  return dispatch.compile(consumer.app, consumer, { log = log.new { level = "debug", write = write or function() end } })
end

local function declare()
  local app = docmsg.app { name = "spec" }
  return app, app:consumer("g")
end

local function work(fields)
  fields = fields or {}
  fields.topic, fields.value = "t", fields.value or "1"
  return fake_work.new(fields)
end

describe("middlewares", function()
  it("wrap the handlers, the application's outermost, in their order", function()
    local app, consumer = declare()
    local trail = {}
    local function mark(name)
      return function(next, about)
        return function(event, ctx)
          trail[#trail + 1] = ("%s %s %s"):format(name, about.group, about.type)
          return next(event, ctx)
        end
      end
    end
    consumer:use(mark "c1"):use(mark "c2")
    consumer:on("t", function() trail[#trail + 1] = "handler" end)
    app:use(mark "a1"):use(mark "a2")
    start(consumer)(work())
    assert.same({ "a1 g t", "a2 g t", "c1 g t", "c2 g t", "handler" }, trail)
  end)

  it("must be functions that give functions", function()
    local app, consumer = declare()
    assert.has_error(function() app:use(nil) end, nil)
    assert.has_error(function() consumer:use {} end, nil)
    consumer:use(function() end):on("t", print)
    assert.has_error(function() start(consumer) end,
      'consumer "g": a middleware must return a function, not a nil')
  end)

  it("can decide the outcome without the handler", function()
    local _, consumer = declare()
    consumer:use(function() return function(_, ctx) ctx:skip("not today") end end):on("t", error)
    assert.equal(dispatch.SKIP, (start(consumer)(work())))
  end)
end)

describe("docmsg.timing", function()
  it("logs how long a handler took, and warns when it was slow", function()
    local _, consumer = declare()
    local lines = {}
    consumer:use(docmsg.timing { slow = "500ms" }):on("t", function() end)
    local run = start(consumer, function(line) lines[#lines + 1] = line:match("Z (.*\n)$") end)
    run(work { elapsed = 20 })
    run(work { elapsed = 500 })
    assert.same({ "DEBUG t/3/1207: t took 20 ms\n", "WARN t/3/1207: t took 500 ms\n" }, lines)
  end)

  it("refuses options it does not know", function()
    assert.has_error(function() docmsg.timing { slw = "1s" } end, nil)
    assert.has_error(function() docmsg.timing { slow = "soon" } end, nil)
  end)
end)

describe("docmsg.dedup", function()
  local count, result
  local function deduplicating(options)
    local _, consumer = declare()
    count, result = 0, nil
    consumer:use(docmsg.dedup(options)):on("t", function(_, ctx)
      count = count + 1
      if result then ctx[result](ctx) end
    end)
    return start(consumer)
  end

  local offset = 0
  local function copy(id, fields)
    offset = offset + 1
    fields = fields or {}
    fields.headers = fields.headers or {}
    table.insert(fields.headers, { "ce_id", id })
    local made = work(fields)
    made.offset = fields.offset or offset
    return made
  end

  it("skips an event that was handled before, from another record", function()
    local run = deduplicating()
    assert.equal(dispatch.ACK, (run(copy "a")))
    local outcome, reason, message = run(copy "a")
    assert.same({ dispatch.SKIP, "skipped" }, { outcome, reason })
    assert.truthy(message:find("the event a was handled before, from t/3/", 1, true))
    assert.equal(dispatch.ACK, (run(copy "b")))
    assert.equal(2, count)
  end)

  it("lets the same record pass when it comes again: what it emitted may have been lost", function()
    local run = deduplicating()
    run(copy("a", { offset = 9 }))
    assert.equal(dispatch.ACK, (run(copy("a", { offset = 9 }))))
    assert.equal(dispatch.SKIP, (run(copy "a")))
    assert.equal(2, count)
  end)

  it("does not take ids of different sources for the same", function()
    local run = deduplicating()
    run(copy("1", { headers = { { "ce_source", "x" } } }))
    assert.equal(dispatch.ACK, (run(copy("1", { headers = { { "ce_source", "y" } } }))))
  end)

  it("remembers only what was handled", function()
    local run = deduplicating()
    for _, decided in ipairs { "retry", "reject", "skip" } do
      result = decided
      run(copy "a")
    end
    result = nil
    assert.equal(dispatch.ACK, (run(copy "a")))
    assert.equal(4, count)
  end)

  it("lets a redriven dead letter of its group pass, and events without an id", function()
    local run = deduplicating()
    run(copy "a")
    assert.equal(dispatch.ACK, (run(copy("a", { headers = { { "docmsg-redrive-group", "g" } } }))))
    run(work())
    assert.equal(dispatch.ACK, (run(work())))
  end)

  it("forgets, but never the last ones", function()
    local run = deduplicating { window = 3 }
    for id = 1, 7 do run(copy(tostring(id))) end
    for id = 5, 7 do assert.equal(dispatch.SKIP, (run(copy(tostring(id))))) end
    assert.equal(dispatch.ACK, (run(copy "1")))
  end)
end)
