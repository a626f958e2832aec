-- SPDX-License-Identifier: MIT
local figures = require "support.figures"
local metrics = require "docmsg.metrics"

local BOUNDS <const> = { 0.001, 0.1 }

local function render(groups, more)
  local stats = { emitter = { produced = 7, failed = 1, queued = 0, types = {} }, groups = groups }
  for name, value in pairs(more or {}) do stats[name] = value end
  return metrics.render(stats, BOUNDS)
end

-- The samples of a text by their names with labels; raises on lines that Prometheus would refuse.
local function parse(text)
  local samples, types, helps = {}, {}, {}
  for line in text:gmatch("([^\n]*)\n") do
    local kind, name, rest = line:match("^# (%u+) (%S+) (.+)$")
    if kind == "HELP" then
      assert(not helps[name], "two HELP lines: " .. name)
      helps[name] = rest
    elseif kind == "TYPE" then
      assert(helps[name] and not types[name], "TYPE after HELP, once: " .. name)
      types[name] = rest
    else
      local sample, value = line:match("^(%S.*) (%S+)$")
      local family = sample:match("^[%a_][%w_]*")
      local base = family:gsub("_bucket$", ""):gsub("_sum$", ""):gsub("_count$", "")
      assert(types[family] or types[base] == "histogram" or types[base] == "summary", "no TYPE: " .. line)
      assert(not samples[sample], "twice: " .. sample)
      samples[sample] = assert(tonumber(value), line)
    end
  end
  return samples, types
end

describe("metrics", function()
  it("has every figure that a run must report, with its type", function()
    local _, types = parse(render({ g = figures.group() }, { reloads = { ok = 2, failed = 1 } }))
    assert.same({
      docmsg_handler_messages_total = "counter", docmsg_handler_duration_seconds = "histogram",
      docmsg_consumer_lag_messages = "gauge", docmsg_consumer_oldest_unsettled_seconds = "gauge",
      docmsg_keys_parked = "gauge", docmsg_partitions_paused = "gauge", docmsg_retries_total = "counter",
      docmsg_dead_letters_total = "counter", docmsg_dead_letter_failures_total = "counter",
      docmsg_commits_total = "counter", docmsg_rebalances_total = "counter", docmsg_reloads_total = "counter",
      docmsg_produce_errors_total = "counter", docmsg_unaccounted_messages = "gauge",
      docmsg_lane_busy_seconds_total = "counter", docmsg_messages_total = "counter",
      docmsg_messages_in_flight = "gauge", docmsg_partitions = "gauge",
      docmsg_produced_messages_total = "counter", docmsg_emitted_messages_total = "counter",
      docmsg_emitted_bytes_total = "counter", docmsg_emit_latency_seconds = "summary",
    }, types)
  end)

  it("tells the figures of each group", function()
    local one, two = figures.group { retries = 3, parked_keys = 2 }, figures.group { retries = 5 }
    one.types = { ["order-placed"] = { outcomes = { ack = 10, retry = 3, dead = 1, skip = 0, cancelled = 0 },
      classes = { 4, 6, 4 }, seconds = 12.5 } }
    local samples = parse(render { one = one, two = two })
    assert.equal(3, samples['docmsg_retries_total{group="one"}'])
    assert.equal(5, samples['docmsg_retries_total{group="two"}'])
    assert.equal(2, samples['docmsg_keys_parked{group="one"}'])
    assert.equal(10, samples['docmsg_handler_messages_total{group="one",event_type="order-placed",outcome="ack"}'])
    assert.equal(1, samples['docmsg_produce_errors_total'])
    assert.equal(7, samples['docmsg_produced_messages_total'])
  end)

  it("counts durations up to each bound", function()
    local group = figures.group()
    group.types = { t = { outcomes = { ack = 14 }, classes = { 4, 6, 4 }, seconds = 12.5 } }
    local samples = parse(render { g = group })
    local name <const> = 'docmsg_handler_duration_seconds%s{group="g",event_type="t"%s}'
    assert.equal(4, samples[name:format("_bucket", ',le="0.001"')])
    assert.equal(10, samples[name:format("_bucket", ',le="0.1"')])
    assert.equal(14, samples[name:format("_bucket", ',le="+Inf"')])
    assert.equal(14, samples[name:format("_count", "")])
    assert.equal(12.5, samples[name:format("_sum", "")])
  end)

  it("tells what became of emitted events, and how long it took", function()
    local samples = parse(render({}, { emitter = { produced = 9, failed = 2, queued = 0, types = {
      ["order-paid"] = { sent = 8, failed = 2, bytes = 640, seconds = 0.5, p50 = 0.02, p95 = 0.1, p99 = 0.2, max = 0.25 },
    } } }))
    assert.equal(8, samples['docmsg_emitted_messages_total{event_type="order-paid",result="sent"}'])
    assert.equal(2, samples['docmsg_emitted_messages_total{event_type="order-paid",result="failed"}'])
    assert.equal(640, samples['docmsg_emitted_bytes_total{event_type="order-paid"}'])
    assert.equal(0.02, samples['docmsg_emit_latency_seconds{event_type="order-paid",quantile="0.5"}'])
    assert.equal(0.25, samples['docmsg_emit_latency_seconds{event_type="order-paid",quantile="1"}'])
    assert.equal(0.5, samples['docmsg_emit_latency_seconds_sum{event_type="order-paid"}'])
    assert.equal(8, samples['docmsg_emit_latency_seconds_count{event_type="order-paid"}'])
  end)

  it("tells the lag of partitions where it is known", function()
    local samples = parse(render { g = figures.group { places = {
      { topic = "t", partition = 0, lag = 12 }, { topic = "t", partition = 1 } } } })
    assert.equal(12, samples['docmsg_consumer_lag_messages{group="g",topic="t",partition="0"}'])
    assert.is_nil(samples['docmsg_consumer_lag_messages{group="g",topic="t",partition="1"}'])
  end)

  it("escapes labels", function()
    local text = render { ['a"b\\c\nd%1ü'] = figures.group() }
    parse(text)
    assert.truthy(text:find([[docmsg_retries_total{group="a\"b\\c\nd%1ü"} 0]], 1, true), text)
  end)

  it("is the same text for the same figures", function()
    local groups = {}
    for i = 1, 20 do groups["g" .. i] = figures.group { retries = i } end
    assert.equal(render(groups), render(groups))
  end)

  it("has no reloads where nothing is reloaded", function()
    assert.is_nil(render({ g = figures.group() }):find("reloads", 1, true))
  end)
end)
