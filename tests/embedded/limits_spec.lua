-- SPDX-License-Identifier: MIT
-- Handlers that misbehave: each has one outcome, and the next record finds everything in order.
local await = require "support.await"
local embedded = require "support.embedded"
local json = require "docmsg.json"
local kafka = require "docmsg.kafka"
local loader = require "docmsg.loader"
local log = require "docmsg.log"
local name = require "support.name"
local program = require "support.program"
local runner = require "docmsg.runner"
local workplace = require "support.workplace"

local SCRIPT <const> = [[
local docmsg = require "docmsg"
local app = docmsg.app { name = "limits" }
local consumer = app:consumer("%s", { timeout = "%s", memory = "8MiB", retry = { attempts = 1 } })
local function forever() while true do local _ = {} end end
local function needy() local t = {} while true do t[#t + 1] = ("x"):rep(1000) .. #t end end
consumer:on("%s", { %s }, function(event, ctx)
  local kind = event.data
  %s
end)
return app
]]

-- Kind; what its handler does; what is said of it, or false when it succeeds.
local EVERYWHERE <const> = {
  { "never_returns", "while true do end", "longer than its limit of 1000 ms" },
  { "swallows", "while true do pcall(forever) end", "longer than its limit of 1000 ms" },
  { "handles_with_xpcall", "while true do xpcall(forever, tostring) end", "longer than its limit of 1000 ms" },
  { "in_coroutine", "coroutine.wrap(forever)()", "longer than its limit of 1000 ms" },
  { "swallows_in_coroutine", "coroutine.resume(coroutine.create(function() while true do pcall(forever) end end)) "
    .. "while true do pcall(forever) end", "longer than its limit of 1000 ms" },
  { "blocks", "os.execute('sleep 1.2') local _ = 1", "longer than its limit of 1000 ms" },
  { "yields", "coroutine.yield()", "attempt to yield" },
  { "raises_nil", "error(nil)", "nil" },
  { "raises_a_table", "error { 1 }", "error object is a table value" },
  { "raises_a_hostile_table", "error(setmetatable({}, { __tostring = function() error {} end }))",
    "__tostring fails" },
  { "raises_a_long_text", "error(('x'):rep(1 << 20), 0)", "^x+…$" },
}

local WORKERS_ONLY <const> = {
  { "allocates", "needy()", "more memory than its worker may have, 8388608 bytes" },
  { "allocates_at_once", "local _ = ('x'):rep(1 << 30)", "not enough memory" },
  { "swallows_memory", "while true do pcall(needy) end", "more memory than its worker may have" },
  { "sets_a_global", "unheard_of = 1", "global 'unheard_of' cannot be set" },
  { "ends_the_process", "os.exit(3)", "os%.exit: a handler cannot end the process" },
  { "takes_the_hook", "debug.sethook()", "debug%.sethook" },
}

---A handler's body that does what the kind says.
local function body_of(cases)
  local lines = {}
  for i, case in ipairs(cases) do
    lines[i] = ("if kind == %q then %s end"):format(case[1], case[2])
  end
  return table.concat(lines, "\n  ")
end

describe("a handler", function()
  local cluster, folder, before

  setup(function()
    cluster = embedded.start()
    before = kafka.defaults().bootstrap_servers
    kafka.defaults { bootstrap_servers = cluster.bootstrap_servers }
    log.defaults { level = "error" }
  end)
  teardown(function()
    log.defaults { level = "info" }
    kafka.defaults { bootstrap_servers = before }
    cluster:close()
  end)
  before_each(function() folder = program.folder() end)
  after_each(function() program.remove(folder) end)

  ---Starts an application whose handler has this body.
  local function start(topic, body, options)
    local path = folder .. "/app.lua"
    program.write(path, SCRIPT:format(options.group, options.timeout or "1s", topic, options.settings or "", body))
    local app = assert(loader.load(path))
    local run = { script = path, workers = options.workers, drain = "1s",
      log = log.new { write = function() end } }
    return assert(runner.start(app, run))
  end

  local function publish(topic, kinds)
    local producer <close> = cluster:producer()
    for _, kind in ipairs(kinds) do
      assert(producer:publish { topic = topic, key = "k", value = json.encode(kind) })
    end
  end

  ---Steps the runner until the predicate holds of the group's figures.
  local function step_until(running, group, predicate, what)
    return await(function()
      running:step "10ms"
      local stats = running:stats().groups[group]
      return predicate(stats) and stats
    end, "60s", what)
  end

  local function settled(count)
    return function(stats) return stats.acked + stats.dead + stats.skipped == count end
  end

  ---The messages of the dead letters, by kind.
  local function dead_letters(topic, count)
    local consumer <close> = cluster:consumer { topics = { topic }, start = "earliest" }
    local found, seen = {}, 0
    await(function()
      local message = consumer:poll "100ms"
      if not message then return false end
      local said = {}
      for _, header in ipairs(message.headers) do said[header[1]] = header[2] end
      found[json.decode(message.value)] = said
      seen = seen + 1
      return seen == count
    end, "30s", "dead letters")
    return found
  end

  ---Lets handlers run for one record of each kind and one good record after it.
  local function check(cases, workers, timeout)
    local topic, group = name.unique("limits"), name.unique("limits")
    cluster:topic { name = topic }
    local kinds = {}
    for _, case in ipairs(cases) do
      kinds[#kinds + 1] = case[1]
      kinds[#kinds + 1] = "good"
    end
    publish(topic, kinds)
    local running <close> = start(topic, body_of(cases), { group = group, workers = workers, timeout = timeout })
    local stats = step_until(running, group, settled(#kinds), "outcomes")
    assert.equal(#cases, stats.acked, "good records")
    assert.equal(#cases, stats.dead)
    local letters = dead_letters(("%s.%s.dlq"):format(topic, group), #cases)
    for _, case in ipairs(cases) do
      local letter = letters[case[1]] or error("no dead letter of " .. case[1])
      assert.matches(case[3], letter["__dlq.errors.message"], 1, false, case[1])
      assert.equal("exhausted", letter["docmsg-reason"])
    end
    return letters
  end

  it("that misbehaves in a worker has its outcome, and the next one runs", function()
    local letters = check(EVERYWHERE, 1)
    assert.matches("app%.lua", letters.never_returns["docmsg-error-stack"])
  end)

  it("that does what a worker must not has its outcome, and the next one runs", function()
    check(WORKERS_ONLY, 1, "1m")
  end)

  it("that misbehaves on the calling thread has its outcome, and the next one runs", function()
    check(EVERYWHERE, 0)
  end)

  for workers = 0, 1 do
    it(("with limits of its own keeps those, with %d workers"):format(workers), function()
      local topic, group = name.unique("own"), name.unique("own")
      cluster:topic { name = topic }
      publish(topic, { "counts", "returns" })
      local running <close> = start(topic, "if kind == 'counts' then for i = 1, 1e9 do local _ = i end end",
        { group = group, workers = workers, settings = "timeout = '5m', instructions = 100000" })
      local stats = step_until(running, group, settled(2), "outcomes")
      assert.equal(1, stats.acked)
      local letter = dead_letters(("%s.%s.dlq"):format(topic, group), 1).counts
      assert.matches("more than its limit of 100000 instructions", letter["__dlq.errors.message"])
    end)
  end

  it("that is stuck inside C is told from one that works", function()
    local topic, group = name.unique("stuck"), name.unique("stuck")
    cluster:topic { name = topic }
    publish(topic, { "sleeps" })
    local running <close> = start(topic, "os.execute('sleep 3')", { group = group, workers = 1 })
    local stats = step_until(running, group, function(stats) return stats.stuck == 1 end, "the stuck lane")
    assert.is_true(stats.lanes[1].busy_ms >= 2000)
    stats = step_until(running, group, settled(1), "its end")
    assert.equal(0, stats.stuck)
    assert.equal(0, stats.lanes[1].busy_ms)
    assert.equal(1, stats.dead)
  end)

  for workers = 0, 1 do
    it(("that never leaves C ends the program with its record, with %d workers"):format(workers), function()
      local topic, group = name.unique("last"), name.unique("last")
      cluster:topic { name = topic }
      cluster:topic { name = ("%s.%s.dlq"):format(topic, group) }
      publish(topic, { "good", "matches" })
      local place <close> = workplace.new(cluster.bootstrap_servers)
      place:write("app.lua", SCRIPT:format(group, "300ms", topic, "",
        "if kind == 'matches' then (('a'):rep(60)):find(('a*'):rep(60) .. 'b') end"))
      local result = place:run("run", "app.lua", "--workers", tostring(workers))
      assert.equal(1, result.code, result.stderr)
      assert.matches(("docmsg%%-lua: %s: the handler of %s %%[0%%] at offset 1 does not end"):format(
        group:gsub("%p", "%%%0"), topic:gsub("%p", "%%%0")), result.stderr)
    end)
  end
end)
