-- SPDX-License-Identifier: MIT
local figures = require "docmsg.figures"
local group = require "support.figures".group
local http = require "docmsg.http"
local leaks = require "support.leaks"
local metrics = require "docmsg.metrics"
local script = require "support.script"

local function outcomes(changes)
  local all = { ack = 0, retry = 0, dead = 0, skip = 0, cancelled = 0 }
  for name, count in pairs(changes) do all[name] = count end
  return all
end

describe("figures", function()
  it("are read as they were told", function()
    local text = metrics.render({
      emitter = { produced = 1, failed = 0, queued = 0, types = {
        ["b\"}"] = { sent = 4, failed = 0, bytes = 10, seconds = 0.016, p50 = 0.002, p95 = 0.005, p99 = 0.0625, max = 0.25 },
        a = { sent = 0, failed = 3, bytes = 0, seconds = 0, p50 = 0, p95 = 0, p99 = 0, max = 0 },
      } },
      groups = {
        b = group { acked = 7, retries = 2, dead = 1, skipped = 3, types = {
          ["a} \"type\"\\"] = { outcomes = outcomes { ack = 7, retry = 2 }, classes = { 5, 4 }, seconds = 0.018 },
        } },
        a = group(),
      },
    }, { 1 })
    local handled, emitted = figures.read(text)
    assert.same({
      { group = "a", handled = 0, retried = 0, dead = 0, skipped = 0 },
      { group = "b", handled = 7, retried = 2, dead = 1, skipped = 3 },
      { group = "b", event = "a} \"type\"\\", handled = 7, retried = 2, dead = 0, skipped = 0, mean_ms = 2.0 },
    }, handled)
    assert.same({
      { event = "a", sent = 0, failed = 3, bytes = 0 },
      { event = "b\"}", sent = 4, failed = 0, bytes = 10, mean_ms = 4.0, p50_ms = 2.0, p95_ms = 5.0, p99_ms = 62.5,
        max_ms = 250.0 },
    }, emitted)
    assert.same({ {}, {} }, { figures.read "" })
  end)
end)

describe("http.get", function()
  local before
  before_each(function() before = leaks.count() end)
  after_each(function() leaks.check(before) end)

  it("gets a page, however large, with its code", function()
    local server <close> = assert(http.status { address = "127.0.0.1:0" })
    local large = ("figures\0\n"):rep(300000)
    server:set("/large", 200, "text/plain", large)
    server:set("/ill", 503, "text/plain", "ill\n")
    local body, code = http.get(server:address(), "/large")
    assert(body == large)
    assert.equal(200, code)
    assert.same({ "ill\n", 503 }, { http.get(server:address(), "/ill") })
    local text, found = http.get(server:address(), "/")
    assert.equal(404, found)
    assert.truthy(text:find("there is nothing here", 1, true))
  end)

  it("says why there is none", function()
    local body, reason = http.get("127.0.0.1:1", "/")
    assert.is_nil(body)
    assert.equal("127.0.0.1:1: Connection refused", reason)
    body, reason = http.get("nonsense", "/")
    assert.is_nil(body)
    assert.matches("host:port or :port expected", reason)
    local server <close> = assert(http.status { address = "127.0.0.1:0" })
    body, reason = http.get(server:address(), "/", 0)
    assert.is_nil(body)
    assert.matches("timed out", reason)
    assert.error_matches(function() http.get("127.0.0.1:1", "x") end, "a path begins with /")
    assert.error_matches(function() http.get("127.0.0.1:1", "/a b") end, "a path begins with /")
  end)
end)

describe("docmsg-lua stats", function()
  it("says what to do when nothing answers", function()
    local result = script.run { "stats", "127.0.0.1:1" }
    assert.equal(1, result.code)
    assert.truthy(result.stderr:find("127.0.0.1:1: Connection refused: does it run with --http 127.0.0.1:1?", 1, true),
      result.stderr)
  end)
end)
