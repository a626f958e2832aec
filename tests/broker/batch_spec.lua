-- SPDX-License-Identifier: MIT
-- Batch handlers against what ends processes, on a real broker. An independent reader counts.
local broker = require "support.broker"
local pipeline = require "support.pipeline"

local NOTHING_WRONG <const> = { lost = {}, doubled = {}, stray = {} }

describe("a batch handler on a real broker", function()
  local cluster

  before_each(function() cluster = broker.connect() end)

  local function run_with_kills(line, kills)
    for _ = 1, kills do
      local member <close> = line:start()
      line:await_written(member, 700)
      member:kill("KILL")
      member:wait()
    end
    local last <close> = line:start()
    return line:finish(last)
  end

  it("loses nothing, whenever it is killed", function()
    local line <close> = pipeline.new(cluster, { instance_id = true, batch = "{ max = 50 }" })
    line:produce(8000)
    local found = run_with_kills(line, 3)
    assert.same({ {}, {} }, { found.lost, found.stray })
  end)

  it("shows every output and dead letter once with exactly-once, whenever it is killed", function()
    local line <close> = pipeline.new(cluster, {
      guarantee = "exactly-once", instance_id = true, batch = "{ max = 50 }",
    })
    line:produce(8000)
    assert.same(NOTHING_WRONG, run_with_kills(line, 3))
  end)

  it("gives up a partition at once while events of it wait, and another member takes them", function()
    local line <close> = pipeline.new(cluster, { batch = '{ max = 7000, wait = "20s" }' })
    line:produce(600)
    local first <close> = line:start()
    first:await_stderr("6 partitions gained", "30s")
    local second <close> = line:start()
    second:await_stderr("partitions gained", "15s")
    assert.same(NOTHING_WRONG, line:finish(second))
    first:kill("TERM")
    assert.equal(0, first:wait().code)
  end)
end)
