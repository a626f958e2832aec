-- SPDX-License-Identifier: MIT
local dispatch = require "docmsg.dispatch"
local docmsg = require "docmsg"
local s = require "docmsg.schema"

local function order_events()
  return { order = { topic = "orders", key = "id", data = s.record { id = s.string } },
           receipt = { topic = "receipts" } }
end

local function declare()
  return docmsg.app { name = "spec", events = order_events() }
end

-- The message of an error; it blames this file.
local function message_of(call)
  local ok, message = pcall(call)
  assert.is_false(ok, "no error")
  assert.truthy(message:find("app_spec.lua:%d+: "), message)
  return message
end

local function refuses(call, part)
  local message = message_of(call)
  assert.truthy(message:find(part, 1, true), message)
end

local function with_file(text, use)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  local ok, message = pcall(use, path)
  os.remove(path)
  assert(ok, message)
end

describe("an application", function()
  it("knows its events, consumers and constants", function()
    local app = declare()
    local consumer = app:consumer("g")
    assert.equal("orders", app:event("order").topic)
    assert.is_nil(app:event("nothing"))
    assert.equal("order", app:type_of("orders"))
    assert.equal(consumer, app:find("g"))
    assert.same({ consumer }, app.consumers)
    assert.equal("order", app.EventType.ORDER)
    assert.equal("order", docmsg.EventType.ORDER)
    refuses(function() return app.EventType.ODER end, 'EventType has no "ODER"; did you mean \'ORDER\'?')
  end)

  it("takes each topic for events of its name when it has no events table", function()
    local app = docmsg.app { name = "free" }
    local consumer = app:consumer("g"):on("some.topic", print)
    assert.same({ "some.topic" }, consumer:topics())
    assert.equal("x", app:type_of("x"))
    refuses(function() consumer:on("no topic", print) end, 'unknown event type "no topic"')
  end)

  it("reads files beside the script", function()
    with_file('return { order = { topic = "orders" } }', function(events)
      with_file('return { ["orders"] = { partitions = 2 } }', function(topics)
        local app = docmsg.app { name = "files", events = events, topics = topics }
        assert.same({ "orders" }, app.topics.names)
        assert.same({ events, topics }, app.files)
      end)
    end)
    refuses(function() docmsg.app { name = "x", events = "no-such-file.lua" } end, "tests/unit/no-such-file.lua")
    refuses(function() docmsg.app { name = "x", topics = "no-such-file.lua" } end, "tests/unit/no-such-file.lua")
  end)

  it("says what is wrong in its files", function()
    local function with_events(text, part)
      with_file(text, function(path)
        refuses(function() docmsg.app { name = "x", events = path } end, part)
      end)
    end
    with_events("return {", "unexpected symbol")
    with_events("error('no luck')", "no luck")
    with_events("error(setmetatable({}, { __tostring = error }))", "whose __tostring fails")
    with_events("return 5", "must give a table of events, not 5")
    with_events("\27Lua", "attempt to load a binary chunk")
  end)

  it("must declare the topics of its events", function()
    local app = docmsg.app { name = "x", events = order_events(),
      topics = { defaults = { partitions = 1 }, orders = {}, receipts = { partitions = 3 } } }
    assert.same({ "orders", "receipts" }, app.topics.names)
    refuses(function()
      docmsg.app { name = "x", events = order_events(), topics = { ordres = { partitions = 1 } } }
    end, "the events are on topic \"orders\", which is not declared; did you mean 'ordres'?")
  end)

  local wrong = {
    { nil, "name is missing" },
    { { name = 5 }, "name must be a string that is not empty, not 5" },
    { { name = "" }, "name must be a string" },
    { { name = "a\nb" }, "control characters" },
    { { name = "x", event = {} }, "unknown option \"event\"; did you mean 'events'?" },
    { { name = "x", services = print }, "services must be a table, not a function" },
    { { name = "x", topics = 5 }, "topics must be the name of a file or a table, not 5" },
    { { name = "x", topics = { a = 1 } }, 'found a = number' },
    { { name = "x", topics = { a = { partitions = 0 } } }, "partitions must be a whole number" },
    { { name = "x", events = { a = { tpoic = "b" } } }, "did you mean 'topic'?" },
    { "x", 'options are a table, not "x"' },
  }
  for _, case in ipairs(wrong) do
    it("refuses: " .. case[2], function() refuses(function() docmsg.app(case[1]) end, case[2]) end)
  end

  it("has each group once", function()
    local app = declare()
    app:consumer("g")
    refuses(function() app:consumer("g") end, 'the group "g" is declared already')
    refuses(function() app:consumer("") end, "a group's name is text of 1 to 255 bytes")
    refuses(function() app:consumer("a\0") end, "without control characters")
    refuses(function() app:consumer("\xff") end, "is text")
    refuses(function() app:consumer() end, "not nothing")
  end)
end)

describe("an events table", function()
  local events = require "docmsg.events"

  local wrong = {
    { {}, "declares no event" },
    { { [1] = {} }, "an event's type is a name of 1 to 256 bytes, not 1" },
    { { a = 5 }, '"a": must be a table' },
    { { a = { topic = "no topic" } }, '"a": topic must be the name of a topic, not "no topic"' },
    { { a = { topic = ("x"):rep(250) } }, "topic must be the name of a topic" },
    { { ["a b"] = {} }, "topic must be the name of a topic" },
    { { a = { data = {} } }, '"a": data must be a schema, not an object' },
    { { a = { key = 5 } }, "key must be the name of a field or a function, not 5" },
    { { a = { key = "id" } }, 'key is the field "id", but data is no record; use a function' },
    { { a = { key = "document", data = s.record { document_id = s.string, x = s.any } } },
      "which data does not have; did you mean 'document_id'?" },
    { { ["a-b"] = {}, ["a_b"] = {} }, 'EventType.A_B is already "a-b"' },
  }
  for _, case in ipairs(wrong) do
    it("is refused: " .. case[2], function()
      local built, reason = events.build(case[1], "events.lua")
      assert.is_nil(built)
      assert.equal(1, reason:find("events.lua: ", 1, true))
      assert.truthy(reason:find(case[2], 1, true), reason)
    end)
  end

  it("tells everything that is wrong at once", function()
    local _, reason = events.build({ a = 5, b = { topik = 1 }, c = { key = 1, data = 2 } }, "e")
    assert.equal(4, select(2, reason:gsub("e: ", "")))
  end)

  it("makes keys of the data", function()
    local built = assert(events.build {
      field = { key = "id", data = s.record { id = s.optional(s.any) } },
      made = { key = function(data) return data.key end },
    })
    assert.same({ "x", "7" }, { built:get("field").key { id = "x" }, built:get("field").key { id = 7 } })
    assert.is_nil(built:get("field").key {})
    assert.is_nil(built:get("field").key(nil))
    assert.equal("the key id must be a string, not true", select(2, built:get("field").key { id = true }))
    assert.equal("k", built:get("made").key { key = "k" })
    assert.equal("the key must be a string, not 5", select(2, built:get("made").key { key = 5 }))
  end)
end)

describe("a consumer group", function()
  it("has its options checked and filled in", function()
    local settings = declare():consumer("g", {
      workers = 3, order = "partition", timeout = "2s", memory = "64MiB", retry = { attempts = 9, delay_ms = 5 },
      kafka = { ["fetch.wait.max.ms"] = 10, acks = "all", ["enable.auto.commit"] = false },
    }).settings
    assert.same({
      workers = 3, order = "partition", guarantee = "at-least-once", start = "earliest", timeout_ms = 2000,
      memory = 64 << 20, lazy = false, topics = {},
      retry = { attempts = 9, delay_ms = 5, factor = 2, max_ms = 60000, jitter = 0.2 },
      kafka = { ["fetch.wait.max.ms"] = 10, acks = "all", ["enable.auto.commit"] = false },
    }, settings)
    assert.equal(4, declare():consumer("g").settings.retry.attempts)
    assert.equal(300000, declare():consumer("g").settings.timeout_ms)
  end)

  it("cannot set the producer that the groups share to two values", function()
    local runner = require "docmsg.runner"
    local function start(first, second)
      local app = declare()
      app:consumer("one", { kafka = first }):on("order", print)
      app:consumer("two", { kafka = second }):on("order", print)
      return runner.start(app, { script = false, log = require("docmsg.log").new { write = function() end } })
    end
    for _, name in ipairs { "linger.ms", "queue.buffering.max.ms" } do
      local started, reason = start({ ["linger.ms"] = 5 }, { [name] = 7 })
      assert.is_nil(started)
      assert.matches("the groups share one producer", reason)
    end
  end)

  local wrong = {
    { { worker = 1 }, "unknown option \"worker\"; did you mean 'workers'?" },
    { { workers = -1 }, "workers must be an integer from 0 to 256, not -1" },
    { { workers = "2" }, 'workers must be an integer from 0 to 256, not "2"' },
    { { order = "keys" }, 'order must be "key", "partition" or "none", not "keys"' },
    { { guarantee = "at-most-once" }, 'guarantee must be "at-least-once" or "exactly-once"' },
    { { start = "none" }, 'start must be "earliest", "latest" or "error"' },
    { { timeout = "5" }, "timeout must be a duration" },
    { { timeout = 5 }, "timeout must be a duration" },
    { { timeout = "forever" }, "timeout must be a duration" },
    { { timeout = "1s", timeout_ms = 1 }, "timeout and timeout_ms exclude each other" },
    { { timeout_ms = 0.5 }, "timeout_ms must be an integer from 0 on, not 0.5" },
    { { memory = "64 MB" }, 'memory must be a size such as "64MiB"' },
    { { memory = 0 }, "memory must be a size" },
    { { topics = "a" }, "topics must be a list of strings" },
    { { topics = { "a", 5 } }, "topics must be a list of strings" },
    { { topics = { a = "b" } }, "topics must be a list of strings" },
    { { retry = { attempt = 3 } }, 'consumer "g": retry: unknown option "attempt"; did you mean \'attempts\'?' },
    { { retry = { attempts = 0 } }, "retry: attempts must be an integer from 1" },
    { { retry = { factor = 0.5 } }, "retry: factor must be a number from 1" },
    { { retry = { jitter = 0 / 0 } }, "retry: jitter must be a number from 0 to 1" },
    { { lazy = 1 }, "lazy must be true or false" },
    { { kafka = { ["fetch.wait.max"] = 1 } },
      "unknown property 'fetch.wait.max'; did you mean 'fetch.wait.max.ms'?" },
    { { kafka = { ["client.id"] = {} } }, "'client.id' must be a string, a number or a boolean" },
    { { kafka = { [1] = 1 } }, "unknown property '1'" },
    { "x", "options are a table" },
  }
  for _, case in ipairs(wrong) do
    it("refuses: " .. case[2], function()
      refuses(function() declare():consumer("g", case[1]) end, case[2])
    end)
  end

  local breaking = {
    { "enable.auto.commit", true, "it commits records that no handler has finished" },
    { "enable.auto.commit", "true", "cannot be set to 'true'" },
    { "enable.auto.offset.store", true, "no handler has finished" },
    { "acks", 1, "an event that only one broker has can be lost" },
    { "acks", "0", "can be lost" },
    { "request.required.acks", 0, "can be lost" },
    { "enable.idempotence", false, "doubled or change their order" },
    { "message.timeout.ms", 5000, "would be lost" },
    { "delivery.timeout.ms", 5000, "would be lost" },
    { "retries", 0, "would be lost after so many attempts" },
    { "transactional.id", "x", "instance_id" },
    { "group.id", "x", "app:consumer" },
    { "group.instance.id", "x", "use the option instance_id" },
    { "auto.offset.reset", "latest", "use the option start" },
  }
  for _, case in ipairs(breaking) do
    it(("refuses what would break its guarantee: %s=%s"):format(case[1], case[2]), function()
      local message = message_of(function() declare():consumer("g", { kafka = { [case[1]] = case[2] } }) end)
      assert.truthy(message:find("'" .. case[1] .. "' cannot be set", 1, true), message)
      assert.truthy(message:find(case[3], 1, true), message)
    end)
  end

  it("must not read what was aborted, when it promises exactly once", function()
    local kafka = { ["isolation.level"] = "read_uncommitted" }
    refuses(function() declare():consumer("g", { guarantee = "exactly-once", kafka = kafka }) end,
      "exactly-once must not read what was aborted")
    assert.truthy(declare():consumer("g", { kafka = kafka }))
  end)

  local misuse = {
    { function(c) c:on("oder", print) end, "unknown event type \"oder\"; did you mean 'order'?" },
    { function(c) c:on(nil, print) end, "unknown event type nothing" },
    { function(c) c:on("order") end, "the handler is a function, not nothing" },
    { function(c) c:on("order", {}, "x") end, 'the handler is a function, not "x"' },
    { function(c) c:on("order", { emit = {} }, print) end, "did you mean 'emits'?" },
    { function(c) c:on("order", { emits = { "reciept" } }, print) end, "did you mean 'receipt'?" },
    { function(c) c:on("order", { where = true }, print) end, "where must be a function, not true" },
    { function(c) c:on("order", { batch = { max = 0 } }, print) end, "batch: max must be an integer from 1" },
    { function(c) c:on("order", { batch = { wait = "long" } }, print) end, "batch: wait must be a duration" },
    { function(c) c:on("order", print):on("order", print) end, "a handler without `where` takes all of them" },
    { function(c) c:ignore("audit") end, 'unknown event type "audit"' },
    { function(c) c:use("x") end, 'a middleware is a function of the next handler, not "x"' },
  }
  for _, case in ipairs(misuse) do
    it("refuses misuse: " .. case[2], function()
      refuses(function() case[1](declare():consumer("g")) end, case[2])
    end)
  end

  it("reads the topics of what it handles, ignores and names", function()
    local consumer = declare():consumer("g", { topics = { "more", "orders" } }):on("order", print):ignore("receipt")
    assert.same({ "more", "orders", "receipts" }, consumer:topics())
    assert.equal("orders.g.dlq", consumer:dead_letter_topic("orders"))
    local one = declare():consumer("g", { dead_letters = "dead" })
    assert.equal("dead", one:dead_letter_topic("orders"))
  end)

  local impossible = {
    { "handles no event: call on", function(app) return app:consumer("g") end },
    { '"orders.a group.dlq" is no name for a topic of dead letters; set dead_letters',
      function(app) return app:consumer("a group"):on("order", print) end },
    { "is no name for a topic", function(app) return app:consumer(("x"):rep(245)):on("order", print) end },
    { '"orders" cannot hold its own dead letters',
      function(app) return app:consumer("g", { dead_letters = "orders" }):on("order", print) end },
    { "a middleware wraps a handler of one event, not of a batch",
      function(app)
        return app:consumer("g"):use(function(next) return next end):on("order", { batch = {} }, print)
      end },
  }
  for _, case in ipairs(impossible) do
    it("cannot start: " .. case[1], function()
      local app = declare()
      local consumer = case[2](app)
      local ok, message = pcall(dispatch.compile, app, consumer)
      assert.is_false(ok)
      assert.truthy(message:find(case[1], 1, true), message)
    end)
  end

  it("does not change once it runs", function()
    local app = declare()
    local consumer = app:consumer("g"):on("order", print)
    dispatch.compile(app, consumer)
    for name, call in pairs {
      on = function() consumer:on("receipt", print) end, ignore = function() consumer:ignore("receipt") end,
      use = function() consumer:use(print) end,
    } do
      refuses(call, ('consumer "g" runs already: call %s before'):format(name))
    end
  end)
end)

describe("require 'docmsg'", function()
  it("gives its parts when they are asked for", function()
    assert.equal(s, docmsg.schema)
    assert.equal("function", type(docmsg.app))
    assert.equal("function", type(docmsg.dedup))
    assert.is_nil(docmsg.nothing)
  end)
end)
