-- SPDX-License-Identifier: MIT
local application = require "support.application"
local await = require "support.await"
local docmsg = require "docmsg"
local embedded = require "support.embedded"
local kafka = require "docmsg.kafka"
local leaks = require "support.leaks"
local log = require "docmsg.log"
local process = require "support.process"
local program = require "support.program"

local s = docmsg.schema

local EVENTS <const> = {
  ["order-placed"] = { topic = "orders", key = "id", data = s.record { id = s.string, count = s.integer { min = 1 } } },
  ["order-gone"] = { topic = "orders", key = "id", data = s.record { id = s.string } },
  ["parcel-sent"] = { topic = "parcels" },
}

describe("docmsg.bus", function()
  local cluster, before, lines
  local write = function(line) lines[#lines + 1] = line end

  before_each(function()
    before, lines = leaks.count(), {}
    cluster = embedded.start()
    kafka.defaults { bootstrap_servers = cluster.bootstrap_servers }
    application.topics(cluster, { orders = 3, parcels = 2 })
  end)

  after_each(function()
    cluster:close()
    leaks.check(before)
  end)

  local function open(options)
    local all = { name = "spec", events = EVENTS, log = log.new { write = write } }
    for name, setting in pairs(options or {}) do all[name] = setting end
    return docmsg.bus(all)
  end

  local function logged(text)
    for _, line in ipairs(lines) do
      if line:find(text, 1, true) then return line end
    end
  end

  it("publishes a checked event to its topic, by its key, and tells where it is", function()
    local bus <close> = open()
    local report = assert(bus:publish("order-placed", { id = "o1", count = 2 }, { headers = { { "tenant", "a" } } }))
    assert.equal("orders", report.topic)
    assert(logged(("Published to orders:%d:%d"):format(report.partition, report.offset)))
    local message = application.read(cluster, "orders")[1]
    assert.equal("o1", message.key)
    assert.equal('{"count":2,"id":"o1"}', message.value)
    assert.equal("order-placed", application.header(message, "ce_type"))
    assert.equal("spec", application.header(message, "ce_source"))
    assert.equal("a", application.header(message, "tenant"))
    assert.equal(report.partition, message.partition)
  end)

  it("refuses data that do not fit, before anything is sent", function()
    local bus <close> = open()
    for _, publish in ipairs { bus.publish, bus.publish_async } do
      local report, err = publish(bus, "order-placed", { id = "o1", count = 0 })
      assert.is_nil(report)
      assert.equal("SCHEMA", err.name)
      assert.is_false(err.retriable)
      assert.equal("order-placed: count: expected an integer >= 1, got 0 (SCHEMA)", tostring(err))
    end
    assert.equal(2, bus:statistics().types["order-placed"].failed)
    assert.same({}, application.read(cluster, "orders"))
  end)

  it("refuses misuse", function()
    local bus = open()
    assert.error_matches(function() bus:publish("order-plaxed", {}) end, "did you mean 'order%-placed'")
    assert.error_matches(function() bus:publish("order-placed", {}, { keys = "k" }) end, "did you mean 'key'")
    assert.error_matches(function() bus:publish("order-placed", { id = "a", count = 1 }, { key = 1 }) end,
      "key must be a string, not 1")
    assert.error_matches(function() bus:publish_async("order-placed", {}, { wait = "1s" }) end, "does not wait")
    assert.error_matches(function() bus:subscribe({}, { group = "g" }, print) end, "list of event types")
    assert.error_matches(function() bus:subscribe({ "order-placed" }, nil, print) end, "a table with `group`")
    assert.error_matches(function() bus:subscribe({ "order-plaxed" }, { group = "g" }, print) end, "did you mean")
    bus:close()
    bus:close()
    assert.error_matches(function() bus:publish("order-placed", {}) end, "this bus is closed")
    assert.error_matches(function() docmsg.bus { name = "x", events = { a = { topik = "b" } } } end, "did you mean 'topic'")
  end)

  it("has one producer for all of its events", function()
    local bus <close> = open()
    for i = 1, 20 do
      assert(bus:publish_async("order-placed", { id = "o" .. i, count = i }))
      assert(bus:publish_async("parcel-sent", { id = i }, { key = "p" }))
    end
    assert.equal(before.clients and before.clients + 1 or 1, kafka.live().clients)
    assert(bus:flush "10s")
    local types = bus:statistics().types
    assert.equal(20, types["order-placed"].sent)
    assert.equal(20, types["parcel-sent"].sent)
    assert.equal(0, types["parcel-sent"].pending)
    assert(types["order-placed"].bytes > 20 * 15)
    assert(types["order-placed"].latency_us > 0)
    assert(types["order-placed"].latency_max_us >= types["order-placed"].latency_us)
  end)

  it("does not call an event failed of which nothing is known yet", function()
    local bus <close> = open()
    assert(bus:publish("order-placed", { id = "warm", count = 1 }))
    cluster.broker:set_rtt(1, "500ms")
    local report, err, delivery = bus:publish("order-placed", { id = "slow", count = 1 }, { wait = "1ms" })
    assert.is_nil(report)
    assert.equal("_TIMED_OUT", err.name)
    assert.equal(0, bus:statistics().types["order-placed"].failed)
    assert.equal(1, bus:statistics().types["order-placed"].pending)
    assert(delivery:wait "20s")
    assert.equal(2, bus:statistics().types["order-placed"].sent)
    assert.equal(2, #application.read(cluster, "orders"))
  end)

  it("handles the events it was asked for, and no others", function()
    local bus <close> = open()
    for _, id in ipairs { "a", "b" } do
      assert(bus:publish("order-placed", { id = id, count = 1 }))
      assert(bus:publish("order-gone", { id = id }))
    end
    local seen = {}
    local placed <close> = bus:subscribe({ "order-placed" }, { group = "placed" }, function(event)
      seen[#seen + 1] = event.type .. " " .. event.key
    end)
    assert(placed:start { attempts = 1 })
    await(function()
      placed:step "50ms"
      return placed:statistics().lag == 0 and placed:statistics().handled == 2
    end)
    table.sort(seen)
    assert.same({ "order-placed a", "order-placed b" }, seen)
    local stats = bus:statistics().consumers.placed
    assert.equal(2, stats.handled)
    assert.equal(0, stats.dead)
  end)

  it("leaves nothing behind of a subscription that ended", function()
    local bus <close> = open()
    local seen = 0
    local open_clients = kafka.live().clients
    local placed = bus:subscribe({ "order-placed" }, { group = "placed" }, function() seen = seen + 1 end)
    assert(bus:publish("order-placed", { id = "a", count = 1 }))
    assert(placed:start { attempts = 1 })
    await(function()
      placed:step "50ms"
      return seen == 1
    end)
    assert.is_true(bus:unsubscribe(placed))
    assert.same({}, bus:statistics().consumers)
    assert.equal(open_clients + 1, kafka.live().clients, "the producer is left")
    assert.error_matches(function() placed:step(0) end, "was not started")
  end)

  it("counts what a handler fails at", function()
    local bus <close> = open()
    local placed <close> = bus:subscribe({ "order-placed" }, { group = "placed",
      retry = { attempts = 2, delay = "1ms" } }, function() error "no" end)
    assert(bus:publish("order-placed", { id = "a", count = 1 }))
    assert(placed:start { attempts = 1 })
    await(function()
      placed:step "50ms"
      return placed:statistics().dead == 1
    end)
    assert.equal(1, placed:statistics().failed)
    assert.equal(1, #application.read(cluster, "orders.placed.dlq"))
  end)

  it("publishes from a handler that runs in a worker", function()
    application.topics(cluster, { answers = 1, asked = 1 }, { "g" })
    application.produce(cluster, "asked", { { value = '{"id":7}' } })
    local child <close> = application.spawn(cluster.bootstrap_servers, [[
      local app = docmsg.app { name = "asking", services = {
        bus = function() return docmsg.bus { name = "answering" } end,
      } }
      app:consumer("g"):on("asked", function(event, ctx)
        local report = assert(ctx.svc.bus:publish("answers", { to = event.data.id }))
        note(report.topic, report.offset)
      end)
      return app
    ]], { words = { "--no-create" } })
    assert.same({ "answers 0" }, child:await_notes(1))
    assert.equal('{"to":7}', application.read(cluster, "answers")[1].value)
  end)

  it("is at hand in the REPL", function()
    local folder = program.folder()
    local result = process.run { process.program, "-i", "--bootstrap-servers", cluster.bootstrap_servers, cwd = folder,
      stdin = [[
bus = docmsg.bus { name = "repl" }
print(bus:publish("parcels", { id = 1 }).topic)
bus:close()
]] }
    program.remove(folder)
    assert(result.ok, result.stderr)
    assert.matches("parcels", result.stdout)
    assert.equal(1, #application.read(cluster, "parcels"))
  end)
end)
