-- SPDX-License-Identifier: MIT
local figures = require "support.figures"
local health = require "docmsg.health"
local http = require "docmsg.http"
local script = require "support.script"

local function stats(...)
  local groups = {}
  for i, changes in ipairs { ... } do groups["g" .. i] = figures.group(changes) end
  return { groups = groups, emitter = {} }
end

describe("health", function()
  it("is alive while groups do their rounds", function()
    assert.same({ true, "ok" }, { health.live(stats({}, { state = "joining" }, { state = "ended" })) })
  end)

  it("is alive before a group's thread has looked for the first time", function()
    local joining = stats { state = "joining" }
    joining.groups.g1.polled_ms = nil
    assert.is_true((health.live(joining)))
  end)

  local dead = {
    { "a thread that has not looked at its consumer for 10 s", { polled_ms = 10001 },
      "g2: its thread has not looked at the consumer for 10 s" },
    { "a handler that does not end", { stuck = 1 }, "g2: 1 handler does not end within the limit" },
    { "handlers that do not end", { stuck = 2 }, "g2: 2 handlers do not end within the limit" },
    { "a group that failed", { state = "failed" }, "g2: failed" },
  }
  for _, case in ipairs(dead) do
    it("is not alive with " .. case[1], function()
      assert.same({ false, case[3] }, { health.live(stats({}, case[2])) })
    end)
  end

  it("does not expect rounds of a group that drains or has ended", function()
    assert.is_true((health.live(stats({ state = "draining", polled_ms = 20000 }, { state = "ended", polled_ms = 20000 }))))
  end)

  it("is ready when all groups have joined", function()
    assert.same({ true, "ok" }, { health.ready(stats({}, {}), false) })
    assert.same({ false, "g2: joining" }, { health.ready(stats({}, { state = "joining" }), false) })
    assert.same({ false, "g1: draining\ng2: ended" },
      { health.ready(stats({ state = "draining" }, { state = "ended" }), false) })
  end)

  it("is not ready while it drains", function()
    assert.same({ false, "draining" }, { health.ready(stats({}), true) })
  end)
end)

describe("the status line", function()
  local status_line = require "docmsg.status_line"

  it("tells rate, lag and what is under way", function()
    local before = stats { acked = 1000 }
    local now = stats { acked = 3500, skipped = 20, lag = 12345, in_flight = 17, parked_keys = 2, held = 1, dead = 1 }
    assert.equal("g1: 1.3k/s  lag 12.3k  17 in flight  2 parked  1 held back  1 dead letter",
      status_line.text(now, before, 2))
  end)

  it("leaves out what is not there", function()
    local quiet = stats {}
    quiet.groups.g1.lag = nil
    assert.equal("g1: 0/s  lag ?  0 in flight", status_line.text(quiet, nil, 0))
  end)

  it("has a part for each group", function()
    assert.equal("g1: 0/s  lag 0  0 in flight | g2: joining", status_line.text(stats({}, { state = "joining" }), nil, 0))
  end)

  it("is drawn over itself and does not wrap", function()
    assert.equal("\r\27[K\27[?7lx\27[?7h\r", status_line.draw("x"))
  end)
end)

describe("docmsg-lua health", function()
  -- Exit code and output, asked of a server whose answers these are.
  local function ask(answers, ...)
    local server <close> = assert(http.status { address = "127.0.0.1:0" })
    for path, answer in pairs(answers) do server:set(path, answer[1], "text/plain", answer[2]) end
    local result = script.run { "health", server:address(), ... }
    return { result.code, result.stdout, result.stderr }
  end

  it("ends with 0 when it is ready, and with 1 and the answer when not", function()
    assert.same({ 0, "ok\n", "" }, ask { ["/readyz"] = { 200, "ok\n" }, ["/livez"] = { 503, "stuck\n" } })
    assert.same({ 1, "", "docmsg-lua: 503: orders: joining\n" }, ask { ["/readyz"] = { 503, "orders: joining\n" } })
    assert.same({ 1, "", "docmsg-lua: 503: stuck\n" },
      ask({ ["/readyz"] = { 200, "ok\n" }, ["/livez"] = { 503, "stuck\n" } }, "--live"))
  end)

  it("says why there is no answer", function()
    local result = script.run { "health", "127.0.0.1:1" }
    assert.equal(1, result.code)
    assert.equal("docmsg-lua: 127.0.0.1:1: Connection refused\n", result.stderr)
  end)
end)
