-- SPDX-License-Identifier: MIT
-- Dead letters of real groups on Apache Kafka: looked at, and sent back.
local await = require "support.await"
local broker = require "support.broker"
local docmsg = require "docmsg"
local json = require "docmsg.json"
local kafka = require "docmsg.kafka"
local log = require "docmsg.log"
local name = require "support.name"
local runner = require "docmsg.runner"
local workplace = require "support.workplace"

local VALUE <const> = "v\xff\0"

---A topic, two groups that read it, and what they handled.
---@class test.Stage
---@field broken boolean the handler of the first group fails
---@field handled table<string, string[]> keys by group
local Stage = {}
Stage.__index = Stage

local function new_stage()
  local cluster = broker.connect()
  kafka.defaults { bootstrap_servers = cluster.bootstrap_servers }
  local self = setmetatable({
    cluster = cluster, topic = cluster:topic { partitions = 2 }, first = name.unique "first",
    second = name.unique "second", broken = true, handled = {}, place = workplace.new(cluster.bootstrap_servers),
  }, Stage)
  self.dead = self.topic.name .. "." .. self.first .. ".dlq"
  finally(function()
    local admin <close> = cluster:admin()
    admin:delete_topics { self.topic.name, self.dead, self.topic.name .. "." .. self.second .. ".dlq" }
    self.place:close()
    kafka.defaults {}
  end)
  return self
end

function Stage:app()
  local app = docmsg.app { name = "stage" }
  for _, group in ipairs { self.first, self.second } do
    self.handled[group] = self.handled[group] or {}
    app:consumer(group, { retry = { attempts = 1 } }):on(self.topic.name, { lazy = true }, function(event, ctx)
      if group == self.first and self.broken then return ctx:reject("no: " .. event.key) end
      table.insert(self.handled[group], event.key)
    end)
  end
  return app
end

function Stage:publish(...)
  local producer <close> = self.cluster:producer {}
  for _, key in ipairs { ... } do
    assert(producer:publish { topic = self.topic.name, key = key, value = VALUE, timestamp = 1700000000123,
      headers = { { "a", "1" }, { "a" } } })
  end
end

-- Runs both groups until the predicate is true of their figures and the handled keys.
function Stage:run_until(predicate)
  local running <close> = assert(runner.start(self:app(), { log = log.new { write = function() end } }))
  await(function()
    running:step "50ms"
    local stats = running:stats().groups
    return predicate(stats[self.first], stats[self.second])
  end, "60s")
  running:stop()
  while running:step "50ms" do end
end

-- Both groups see the records; the first one sets them aside.
function Stage:fail(...)
  local count = select("#", ...)
  self:publish(...)
  self:run_until(function(first, second) return first.dead == count and second.acked == count end)
end

function Stage:dlq(code, verb, ...)
  local stdout, stderr = self.place:expect(code, "dlq", verb, "-F", "json", ...)
  return assert(json.decode(stdout)), stderr
end

-- The records of the source topic.
function Stage:records()
  local consumer <close> = self.cluster:consumer()
  assert(consumer:assign { { topic = self.topic.name, partition = 0, offset = "earliest" },
    { topic = self.topic.name, partition = 1, offset = "earliest" } })
  local low0, high0 = consumer:watermarks(self.topic.name, 0)
  local low1, high1 = consumer:watermarks(self.topic.name, 1)
  local records = {}
  await(function()
    local message = consumer:poll "100ms"
    if message then records[#records + 1] = message:copy() end
    return #records == high0 - low0 + high1 - low1
  end)
  return records
end

local function last_header(record, wanted)
  local value
  for _, header in ipairs(record.headers) do
    if header[1] == wanted then value = header[2] end
  end
  return value
end

describe("dlq on Apache Kafka", function()
  it("lists and shows what was set aside", function()
    local stage = new_stage()
    stage:fail("a", "b", "c")
    local list = stage:dlq(0, "list", stage.first)
    assert.same({ { topic = stage.dead, source = stage.topic.name, group = stage.first, records = 3, redriven = 0,
      reasons = { rejected = 3 } } }, list)
    local shown = stage:dlq(0, "show", stage.dead)
    assert.equal(3, #shown)
    for _, letter in ipairs(shown) do
      assert.same({ "rejected", "no: " .. letter.key, stage.topic.name, "v\\xFF\0", 1700000000123 },
        { letter.reason, letter.message, letter.source.topic, letter.value, letter.timestamp })
    end
    assert.equal(1, #stage:dlq(0, "show", stage.first, "-n", "1"))
    assert.equal(0, #stage:dlq(0, "show", stage.first, "--reason", "schema"))
    assert.equal(0, #stage:dlq(0, "show", stage.first, "--until", "1h"))
    assert.equal(3, #stage:dlq(0, "show", stage.first, "--since", "1h"))
  end)

  it("sends them back: only the group that failed handles them again", function()
    local stage = new_stage()
    stage:fail("a", "b")
    local before = stage:records()
    local planned, told = stage:dlq(0, "redrive", stage.first)
    assert.same({ { topic = stage.dead, source = stage.topic.name, group = stage.first, reason = "rejected",
      status = "pending", records = 2 } }, planned)
    assert.truthy(told:find(("%s is also read by %s:"):format(stage.topic.name, stage.second), 1, true), told)
    assert.truthy(told:find("dry run: nothing was changed; --execute sends 2 records back", 1, true), told)
    assert.equal(#before, #stage:records())
    assert.equal(0, stage:dlq(0, "list", stage.first)[1].redriven)

    assert.equal("redriven", stage:dlq(0, "redrive", stage.first, "--execute")[1].status)
    local after = stage:records()
    assert.equal(4, #after)
    local originals = {}
    for _, record in ipairs(before) do originals[record.key] = record end
    for _, record in ipairs(after) do
      local original = originals[record.key]
      if last_header(record, "docmsg-redrive-group") then
        assert.same({ original.value, original.timestamp, original.partition },
          { record.value, record.timestamp, record.partition })
        assert.same({ { "a", "1" }, { "a" }, { "docmsg-redrive-group", stage.first }, { "docmsg-redrive-count", "1" } },
          record.headers)
      end
    end
    assert.same({}, stage:dlq(0, "redrive", stage.first, "--execute"))
    assert.equal(4, #stage:records())
    assert.equal(2, stage:dlq(0, "list", stage.first)[1].redriven)

    stage.broken = false
    stage:run_until(function(first, second) return first.acked == 2 and second.skipped == 2 end)
    table.sort(stage.handled[stage.first])
    assert.same({ "a", "b" }, stage.handled[stage.first])
    assert.equal(2, #stage.handled[stage.second])
  end)

  it("remembers what was sent back out of order", function()
    local stage = new_stage()
    stage:fail("k", "k", "k", "k", "k")
    local first = stage:dlq(0, "show", stage.first)[1].offset
    local function redrive(...)
      local results = stage:dlq(0, "redrive", stage.first, "--execute", ...)
      return results[1] and results[1].records or 0
    end
    assert.equal(2, redrive("--offsets", ("%d-%d"):format(first + 2, first + 3)))
    assert.equal(1, redrive("--limit", "1"))
    assert.equal(2, redrive("--rate", "2/s"))
    assert.equal(0, redrive())
    assert.equal(10, #stage:records())
  end)

  it("refuses a record that has come back three times", function()
    local stage = new_stage()
    stage:fail "a"
    for count = 1, 3 do
      assert.equal(1, stage:dlq(0, "redrive", stage.first, "--execute")[1].records)
      stage:run_until(function(first) return first.dead == 1 end)
      assert.equal(count, stage:dlq(0, "show", stage.first, "-n", "9")[count + 1].redrives)
    end
    local refused = stage:dlq(4, "redrive", stage.first, "--execute")
    assert.same({ "refused", 1, "it was redriven 3 times already" },
      { refused[1].status, refused[1].records, refused[1].why })
    stage:publish "b"
    stage:run_until(function(first) return first.dead == 1 end)
    local mixed = stage:dlq(5, "redrive", stage.first, "--execute")
    table.sort(mixed, function(x, y) return x.status < y.status end)
    assert.same({ "redriven", "refused" }, { mixed[1].status, mixed[2].status })
  end)

  it("says what it does not know", function()
    local stage = new_stage()
    local _, told = stage.place:expect(1, "dlq", "show", stage.topic.name .. "x")
    assert.truthy(told:find("there is no topic " .. stage.topic.name .. "x", 1, true), told)
    stage.place.servers = "127.0.0.1:1"
    stage.place:expect(1, "dlq", "list", "--timeout", "300ms")
    stage.place:expect(2, "dlq", "redrive", "t", "--limit", "0")
    stage.place:expect(2, "dlq", "redrive", "t", "--rate", "x")
    stage.place:expect(2, "dlq", "redrive")
  end)
end)
