-- SPDX-License-Identifier: MIT
local await = require "support.await"
local client = require "support.http"
local docmsg = require "docmsg"
local embedded = require "support.embedded"
local kafka = require "docmsg.kafka"
local log = require "docmsg.log"
local runner = require "docmsg.runner"

-- Handlers that do as their record's value says.
local function declare(topic, group)
  local app = docmsg.app { name = "figures" }
  app:consumer(group, { retry = { attempts = 2, delay = "1ms" } }):on(topic, { lazy = true }, function(event, ctx)
    local order = event.value
    if order == "reject" then return ctx:reject "no" end
    if order == "skip" then return ctx:skip "not for us" end
    if order == "fail" or order == "once" and ctx.attempt == 1 then error "oh" end
  end)
  return app
end

local function publish(cluster, topic, values)
  local producer <close> = cluster:producer {}
  for _, value in ipairs(values) do assert(producer:publish { topic = topic, value = value }) end
end

-- Points the clients that name no broker to the cluster while the value lives.
local function use(cluster)
  kafka.defaults { bootstrap_servers = cluster.bootstrap_servers }
  return setmetatable({}, { __close = function() kafka.defaults {} end })
end

local function start(app, options)
  local lines = {}
  options = options or {}
  options.log = log.new { write = function(line) lines[#lines + 1] = line end }
  options.attempts = 1
  return assert(runner.start(app, options)), lines
end

-- Steps the runner until the predicate is true.
local function step(running, predicate)
  return await(function()
    running:step "20ms"
    return predicate()
  end)
end

describe("the figures of a run", function()
  it("count what became of each record", function()
    local cluster <close> = embedded.start()
    local _ <close> = use(cluster)
    local topic = cluster:topic()
    local group = cluster:group()
    publish(cluster, topic.name, { "ok", "reject", "skip", "once", "fail", "ok" })
    local running <close> = start(declare(topic.name, group))
    step(running, function()
      local stats = running:stats().groups[group]
      return stats.acked + stats.dead + stats.skipped == 6 and stats.lag == 0 and stats.commits > 0
    end)
    local stats = running:stats().groups[group]
    assert.same({ 6, 3, 2, 1, 0, 0 }, { stats.admitted, stats.acked, stats.dead, stats.skipped, stats.cancelled,
      stats.unaccounted })
    assert.same({ 2, 1, 1 }, { stats.retries, stats.reasons.rejected, stats.reasons.exhausted })
    local handled = stats.types[topic.name]
    assert.same({ ack = 3, dead = 2, retry = 2, skip = 1, cancelled = 0 }, handled.outcomes)
    local runs = 0
    for _, count in ipairs(handled.classes) do runs = runs + count end
    assert.equal(8, runs)
    assert.truthy(handled.seconds > 0 and math.abs(handled.seconds - stats.busy[1]) < 1e-9)
    assert.same({ { topic = topic.name, partition = 0, lag = 0 } }, stats.places)
  end)

  it("count what handlers emit by its type, without dead letters", function()
    local cluster <close> = embedded.start()
    local _ <close> = use(cluster)
    local source, target, group = cluster:topic(), cluster:topic(), cluster:group()
    local app = docmsg.app { name = "figures", events = {
      order = { topic = source.name }, paid = { topic = target.name }, shipped = { topic = target.name },
    } }
    app:consumer(group):on("order", { lazy = true }, function(event, ctx)
      ctx:emit("paid", { amount = 1 })
      if event.value == "both" then ctx:emit("shipped", {}) end
      if event.value == "reject" then return ctx:reject "no" end
    end)
    publish(cluster, source.name, { "both", "one", "reject", "both" })
    local running <close> = start(app)
    assert.same({}, running:stats().emitter.types)
    step(running, function() return running:stats().emitter.produced == 6 end)
    local types = running:stats().emitter.types
    assert.same({ 3, 0, 36 }, { types.paid.sent, types.paid.failed, types.paid.bytes })
    assert.same({ 2, 0, 4 }, { types.shipped.sent, types.shipped.failed, types.shipped.bytes })
    assert.is_nil(next(types, next(types, (next(types)))))
    for _, latency in pairs(types) do
      assert(latency.p50 > 0 and latency.p50 <= latency.p95 and latency.p95 <= latency.p99 and latency.p99 <= latency.max)
      assert(latency.max <= latency.seconds and latency.seconds < 30)
    end
  end)

  it("count emitted events that the broker will never have", function()
    local cluster <close> = embedded.start()
    local _ <close> = use(cluster)
    local source, target, group = cluster:topic(), cluster:topic { partitions = 1 }, cluster:group()
    local app = docmsg.app { name = "figures", events = {
      order = { topic = source.name }, paid = { topic = target.name },
    } }
    app:consumer(group):on("order", { lazy = true }, function(event, ctx)
      ctx:emit("paid", { amount = 1 }, { partition = tonumber(event.value) })
    end)
    publish(cluster, source.name, { "0", "7", "7" })
    local running <close> = start(app)
    step(running, function()
      local stats = running:stats()
      return stats.groups[group].dead == 2 and stats.emitter.produced == 3
    end)
    local stats = running:stats().emitter
    assert.same({ 1, 2 }, { stats.types.paid.sent, stats.types.paid.failed })
    assert.equal(2, stats.failed)
  end)

  it("count a type that the group does not handle as other", function()
    local cluster <close> = embedded.start()
    local _ <close> = use(cluster)
    local topic = cluster:topic()
    local group = cluster:group()
    local producer <close> = cluster:producer {}
    assert(producer:publish { topic = topic.name, value = "x", headers = {
      { "ce_specversion", "1.0" }, { "ce_type", "forged" } } })
    local running <close> = start(declare(topic.name, group))
    step(running, function() return running:stats().groups[group].dead == 1 end)
    local types = running:stats().groups[group].types
    assert.is_nil(types.forged)
    assert.equal(1, types.other.outcomes.dead)
  end)

  it("tell the lag of what was not handled", function()
    local cluster <close> = embedded.start()
    local _ <close> = use(cluster)
    local topic = cluster:topic { partitions = 2 }
    local group = cluster:group()
    local app = docmsg.app { name = "figures" }
    app:consumer(group, { retry = { attempts = 100, delay = "1h", max = "1h" } }):on(topic.name, function()
      error "not now"
    end)
    local producer <close> = cluster:producer {}
    for _ = 1, 5 do assert(producer:publish { topic = topic.name, partition = 1, key = "k", value = "{}" }) end
    local running <close> = start(app)
    -- The lag of a partition is unknown until something was fetched from it, or seen to be nothing.
    step(running, function()
      local stats = running:stats().groups[group]
      local known = stats.places[1] and stats.places[1].lag and stats.places[2] and stats.places[2].lag
      return known and stats.lag == 5
    end)
    local stats = running:stats().groups[group]
    assert.equal(1, stats.parked_keys)
    assert.truthy(stats.oldest_ms >= 0)
    assert.equal(5, stats.in_flight)
    table.sort(stats.places, function(a, b) return a.partition < b.partition end)
    assert.same({ 0, 5 }, { stats.places[1].lag, stats.places[2].lag })
  end)

  it("say at the end what became of the records", function()
    local cluster <close> = embedded.start()
    local _ <close> = use(cluster)
    local topic = cluster:topic()
    local group = cluster:group()
    publish(cluster, topic.name, { "ok", "reject", "once" })
    local running, lines = start(declare(topic.name, group), { signal = function() return nil end })
    local _ <close> = running
    step(running, function() return running:stats().groups[group].acked == 2 end)
    running:stop()
    assert.is_true(running:run())
    assert.truthy(table.concat(lines):find(group .. ": 2 handled, 0 skipped, 1 retries, 1 dead letters, 0 left for later", 1, true),
      table.concat(lines))
    assert.equal(3, running:stats().groups[group].admitted)
  end)
end)

describe("--http", function()
  it("tells figures, and health from before the groups have joined to the draining", function()
    local cluster <close> = embedded.start()
    local _ <close> = use(cluster)
    local topic = cluster:topic()
    local group = cluster:group()
    publish(cluster, topic.name, { "ok", "ok" })
    local running <close>, lines = start(declare(topic.name, group), { http = ":0" })
    local address = table.concat(lines):match("http://(127%.0%.0%.1:%d+)")
    assert.equal("starting\n", client.get(address, "/readyz").body)
    assert.equal(200, client.get(address, "/livez").code)
    step(running, function() return client.get(address, "/readyz").code == 200 end)
    local handled <const> = ('docmsg_handler_messages_total{group="%s",event_type="%s",outcome="ack"} 2\n'):format(group,
      topic.name)
    step(running, function() return client.get(address, "/metrics").body:find(handled, 1, true) end)
    assert.truthy(client.get(address, "/metrics").head:find("Content-Type: text/plain; version=0.0.4", 1, true))
    running:stop()
    step(running, function() return client.get(address, "/readyz").body == "draining\n" end)
    assert.equal(200, client.get(address, "/livez").code)
  end)

  it("is told between slow handlers on the calling thread", function()
    local cluster <close> = embedded.start()
    local _ <close> = use(cluster)
    local topic = cluster:topic()
    local values, handled, most = {}, 0, 0
    for i = 1, 40 do values[i] = "v" .. i end
    publish(cluster, topic.name, values)
    local app = docmsg.app { name = "figures" }
    app:consumer(cluster:group()):on(topic.name, { lazy = true }, function()
      kafka.sleep "60ms"
      handled = handled + 1
    end)
    local running <close> = start(app)
    await(function()
      local before = handled
      running:step "20ms"
      most = math.max(most, handled - before)
      return handled == 40
    end)
    assert.truthy(most <= 18, most .. " in one step")
  end)

  it("stays alive and ready while the broker is away", function()
    local cluster <close> = embedded.start()
    local _ <close> = use(cluster)
    local topic = cluster:topic()
    local group = cluster:group()
    local running <close>, lines = start(declare(topic.name, group), { http = ":0" })
    local address = table.concat(lines):match("http://(127%.0%.0%.1:%d+)")
    step(running, function() return client.get(address, "/readyz").code == 200 end)
    cluster.broker:set_up(1, false)
    step(running, function() return table.concat(lines):find("refused") end)
    assert.equal(200, client.get(address, "/livez").code)
    cluster.broker:set_up(1, true)
  end)

  it("refuses an address that other machines reach, unless it is asked for", function()
    local app = declare("t", "g")
    local none, reason = runner.start(app, { http = "0.0.0.0:0", attempts = 1 })
    assert.is_nil(none)
    assert.equal("--http 0.0.0.0:0: this address is reached from other machines: that must be asked for", reason)
  end)
end)
