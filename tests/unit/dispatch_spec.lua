-- SPDX-License-Identifier: MIT
local dispatch = require "docmsg.dispatch"
local docmsg = require "docmsg"
local fake_work = require "support.fake_work"
local json = require "docmsg.json"
local log = require "docmsg.log"
local s = require "docmsg.schema"

local NAMES <const> = { [dispatch.ACK] = "ack", [dispatch.RETRY] = "retry", [dispatch.DEAD] = "dead",
                        [dispatch.SKIP] = "skip" }

local function declare(services)
  return docmsg.app { name = "spec", services = services, events = {
    order = { topic = "orders", key = "id", data = s.record { id = s.string, amount = s.integer } },
    receipt = { topic = "receipts", key = function(data) return data.id and "r-" .. data.id end,
                data = s.record { id = s.optional(s.string), total = s.number } },
    note = { topic = "notes", data = s.optional(s.record { text = s.string }) },
    left = { topic = "both" }, right = { topic = "both" },
  } }
end

-- The dispatch of an application whose consumer is declared by a function.
local function compiled(on, options)
  options = options or {}
  local app = declare(options.services)
  local consumer = app:consumer("g", options.consumer)
  on(consumer, app)
  local run = dispatch.compile(app, consumer, { random = options.random or function() return 0.5 end,
    log = log.new { clock = function() return 0 end, write = options.write or function() end } })
  return function(...)
    local outcome, reason, message, after_ms, stack, attempts = run(...)
    return { outcome = NAMES[outcome], reason = reason, message = message, after_ms = after_ms,
             stack = stack, attempts = attempts }
  end
end

local function handling(handler, options, handler_options)
  return compiled(function(consumer) consumer:on("order", handler_options or {}, handler) end, options)
end

local function order(fields)
  fields = fields or {}
  fields.type = fields.type or "order"
  fields.topic = fields.topic or "orders"
  fields.value = fields.value or '{"id":"o1","amount":3}'
  return fake_work.new(fields)
end

-- Runs until the handler loops, and ends it as a limit does: by a hook that raises until it is out.
local function cut_off(run, work)
  local thread = coroutine.create(run)
  local function enforce() error("limit", 0) end
  debug.sethook(thread, function() debug.sethook(thread, enforce, "", 1) enforce() end, "", 1000)
  local ok, message = coroutine.resume(thread, work)
  assert.is_false(ok)
  assert.equal("limit", message)
end

local function find(text, part)
  assert.truthy(type(text) == "string" and text:find(part, 1, true), text)
end

describe("dispatching a record", function()
  it("acknowledges what the handler returned from, whatever it returned", function()
    for _, result in ipairs { true, false, "x" } do
      local work = order()
      assert.same({ outcome = "ack" }, handling(function() return result end)(work))
      assert.is_false(work.discarded)
    end
  end)

  it("shows the handler the event", function()
    local seen
    local run = handling(function(event, ctx)
      seen = {
        event.type, event.key, event.topic, event.partition, event.offset, event.timestamp, event.data.amount,
        math.type(event.data.amount), event.id, event.source, event.subject, event.time, event.causation,
        event.correlation, event.traceparent, event.hops, event:header("x"), event.value, ctx.attempt, ctx.group,
      }
    end)
    run(order { key = "k", attempt = 2, headers = {
      { "ce_id", "i" }, { "ce_source", "here" }, { "ce_causationid", "c" }, { "traceparent", "tp" },
      { "docmsg-hops", "4" }, { "x", "1" }, { "x", "2" } } })
    assert.same({ "order", "k", "orders", 3, 1207, 1700000000123, 3, "integer", "i", "here", "k",
      "2023-11-14T22:13:20.123Z", "c", "c", "tp", 4, "2", '{"id":"o1","amount":3}', 2, "g" }, seen)
  end)

  it("says more in the envelope where the event does", function()
    local seen
    local run = handling(function(event)
      seen = { event.subject, event.time, event.correlation, event.hops, #event.headers }
    end)
    run(order { key = "k", headers = { { "ce_subject", "s" }, { "ce_time", "t" }, { "ce_correlationid", "r" } } })
    assert.same({ "s", "t", "r", 0, 4 }, seen)
  end)

  it("does not know fields that an event or a ctx does not have", function()
    find(handling(function(event) return event.dta end)(order()).message, "did you mean 'data'?")
    find(handling(function(_, ctx) return ctx.emitt end)(order()).message, "did you mean 'emit'?")
  end)

  it("finds the handler by type and by where, in order", function()
    local taken = {}
    local run = compiled(function(consumer)
      consumer:on("order", { where = function(event) return event.data.amount > 100 end },
        function() taken[#taken + 1] = "large" end)
      consumer:on("order", { where = function(event) return event:header("vip") ~= nil end },
        function() taken[#taken + 1] = "vip" end)
      consumer:on("note", function() taken[#taken + 1] = "note" end)
      consumer:on("order", function() taken[#taken + 1] = "any" end)
    end)
    run(order { value = '{"id":"a","amount":101}', headers = { { "vip", "1" } } })
    run(order { headers = { { "vip", "1" } } })
    run(order())
    run(fake_work.new { topic = "notes", value = '{"text":"x"}' })
    assert.same({ "large", "vip", "any", "note" }, taken)
  end)

  it("sets aside what no handler takes, and passes over what is ignored", function()
    local function declaring(ignored)
      return compiled(function(consumer)
        consumer:on("order", { where = function() return false end }, print)
        if ignored then consumer:ignore("order"):ignore("note") end
      end)
    end
    local unrouted = declaring()(order())
    assert.same({ "dead", "unrouted" }, { unrouted.outcome, unrouted.reason })
    find(unrouted.message, "every `where` is false")
    find(declaring()(order { type = "note" }).message, 'no handler for events of type "note"')
    find(declaring()(order { type = "ordr\n" }).message, 'no handler for events of type "ordr\\x0A"')
    assert.same({ "skip", "ignored" }, { declaring(true)(order()).outcome, declaring(true)(order()).reason })
    assert.equal("ignored", declaring(true)(order { type = "note" }).reason)
  end)

  it("takes the event of the topic when the record does not say its type", function()
    local run = compiled(function(consumer)
      consumer:on("order", function() end):on("left", function() end)
    end)
    assert.equal("ack", run(fake_work.new { topic = "orders", value = '{"id":"o","amount":1}' }).outcome)
    local several = run(fake_work.new { topic = "both", value = "{}" })
    assert.same({ "dead", "unrouted" }, { several.outcome, several.reason })
    assert.equal("unrouted", run(fake_work.new { topic = "elsewhere", value = "{}" }).reason)
  end)
end)

describe("the outcome of a record", function()
  local cases = {
    { "retry", function(ctx) ctx:retry("later", "7s") end, { "retry", "retry", "later", 7000 } },
    { "retry by policy", function(ctx) ctx:retry() end, { "retry", "retry", "the handler asked for a retry", 1000 } },
    { "reject", function(ctx) ctx:reject("bad") end, { "dead", "rejected", "bad" } },
    { "skip", function(ctx) ctx:skip("old") end, { "skip", "skipped", "old" } },
    { "the first of several", function(ctx) ctx:skip("1") ctx:reject("2") ctx:retry("3", "9s") end,
      { "skip", "skipped", "1" } },
    { "what was decided before an error", function(ctx) ctx:reject("bad") error("later") end,
      { "dead", "rejected", "bad" } },
    { "a reason that is no text", function(ctx) ctx:reject({}) end, { "dead", "rejected", "an object" } },
  }
  for _, case in ipairs(cases) do
    it("is " .. case[1], function()
      local work = order()
      local result = handling(function(_, ctx)
        ctx:emit("note", { text = "dropped" })
        case[2](ctx)
      end)(work)
      assert.same(case[3], { result.outcome, result.reason, result.message, result.after_ms })
      assert.is_true(work.discarded)
      assert.same({}, work.emitted)
    end)
  end

  it("is a retry after an error, with its traceback and a growing delay", function()
    local function delay(attempt, random)
      return handling(function() error("no luck") end, { random = function() return random end })
        (order { attempt = attempt }).after_ms
    end
    local result = handling(function() error("no luck") end)(order())
    assert.same({ "retry", "error", 4 }, { result.outcome, result.reason, result.attempts })
    find(result.message, "dispatch_spec.lua")
    find(result.message, "no luck")
    find(result.stack, "stack traceback")
    assert.is_nil(result.stack:find("xpcall", 1, true))
    assert.same({ 1000, 2000, 4000, 60000, 60000 }, { delay(1, 0.5), delay(2, 0.5), delay(3, 0.5), delay(10, 0.5),
      delay(100000, 0.5) })
    assert.same({ 800, 1200 }, { delay(1, 0), delay(1, 1) })
  end)

  it("follows the handler's own policy and limits before the consumer's", function()
    local run = compiled(function(consumer)
      consumer:on("order", { retry = { delay = "3s" }, timeout = "2s", instructions = 5000 },
        function(_, ctx) error(tostring(ctx:deadline())) end)
      consumer:on("note", function(_, ctx) error(tostring(ctx:deadline())) end)
    end, { random = function() return 1 end, consumer = { retry = { attempts = 2, jitter = 0 }, timeout = "10s" } })
    local work = order { elapsed = 500 }
    local result = run(work)
    assert.same({ 2, 3000 }, { result.attempts, result.after_ms })
    find(result.message, "1500")
    assert.same({ timeout_ms = 2000, instructions = 5000 }, work.limits)
    work = fake_work.new { topic = "notes", value = '{"text":""}', elapsed = 500 }
    result = run(work)
    assert.equal(2, result.attempts)
    find(result.message, "9500")
    assert.is_nil(work.limits)
  end)
end)

describe("a handler's error", function()
  local big = ("x"):rep(10 << 20)
  local values = {
    ["nil"] = { nil, "nil" },
    ["false"] = { false, "false" },
    ["a table"] = { {}, "(error object is a table value)" },
    ["a function"] = { print, "(error object is a function value)" },
    ["a coroutine"] = { coroutine.create(print), "(error object is a thread value)" },
    ["10 MB of text"] = { big, "xxxxx" },
    ["bytes that are no text"] = { "a\xff\0b", "a?\0b" },
    ["a table that tells"] = { setmetatable({}, { __tostring = function() return "told" end }), "told" },
    ["a table whose __tostring fails"] = { setmetatable({}, { __tostring = function() error("hostile") end }),
      "(error object is a table whose __tostring fails)" },
    ["a table whose __tostring gives a table"] = { setmetatable({}, { __tostring = function() return {} end }),
      "(error object is a table whose __tostring fails)" },
    ["a table whose __tostring gives 10 MB"] = { setmetatable({}, { __tostring = function() return big end }),
      "xxxxx" },
    ["a table with hostile metamethods"] = { setmetatable({}, { __eq = error, __index = error, __len = error,
      __name = "docmsg.hostile", __metatable = false }), "docmsg.hostile: 0x" },
  }
  for name, case in pairs(values) do
    it("is a retry with a bounded message, also when it is " .. name, function()
      local result = handling(function() error(case[1], 0) end)(order())
      assert.same({ "retry", "error" }, { result.outcome, result.reason })
      find(result.message, case[2])
      assert.is_true(#result.message <= 1024 and #result.stack <= 2048)
      assert.truthy(utf8.len(result.message) and utf8.len(result.stack))
    end)
  end

  it("is a retry when it yields", function()
    local result = handling(function() coroutine.yield() end)(order())
    assert.same({ "retry", "error" }, { result.outcome, result.reason })
    find(result.message, "attempt to yield")
  end)

  it("is a retry when the stack overflows or memory ends", function()
    local function deep() return 1 + deep() end
    local result = handling(deep)(order())
    assert.same({ "retry", "error" }, { result.outcome, result.reason })
    find(result.message, "stack overflow")
    result = handling(function() return ("x"):rep(1 << 62) end)(order())
    assert.equal("retry", result.outcome)
    result = handling(function() error("not enough memory", 0) end)(order())
    assert.equal("memory", result.reason)
  end)

  it("cuts no character in two", function()
    for i = 0, 3 do
      local result = handling(function() error(("x"):rep(i) .. ("€"):rep(1000), 0) end)(order())
      assert.truthy(utf8.len(result.message))
      assert.is_nil(result.message:find("?", 1, true))
    end
  end)

  it("goes through when the runtime's limits raise, and the next record finds everything in order", function()
    local kept, stuck = nil, true
    local app = declare()
    local consumer = app:consumer("g"):on("order", function(event, ctx)
      kept = { event, ctx }
      ctx:reject("cut off")
      while stuck do end
    end)
    local run = dispatch.compile(app, consumer, { log = log.new { write = function() end } })
    cut_off(run, order())
    stuck = false
    local old = kept
    assert.equal(dispatch.DEAD, (run(order())))
    assert.has_error(function() return old[1].data end, require("docmsg.event").RELEASED)
    assert.has_error(function() return old[2].log end, require("docmsg.event").RELEASED)
  end)

  it("that the runtime's limits raised is asked about afterwards", function()
    local run, work = handling(function() end), order()
    assert.equal("ack", run(work).outcome)
    local result = run(work, "timeout", "ran longer than …", "stack traceback: …")
    assert.same({ outcome = "retry", reason = "timeout", message = "ran longer than …", after_ms = 1000,
      stack = "stack traceback: …", attempts = 4 }, result)
  end)

  for _, cut in ipairs { "timeout", "memory" } do
    it(("that ends a run with %s keeps the handler's policy, and what it had decided"):format(cut), function()
      local app, decided = declare(), false
      local consumer = app:consumer("g"):on("order", { retry = { attempts = 7, delay = "3s" } },
        function(_, ctx)
          if decided then ctx:reject("no") end
          while true do end
        end)
      local run = dispatch.compile(app, consumer, { random = function() return 0.5 end,
        log = log.new { write = function() end } })
      local work = order()
      cut_off(run, work)
      assert.same({ dispatch.RETRY, cut, "why", 3000, nil, 7, "order" }, { run(work, cut, "why") })
      decided = true
      cut_off(run, work)
      assert.same({ dispatch.DEAD, "rejected", "no", nil, nil, nil, "order" }, { run(work, cut, "why") })
      assert.is_true(work.discarded)
    end)
  end
end)

describe("bad input", function()
  local ran
  local run = compiled(function(consumer)
    consumer:on("order", function() ran = true end):on("note", function(event) ran = event.data end)
    consumer:on("left", function(event) ran = event.data end)
  end)
  local long = ("x"):rep(1 << 20)
  local cases = {
    { "undecodable bytes", order { value = "\xff\xfe" }, "undecodable", "byte 1 is not UTF-8" },
    { "half a JSON text", order { value = '{"id":' }, "undecodable", "no JSON" },
    { "an empty value", order { value = "" }, "undecodable", "no JSON" },
    { "huge nesting", order { type = "left", value = ("["):rep(100000) }, "undecodable", "nested" },
    { "a number that JSON cannot carry", order { value = '{"id":"x","amount":123456789012345678901234567890}' },
      "undecodable", "cannot be carried exactly" },
    { "0x10", order { value = '{"id":"x","amount":0x10}' }, "undecodable", "no JSON" },
    { "NaN", order { value = '{"id":"x","amount":NaN}' }, "undecodable", "no JSON" },
    { "the wrong schema", order { value = '{"id":"x","amount":"3"}' }, "schema",
      'amount: expected an integer, got "3"' },
    { "no object", order { value = "[1]" }, "schema", "got nothing" },
    { "no value", fake_work.new { type = "order" }, "schema", "the record has no value" },
    { "negative hops", order { headers = { { "docmsg-hops", "-1" } } }, "hops", 'docmsg-hops is "-1"' },
    { "hops that are no number", order { headers = { { "docmsg-hops", "0x1" } } }, "hops", "not a number" },
    { "1 MB of hops", order { headers = { { "docmsg-hops", long } } }, "hops", "(1048576 bytes)" },
    { "an id of 1 MB", order { headers = { { "ce_id", long } } }, "undecodable", "ce_id has 1048576 bytes" },
    { "an unknown version", order { headers = { { "ce_specversion", "0.3" } } }, "undecodable",
      'CloudEvents "0.3" is not known' },
    { "a type of 1 MB", order { type = long }, "unrouted", "(1048576 bytes)" },
    { "an empty type", order { type = "" }, "unrouted", 'type ""' },
  }
  for _, case in ipairs(cases) do
    it(("has an outcome: %s is dead, %s"):format(case[1], case[3]), function()
      ran = false
      local result = run(case[2])
      assert.same({ "dead", case[3] }, { result.outcome, result.reason })
      find(result.message, case[4])
      assert.is_true(#result.message <= 1024)
      assert.is_false(ran)
    end)
  end

  it("is not what is harmless", function()
    assert.equal("ack", run(order { headers = { { "docmsg-hops", "31" }, { "ce_specversion", "1.0" } } }).outcome)
    ran = 1
    assert.equal("ack", run(fake_work.new { type = "note" }).outcome)
    assert.is_nil(ran)
    assert.equal("ack", run(fake_work.new { type = "left", value = "null" }).outcome)
    assert.equal(json.null, ran)
  end)

  it("is only met when a lazy handler asks, also when it swallows the error", function()
    local asked = false
    local lazy = handling(function(event) if asked then pcall(function() return event.data end) end end, nil,
      { lazy = true })
    assert.equal("ack", lazy(order { value = "{" }).outcome)
    asked = true
    local result = lazy(order { value = "{" })
    assert.same({ "dead", "undecodable" }, { result.outcome, result.reason })
  end)

  it("in an attribute is met when the handler asks for it", function()
    local result = handling(function(event) return event.source end)(order { headers = { { "ce_source", long } } })
    assert.same({ "dead", "undecodable" }, { result.outcome, result.reason })
  end)
end)

describe("an event in structured mode", function()
  local CONTENT <const> = { { "content-type", "application/cloudevents+json; charset=UTF-8" } }
  local function structured(value)
    local seen
    local result = handling(function(event)
      seen = { event.data.amount, event.id, event.source, event.subject, event.time }
    end)(fake_work.new { topic = "orders", headers = CONTENT, value = value })
    return result, seen
  end

  it("is read from the value", function()
    local result, seen = structured [[{"specversion":"1.0","type":"order","id":"i","source":"s","subject":"b",
      "time":"t","data":{"id":"o","amount":7}}]]
    assert.equal("ack", result.outcome)
    assert.same({ 7, "i", "s", "b", "t" }, seen)
  end)

  local cases = {
    { "{", "undecodable", "a structured event, but no JSON" },
    { "[1]", "undecodable", "must be an object" },
    { "{}", "undecodable", "without a type" },
    { '{"type":7}', "undecodable", "without a type" },
    { '{"type":"order","specversion":"2.0"}', "undecodable", 'CloudEvents "2.0"' },
    { '{"type":"order","specversion":1}', "undecodable", "CloudEvents 1 " },
    { '{"type":"order","data_base64":"AA=="}', "undecodable", "data_base64" },
    { '{"type":"order","id":7}', "undecodable", "the id is 7" },
    { '{"type":"order"}', "schema", "expected an object, got nothing" },
    { '{"type":"order","data":{"id":1,"amount":1}}', "schema", "id: expected a string, got 1" },
    { '{"type":"other"}', "unrouted", "no handler" },
    { nil, "undecodable", "no JSON" },
  }
  for i = 1, 12 do
    local case = cases[i]
    it("is refused: " .. tostring(case[1]), function()
      local result = structured(case[1])
      assert.same({ "dead", case[2] }, { result.outcome, result.reason })
      find(result.message, case[3])
    end)
  end

  it("is not read in another form", function()
    local result = handling(print)(fake_work.new { topic = "orders",
      headers = { { "content-type", "application/cloudevents-batch+json" } } })
    assert.same({ "dead", "undecodable" }, { result.outcome, result.reason })
  end)
end)

describe("emitting", function()
  local function emitting(emit, handler_options, options)
    local work = order(options)
    return handling(function(_, ctx) emit(ctx) end, nil, handler_options)(work), work
  end

  it("writes the data by its schema and keys it as declared", function()
    local result, work = emitting(function(ctx)
      ctx:emit("receipt", { id = "7", total = 1 / 3 })
      ctx:emit("order", { id = "8", amount = 2.0 }, { key = "own", id = "given", headers = { { "x", "1" }, { "y" } } })
      ctx:emit("note", nil)
    end)
    assert.equal("ack", result.outcome)
    assert.same({
      { topic = "receipts", key = "r-7", value = '{"total":0.33333333333333331,"id":"7"}', type = "receipt" },
      { topic = "orders", key = "own", value = '{"amount":2,"id":"8"}', type = "order",
        options = { id = "given", headers = { { "x", "1" }, { "y" } } } },
      { topic = "notes", value = "null", type = "note" },
    }, work.emitted)
  end)

  local refused = {
    { "an unknown type", function(ctx) ctx:emit("reciept", {}) end, "schema", "did you mean 'receipt'?" },
    { "no type", function(ctx) ctx:emit(nil, {}) end, "schema", "nothing is no event" },
    { "data of the wrong shape", function(ctx) ctx:emit("order", { id = "x" }) end, "schema",
      "emit order: amount: expected an integer, got nothing" },
    { "data that is no text", function(ctx) ctx:emit("order", { id = "\xff", amount = 1 }) end, "schema",
      "id: byte 1 of a string is not UTF-8" },
    { "data that loops", function(ctx) local t = {} t.t = t ctx:emit("left", t) end, "schema", "nested deeper" },
    { "too many events", function(ctx) for _ = 1, 1000000 do ctx:emit("left", 1) end end, "too_large",
      "emit left: a record has no room for more events" },
    { "an event that is too large", function(ctx) ctx:emit("left", ("x"):rep(1 << 20)) end, "too_large",
      "larger than message.max.bytes" },
    { "an event whose chain has gone through 32 handlers", function(ctx) ctx:emit("left", 1) end, "hops",
      "does it go round in circles?", { headers = { { "docmsg-hops", "32" } } } },
  }
  for _, case in ipairs(refused) do
    it(("makes the record a dead letter: %s"):format(case[1]), function()
      for _, emit in ipairs { case[2], function(ctx) pcall(case[2], ctx) end } do
        local result, work = emitting(emit, nil, case[5])
        assert.same({ "dead", case[3] }, { result.outcome, result.reason })
        find(result.message, case[4])
        assert.is_true(work.discarded)
      end
    end)
  end

  it("is bounded to what the handler declared", function()
    local result = emitting(function(ctx) ctx:emit("order", { id = "x", amount = 1 }) end, { emits = { "receipt" } })
    assert.same({ "dead", "schema" }, { result.outcome, result.reason })
    find(result.message, 'emit: "order" is no event that the handler of "order" may emit; there are receipt')
  end)

  local misuse = {
    { { kye = "x" }, "unknown option \"kye\"; did you mean 'key'?" },
    { { key = 7 }, "key must be a string, not 7" },
    { { partition = -1 }, "partition must be an integer from 0" },
    { { id = ("x"):rep(1025) }, "id has 1025 bytes" },
    { { headers = { { "ce_type", "x" } } }, 'the header "ce_type" belongs to the envelope' },
    { { headers = { { "docmsg-hops", "0" } } }, "belongs to the envelope" },
    { { headers = { "x" } }, "headers are a list of { name, value }" },
    { { headers = { { "x", 1 } } }, "headers are a list of { name, value }" },
    { "key", "options are a table" },
  }
  for _, case in ipairs(misuse) do
    it("raises for wrong options: " .. case[2], function()
      local result = emitting(function(ctx) ctx:emit("order", { id = "x", amount = 1 }, case[1]) end)
      assert.same({ "retry", "error" }, { result.outcome, result.reason })
      find(result.message, case[2])
      find(result.message, "dispatch_spec.lua")
    end)
  end
end)

describe("an event and its ctx", function()
  it("are released when the handler has returned", function()
    local kept
    local run = handling(function(event, ctx) kept = kept or { event, ctx, event.data, ctx.emit } end)
    run(order { key = "first" })
    local RELEASED <const> = require("docmsg.event").RELEASED
    local uses = {
      function() return kept[1].data end, function() return kept[1].type end, function() return kept[1].key end,
 function() return kept[2].attempt end, function() kept[2]:emit("order", {}) end,
      function() kept[4](kept[2], "order", {}) end, function() kept[2]:retry() end,
    }
    for _ = 1, 2 do
      for _, use in ipairs(uses) do
        local ok, message = pcall(use)
        assert.is_false(ok)
        find(message, RELEASED)
      end
      run(order { key = "second" })
    end
    assert.equal("o1", kept[3].id)
    assert.equal("docmsg.Event (released)", tostring(kept[1]))
  end)

  it("are released after an error too", function()
    local kept
    local run = handling(function(event) kept = event error("x") end)
    run(order())
    assert.has_error(function() return kept.type end, require("docmsg.event").RELEASED)
  end)

  it("cannot be changed", function()
    find(handling(function(event) event.type = "x" end)(order()).message, "an event cannot be changed")
    local note
    handling(function(event, ctx) ctx.note = event.type note = ctx.note end)(order())
    assert.equal("order", note)
  end)

  it("say in the log which record they are about", function()
    local lines = {}
    local run = handling(function(_, ctx) ctx.log:info("amount\n%d", 3) end,
      { write = function(line) lines[#lines + 1] = line end })
    run(order())
    assert.same({ "1970-01-01T00:00:00Z INFO orders/3/1207: amount\\x0A3\n" }, lines)
  end)

  it("are in the log when something did not go well", function()
    local lines = {}
    local function write(line) lines[#lines + 1] = line:match("Z (.*)\n$") end
    local run = handling(function(event, ctx)
      if event.data.amount == 1 then error("no\nluck", 0) end
      if event.data.amount == 2 then ctx:reject("never") end
    end, { write = write })
    run(order { attempt = 2, value = '{"id":"x","amount":1}' })
    run(order { value = '{"id":"x","amount":2}' })
    run(order { value = "{" })
    run(order { type = "x" })
    run(order())
    assert.same({
      "WARN orders/3/1207: order: attempt 2 of 4 failed: no\\x0Aluck",
      "WARN orders/3/1207: order: set aside, rejected: never",
      "WARN orders/3/1207: order: set aside, undecodable: no JSON: "
        .. "Expected object key string but found T_END at character 2",
      'WARN orders/3/1207: record: set aside, unrouted: no handler for events of type "x"',
    }, lines)
  end)

  it("reach the services, made once at their first use", function()
    local made, result = 0, nil
    local run = handling(function(_, ctx) result = { ctx.svc.store.name, ctx.svc.plain, ctx.svc.stor } end,
      { services = { store = function() made = made + 1 return { name = "s" } end, plain = 5 } })
    find(run(order()).message, "ctx.svc has no \"stor\"; did you mean 'store'?")
    run(order())
    assert.equal(1, made)
    assert.is_nil(result)
  end)
end)

describe("a redriven record", function()
  it("is handled only by the group it was a dead letter of", function()
    local redriven
    local run = handling(function(_, ctx) redriven = ctx.redriven end)
    local other = run(order { headers = { { "docmsg-redrive-group", "other" } } })
    assert.same({ "skip", "redriven" }, { other.outcome, other.reason })
    assert.equal("ack", run(order { headers = { { "docmsg-redrive-group", "g" } } }).outcome)
    assert.is_true(redriven)
    run(order())
    assert.is_false(redriven)
  end)
end)

describe("dispatching records to a batch handler", function()
  -- The dispatch of one, and a function that feeds it works, runs the batch and settles them.
  local function batching(handler, on, written)
    local app = declare()
    local consumer = app:consumer("g", { retry = { delay = "1s", jitter = 0 } })
    consumer:on("order", { batch = { max = 3, wait = "50ms" } }, handler)
    if on then on(consumer) end
    local run = dispatch.compile(app, consumer, {
      log = log.new { clock = function() return 0 end, write = function(line) table.insert(written or {}, line) end },
    })
    return run, function(works)
      for _, work in ipairs(works) do
        assert.same({ dispatch.HOLD, 50, 3 }, { run(work) })
      end
      run(works[1], "batch")
      local results = {}
      for i, work in ipairs(works) do
        local outcome, reason, message, after_ms = run(work, "settle", i)
        results[i] = { NAMES[outcome], reason, message, after_ms }
      end
      run(works[1], "forget")
      return results
    end
  end

  local function orders(count)
    local works = {}
    for i = 1, count do works[i] = order { key = "k" .. i, value = ('{"id":"o%d","amount":%d}'):format(i, i) } end
    return works
  end

  it("gives it the events and their contexts, in order", function()
    local seen = {}
    local _, all = batching(function(events, contexts)
      for i, event in ipairs(events) do
        seen[i] = { event.key, event.data.amount, contexts[i].attempt, event:header "ce_type" }
      end
    end)
    assert.same({ { "ack" }, { "ack" } }, all(orders(2)))
    assert.same({ { "k1", 1, 1, "order" }, { "k2", 2, 1, "order" } }, seen)
  end)

  it("lets each event have an outcome of its own", function()
    local _, all = batching(function(_, contexts)
      contexts[1]:reject "no good"
      contexts[3]:retry("later", "7s")
      contexts[4]:skip "not now"
    end)
    assert.same({ { "dead", "rejected", "no good" }, { "ack" }, { "retry", "retry", "later", 7000 },
                  { "skip", "skipped", "not now" } }, all(orders(4)))
  end)

  it("sends what is emitted for an event with its record, and nothing of one that failed", function()
    local _, all = batching(function(events, contexts)
      for i, event in ipairs(events) do contexts[i]:emit("receipt", { id = event.key, total = i }) end
      contexts[2]:retry "later"
    end)
    local works = orders(3)
    all(works)
    assert.equal("r-k1", works[1].emitted[1].key)
    assert.same({}, works[2].emitted)
    assert.equal("r-k3", works[3].emitted[1].key)
  end)

  it("has the events handled again that were not decided when the handler raises", function()
    local _, all = batching(function(_, contexts)
      contexts[1]:reject "no good"
      error "it broke"
    end)
    local results = all(orders(2))
    assert.same({ "dead", "rejected", "no good" }, results[1])
    assert.equal("retry", results[2][1])
    assert.equal("error", results[2][2])
    find(results[2][3], "it broke")
  end)

  it("sets the event aside whose emit can never be sent, and has the others handled again", function()
    local _, all = batching(function(_, contexts) contexts[2]:emit("receipt", { total = "much" }) end)
    local results = all(orders(3))
    assert.same({ "retry", "dead", "retry" }, { results[1][1], results[2][1], results[3][1] })
    find(results[3][3], "another event of its batch")
  end)

  it("sets the event aside whose emit is too large, and it alone", function()
    local _, all = batching(function(events, contexts)
      for i in ipairs(events) do contexts[i]:emit("note", { text = ("x"):rep(i == 1 and 1000000 or 1) }) end
    end)
    local results = all(orders(2))
    assert.same({ "dead", "too_large" }, { results[1][1], results[1][2] })
    assert.same({ "ack" }, results[2])
  end)

  it("has all of them handled again that a limit has ended", function()
    local run, _ = batching(function() end)
    local works = orders(2)
    for _, work in ipairs(works) do run(work) end
    for i, work in ipairs(works) do
      local outcome, reason, message = run(work, "settle", i, "timeout", "too long", "stack")
      assert.same({ dispatch.RETRY, "timeout", "too long" }, { outcome, reason, message })
    end
    run(works[1], "forget")
  end)

  it("lets the batch run before an event of another handler", function()
    local handled = {}
    local run = batching(function(events) table.insert(handled, #events) end, function(consumer)
      consumer:on("note", function() table.insert(handled, "note") end)
    end)
    local note = fake_work.new { type = "note", topic = "notes", value = "null" }
    local first = order()
    run(first)
    assert.equal(dispatch.BATCH_FIRST, (run(note)))
    assert.same({}, handled)
    run(first, "batch")
    run(first, "settle", 1)
    run(first, "forget")
    assert.equal(dispatch.ACK, (run(note)))
    assert.same({ 1, "note" }, handled)
  end)

  it("sets a record that is no event aside without the batch", function()
    local run = batching(function() end)
    run(order())
    assert.equal(dispatch.DEAD, (run(order { value = "{" })))
  end)

  it("ends events and contexts with the batch", function()
    local kept, context
    local run, all = batching(function(events, contexts) kept, context = events[1], contexts[1] end)
    all(orders(1))
    for _, use in ipairs { function() return kept.key end, function() context:reject "late" end } do
      local ok, message = pcall(use)
      assert.is_false(ok)
      find(message, "event released")
    end
    run(order())
    run(order(), "forget")
  end)
end)
