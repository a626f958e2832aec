-- SPDX-License-Identifier: MIT
-- Exactly-once against what ends processes and transactions, on a real broker. An independent
-- reader counts.
local await = require "support.await"
local broker = require "support.broker"
local pipeline = require "support.pipeline"
local random = require "support.random"

local SEED = tonumber(os.getenv("DOCMSG_TEST_SEED")) or os.time()
local NOTHING_WRONG <const> = { lost = {}, doubled = {}, stray = {} }

describe("exactly-once on a real broker", function()
  local cluster, points

  before_each(function()
    cluster = broker.connect()
    points = random.new(SEED)
    print(("DOCMSG_TEST_SEED=%d"):format(SEED))
  end)

  -- Runs the pipeline to its end, with processes killed on the way.
  local function run_with_kills(line, kills)
    for _ = 1, kills do
      local member <close> = line:start()
      line:await_written(member, 1 + points:below(1500))
      member:kill("KILL")
      member:wait()
    end
    local last <close> = line:start()
    return line:finish(last)
  end

  it("shows every output and dead letter once, whenever the consumer is killed", function()
    local line <close> = pipeline.new(cluster, { guarantee = "exactly-once", instance_id = true })
    line:produce(20000)
    assert.same(NOTHING_WRONG, run_with_kills(line, 8))
  end)

  it("would see duplicates: at-least-once has some after the same kills", function()
    local line <close> = pipeline.new(cluster, { guarantee = "at-least-once", instance_id = true })
    line:produce(20000)
    local found = run_with_kills(line, 8)
    assert.same({}, found.lost)
    assert.is_true(#found.doubled > 0)
    print(("at-least-once: %d of %d records doubled by 8 kills"):format(#found.doubled, line.count))
  end)

  it("goes on after the broker has aborted the transaction of a process that stood still", function()
    local line <close> = pipeline.new(cluster, {
      guarantee = "exactly-once", instance_id = true, seconds = 0.001,
      kafka = '["transaction.timeout.ms"] = 1000, ["session.timeout.ms"] = 30000',
    })
    line:produce(6000)
    local member <close> = line:start()
    for _ = 1, 3 do
      line:stop_inside(member)
      await(function() return not line:is_open() end, "20s", "the broker to abort the transaction")
      member:kill("CONT")
      line:await_written(member, 1 + points:below(500))
    end
    assert.same(NOTHING_WRONG, line:finish(member))
  end)

  it("drops the transaction of a process that stood still while another took its partitions", function()
    local line <close> = pipeline.new(cluster, {
      guarantee = "exactly-once", kafka = '["transaction.timeout.ms"] = 3000',
    })
    line:produce(8000)
    local first <close> = line:start()
    local second <close> = line:start()
    first:await_stderr("[1-9] partitions gained", "30s")
    second:await_stderr("[1-9] partitions gained", "30s")
    line:stop_inside(first)
    line:await_alone(second)
    line:await_written(second, 500)
    first:kill("CONT")
    line:await_handled(second)
    first:kill("TERM")
    first:wait()
    assert.same(NOTHING_WRONG, line:finish(second))
  end)

  it("ends a process whose instance_id another one has", function()
    local line <close> = pipeline.new(cluster, { guarantee = "exactly-once", instance_id = true })
    line:produce(6000)
    local first <close> = line:start()
    line:await_written(first, 500)
    local second <close> = line:start()
    local result = first:wait()
    assert.equal(1, result.code, result.stderr)
    assert.matches("FENCED_INSTANCE_ID", result.stderr, 1, true)
    assert.same(NOTHING_WRONG, line:finish(second))
  end)

  it("makes dead letters of those alone whose events the broker refuses", function()
    local line <close> = pipeline.new(cluster, {
      guarantee = "exactly-once", largest = 2000,
      reject = 'return ctx:emit("out", { n = event.data.n, padding = ("x"):rep(5000) })',
    })
    line:produce(300)
    local member <close> = line:start()
    assert.same(NOTHING_WRONG, line:finish(member))
  end)

  it("makes dead letters of those whose events have no topic", function()
    local line <close> = pipeline.new(cluster, {
      guarantee = "exactly-once", reject = 'return ctx:emit("nowhere", { n = event.data.n })',
    })
    line:produce(60)
    local member <close> = line:start()
    assert.same(NOTHING_WRONG, line:finish(member))
  end)
end)
