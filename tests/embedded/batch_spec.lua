-- SPDX-License-Identifier: MIT
-- Batch handlers on the embedded broker, in this process. Their groups, one for each subject, join
-- together once.
local app = require "docmsg.app"
local application = require "support.application"
local embedded = require "support.embedded"
local json = require "docmsg.json"
local kafka = require "docmsg.kafka"

local RETRY <const> = { delay = "100ms", factor = 1, jitter = 0 }

-- What handlers note, by group.
local seen

---@type table<string, {batch: table, timeout?: string, handler: fun(events: docmsg.Event[], contexts: docmsg.Context[])}>
local subjects = {}

subjects.sizes = { batch = { max = 40, wait = "200ms" }, handler = function(events, contexts)
  table.insert(seen.sizes, #events)
  seen.frame, seen.work = events[1][1], events[1][1].work -- nobody should, and nothing may come of it
  for i, event in ipairs(events) do contexts[i]:emit("results", { n = event.data.n }) end
end }

subjects.order = { batch = { max = 10, wait = "200ms" }, handler = function(events, contexts)
  for i, event in ipairs(events) do
    local again = event.key == "fails" and event.data.n == 1 and contexts[i].attempt <= 2
    if again then contexts[i]:retry "not yet" else table.insert(seen.order, event.data.n) end
  end
end }

subjects.slow = { batch = { max = 3, wait = "200ms" }, timeout = "300ms", handler = function(events, contexts)
  table.insert(seen.slow, #events .. "/" .. contexts[1].attempt)
  while contexts[1].attempt == 1 do end
end }

subjects.mixed = { batch = { max = 10, wait = "1m" }, handler = function(events)
  table.insert(seen.mixed, #events)
end }

subjects.waits = { batch = { max = 10, wait = "1h" }, handler = function(events)
  table.insert(seen.waits, #events)
end }

describe("a batch handler in this process", function()
  local cluster, here

  local function reset()
    seen = {}
    for name in pairs(subjects) do seen[name] = {} end
  end

  lazy_setup(function()
    cluster = embedded.start()
    local made = app.new { name = "batches" }
    local topics = { results = 1, single = 1 }
    for name, subject in pairs(subjects) do
      topics[name] = 1
      local consumer = made:consumer(name, { retry = RETRY, kafka = application.quick() })
      consumer:on(name, { batch = subject.batch, timeout = subject.timeout }, subject.handler)
      if name == "mixed" then
        consumer:on("single", function() table.insert(seen.mixed, "single") end)
      end
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

  local function produce(topic, numbers)
    local records = {}
    for i, n in ipairs(numbers) do
      records[i] = { key = tostring(n), value = json.encode { n = n } }
    end
    application.produce(cluster, topic, records)
  end

  local function range(count)
    local numbers = {}
    for i = 1, count do numbers[i] = i end
    return numbers
  end

  it("gets as many events as it takes, and what is left after its wait; all are sent once", function()
    produce("sizes", range(90))
    here:await_acked("sizes", 90)
    assert.same({ 40, 40, 10 }, seen.sizes)
    local found = {}
    for _, message in ipairs(application.read(cluster, "results")) do
      local n = json.decode(message.value).n
      assert.is_nil(found[n])
      found[n] = true
    end
    assert.equal(90, #found)
  end)

  it("leaves nothing of its records to those who keep them", function()
    produce("sizes", range(40))
    here:await(function() return seen.frame and not seen.frame.work end, "30s", "the batch to be settled")
    for _, read in ipairs {
      function(work) return work.key end, function(work) return work:header "x" end,
      function(work) return work:headers() end, function(work) return work:emit("results", nil, "1", "results") end,
    } do
      assert.error_matches(function() return read(seen.work) end, "event released")
    end
    assert.matches("released", tostring(seen.work))
  end)

  it("keeps the order of a key across a retry, and lets other keys pass", function()
    application.produce(cluster, "order", {
      { key = "fails", value = '{"n":1}' }, { key = "fails", value = '{"n":2}' },
      { key = "other", value = '{"n":3}' },
    })
    here:await(function() return here:stats("order").acked == 3 end)
    -- 2 was in the batch with 1, and had to come again after it.
    assert.same({ 2, 3, 1, 2 }, seen.order)
    assert.equal(2, here:stats("order").retries) -- of 1 alone: 2 has failed at nothing
  end)

  it("is ended by its limit, and all its events come again", function()
    produce("slow", range(3))
    here:await_acked("slow", 3)
    assert.same({ "3/1", "3/2" }, seen.slow)
    assert.equal(3, here:stats("slow").retries)
    assert.is_truthy(here:logged "the handler ran longer than its limit of 300 ms")
  end)

  it("runs before an event of another handler is handled", function()
    produce("mixed", range(2))
    here:await(function() return here:stats("mixed").admitted == 2 end)
    produce("single", { 1 })
    here:await_acked("mixed", 3)
    assert.same({ 2, "single" }, seen.mixed)
  end)

  it("does not hold up the end: what waits for more events was not begun", function()
    produce("waits", range(5))
    here:await(function() return here:stats("waits").admitted == 5 end)
    local runner = here.runner
    runner:stop()
    here:await(function() return not runner:step "10ms" end, "10s", "the end")
    local stats = here:stats "waits"
    assert.same({ 0, 5 }, { stats.acked, stats.cancelled })
    assert.same({}, seen.waits)
    assert.is_nil(application.committed(cluster, "waits", "waits"))
  end)
end)
