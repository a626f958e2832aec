-- SPDX-License-Identifier: MIT
-- An application in this process on the embedded broker. Its groups, one for each subject, join
-- together once.
local app = require "docmsg.app"
local embedded = require "support.embedded"
local kafka = require "docmsg.kafka"
local application = require "support.application"

-- A retry policy whose delays a test can wait for, and tell apart.
local RETRY <const> = { delay = "300ms", factor = 1, jitter = 0 }

-- What handlers note, by group.
local seen

---@type table<string, fun(event: docmsg.Event, ctx: docmsg.Context)>
local handlers = {}

function handlers.order(event, ctx)
  if event.key == "fails" and event.data.n == 1 and ctx.attempt <= 2 then
    return ctx:retry "not yet"
  end
  table.insert(seen.order, event.data.n)
end

function handlers.stubborn(event)
  table.insert(seen.stubborn, { key = event.key, at = os.clock() })
  if event.key == "A" then error "it never works" end
end

function handlers.poison(event) table.insert(seen.poison, event.data.n) end

function handlers.strange(event) table.insert(seen.strange, event.key) end

function handlers.outputs(event, ctx)
  table.insert(seen.outputs, event.key)
  for i = 1, 3 do ctx:emit("results", { i = i }) end
end

function handlers.refused(_, ctx) ctx:reject "no good" end

function handlers.narrow(_, ctx) ctx:reject "no good" end

function handlers.commits(event) table.insert(seen.commits, event.offset) end

function handlers.flood(event, ctx)
  if event.key == "stuck" and seen.flood.stuck then return ctx:retry("still stuck", "100ms") end
  table.insert(seen.flood, event.partition .. "/" .. event.offset)
end

function handlers.many(event, ctx)
  table.insert(seen.many, event.key)
  for i = 1, 1000000 do ctx:emit("results", { i = i }) end
end

function handlers.large(event, ctx)
  table.insert(seen.large, event.key)
  ctx:emit("results", { text = ("x"):rep(2000000) })
end

function handlers.nowhere(event, ctx)
  table.insert(seen.nowhere, event.key)
  ctx:emit("no-such-topic", { n = 1 })
end

local PATIENT <const> = { attempts = 1000, delay = "300ms", factor = 1, jitter = 0 }

describe("a group in this process", function()
  local cluster, here

  local function reset()
    seen = {}
    for name in pairs(handlers) do seen[name] = {} end
  end

  lazy_setup(function()
    cluster = embedded.start()
    local made = app.new { name = "subjects" }
    local topics = { results = 1, ["no-handler"] = 1 }
    for name, handler in pairs(handlers) do
      topics[name] = name == "flood" and 2 or 1
      made:consumer(name, { retry = name == "flood" and PATIENT or RETRY, kafka = application.quick {
        ["topic.metadata.propagation.max.ms"] = name == "nowhere" and 1000 or nil } })
        :on(name, handler)
    end
    application.topics(cluster, topics)
    reset()
    here = application.start(cluster, made)
    here:await_joined()
  end)

  lazy_teardown(function()
    assert.is_true(here:close())
    cluster:close()
    kafka.defaults { bootstrap_servers = "localhost:9092" }
  end)

  before_each(reset)

  local function produce(topic, records) application.produce(cluster, topic, records) end

  local function dead_letters(name)
    return application.read(cluster, ("%s.%s.dlq"):format(name, name))
  end

  local function await_committed(name, offset)
    here:await(function() return application.committed(cluster, name, name) == offset end, "20s",
      ("the commit of %d by %s"):format(offset, name))
  end

  -- Scenario 10.
  it("keeps the order of a key across its retries, and lets other keys pass", function()
    produce("order", {
      { key = "fails", value = '{"n":1}' }, { key = "fails", value = '{"n":2}' },
      { key = "other", value = '{"n":3}' },
    })
    here:await_acked("order", 3)
    assert.same({ 3, 1, 2 }, seen.order)
    assert.equal(2, here:stats("order").retries)
  end)

  -- Scenario 9.
  it("tries a failing key four times, holds up no other key, and idles in between", function()
    local records = { { key = "A", value = "{}" } }
    for letter = ("B"):byte(), ("Z"):byte() do
      records[#records + 1] = { key = string.char(letter), value = "{}" }
    end
    produce("stubborn", records)
    here:await_acked("stubborn", 25)
    assert.equal(0, here:stats("stubborn").dead)
    local used = os.clock()
    here:await(function() return here:stats("stubborn").dead == 1 end)
    assert.is_true(os.clock() - used < 0.6, "it is busy while it waits")
    local attempts = 0
    for _, one in ipairs(seen.stubborn) do attempts = attempts + (one.key == "A" and 1 or 0) end
    assert.equal(4, attempts)
    local letters = dead_letters("stubborn")
    assert.equal(1, #letters)
    assert.equal("exhausted", application.header(letters[1], "docmsg-reason"))
    assert.equal("4", application.header(letters[1], "__dlq.errors.delivery.count"))
    assert.matches("it never works", application.header(letters[1], "__dlq.errors.message"), 1, true)
  end)

  -- Scenario 8.
  it("sets bytes that are no event aside as they came, and handles what is around them", function()
    local poison = "\xff\0{\"n\":"
    produce("poison", {
      { key = "k", value = '{"n":1}' },
      { key = "\0k\xfe", value = poison, headers = { { "a", "1" }, { "a", "2" }, { "b" } } },
      { key = "k", value = '{"n":3}' },
    })
    here:await(function()
      return here:stats("poison").acked == 2 and here:stats("poison").dead == 1
    end)
    assert.same({ 1, 3 }, seen.poison)
    local letters = dead_letters("poison")
    assert.equal(1, #letters)
    assert.equal("\0k\xfe", letters[1].key)
    assert.equal(poison, letters[1].value)
    assert.same({ { "a", "1" }, { "a", "2" }, { "b" } }, table.move(letters[1].headers, 1, 3, 1, {}))
    assert.equal("undecodable", application.header(letters[1], "docmsg-reason"))
    assert.equal("poison", application.header(letters[1], "__dlq.errors.topic"))
    assert.equal("1", application.header(letters[1], "__dlq.errors.offset"))
    await_committed("poison", 3)
  end)

  -- Scenario 14.
  it("sets an event of an unknown type aside instead of swallowing it", function()
    produce("strange", { { key = "k", value = "{}", headers = { { "ce_type", "renamed" },
      { "ce_specversion", "1.0" }, { "ce_id", "1" }, { "ce_source", "x" } } } })
    here:await(function() return here:stats("strange").dead == 1 end)
    assert.same({}, seen.strange)
    local letters = dead_letters("strange")
    assert.equal(1, #letters)
    assert.equal("unrouted", application.header(letters[1], "docmsg-reason"))
    await_committed("strange", 1)
  end)

  -- Scenario 13.
  it("holds an input until its outputs are written, however often that fails", function()
    local failures = {}
    for i = 1, 10 do failures[i] = "NOT_LEADER_FOR_PARTITION" end
    cluster.broker:fail("Produce", failures)
    local before = #application.read(cluster, "results")
    local producer <close> = cluster:producer()
    assert(producer:publish { topic = "outputs", key = "k", value = "{}" })
    here:await(function() return #seen.outputs == 1 end)
    here:await_acked("outputs", 1, "60s")
    assert.same({ "k" }, seen.outputs)
    assert.equal(before + 3, #application.read(cluster, "results"))
    await_committed("outputs", 1)
  end)

  -- Scenario 11.
  it("does not pass a record whose dead letter is refused, until it is taken, once", function()
    produce("refused", { { key = "k", value = "{}" } })
    local failures = {}
    for i = 1, 5 do failures[i] = "TOPIC_AUTHORIZATION_FAILED" end
    cluster.broker:fail("Produce", failures)
    here:await(function() return here:stats("refused").dead_failures >= 3 end, "60s")
    assert.is_nil(application.committed(cluster, "refused", "refused"))
    assert.equal(0, #dead_letters("refused"))
    here:await(function() return here:stats("refused").dead == 1 end, "60s")
    assert.equal(5, here:stats("refused").dead_failures)
    assert.equal(1, #dead_letters("refused"))
    assert.is_truthy(here:logged "does not take the dead letter of refused [0] at 0")
    await_committed("refused", 1)
  end)

  it("leaves a dead letter that is too large as its place alone", function()
    produce("narrow", { { key = "k", value = '{"some":"value"}' } })
    cluster.broker:fail("Produce", { "MSG_SIZE_TOO_LARGE" })
    here:await(function() return here:stats("narrow").dead == 1 end, "60s")
    local letters = dead_letters("narrow")
    assert.equal(1, #letters)
    assert.is_nil(letters[1].value)
    assert.equal("k", letters[1].key)
    assert.equal("narrow", application.header(letters[1], "__dlq.errors.topic"))
    assert.equal("0", application.header(letters[1], "__dlq.errors.partition"))
    assert.equal("0", application.header(letters[1], "__dlq.errors.offset"))
    await_committed("narrow", 1) -- before a commit is refused below, whoever's it is
  end)

  -- Scenario 7.
  it("commits again what was refused while the group rebalanced, and never goes back", function()
    cluster.broker:fail("OffsetCommit", { "REBALANCE_IN_PROGRESS", "REBALANCE_IN_PROGRESS" })
    local records, highest = {}, 0
    for i = 1, 20 do records[i] = { key = "k" .. i, value = "{}" } end
    produce("commits", records)
    here:await(function()
      local offset = application.committed(cluster, "commits", "commits") or 0
      assert.is_true(offset >= highest)
      highest = offset
      return offset == 20
    end, "30s", "the commit of 20")
    assert.is_true(here:stats("commits").commit_failures >= 1)
  end)

  -- Scenario 5.
  it("holds a partition back without dropping or repeating a record", function()
    local records = {}
    seen.flood.stuck = true
    for i = 1, 12000 do records[i] = { key = "stuck", value = "{}", partition = 0 } end
    for i = 1, 3000 do records[12000 + i] = { key = "k" .. i, value = "{}", partition = 1 } end
    produce("flood", records)
    here:await(function() return here:stats("flood").held == 1 end, "60s", "the partition to be held")
    here:await_acked("flood", 3000, "60s")
    assert.equal(10000, here:stats("flood").in_flight)
    seen.flood.stuck = nil
    here:await_acked("flood", 15000, "60s")
    local times, last = {}, -1
    for _, place in ipairs(seen.flood) do
      assert.is_nil(times[place], place)
      times[place] = true
      local offset = math.tointeger(place:match("^0/(%d+)$"))
      if offset then
        assert.equal(last + 1, offset)
        last = offset
      end
    end
    assert.equal(11999, last)
    await_committed("flood", 12000)
  end)

  it("sets a record aside whose handler emits without end, and sends none of it", function()
    local before = #application.read(cluster, "results")
    produce("many", { { key = "k", value = "{}" } })
    here:await(function() return here:stats("many").dead == 1 end)
    assert.same({ "k" }, seen.many)
    assert.equal(before, #application.read(cluster, "results"))
    assert.equal("too_large", application.header(dead_letters("many")[1], "docmsg-reason"))
  end)

  it("sets a record aside whose handler emits more than a record can hold", function()
    produce("large", { { key = "k", value = "{}" } })
    here:await(function() return here:stats("large").dead == 1 end)
    assert.same({ "k" }, seen.large)
    assert.equal("too_large", application.header(dead_letters("large")[1], "docmsg-reason"))
  end)
end)
