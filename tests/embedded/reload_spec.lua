-- SPDX-License-Identifier: MIT
-- Scripts that are edited while they run.
local await = require "support.await"
local embedded = require "support.embedded"
local json = require "docmsg.json"
local kafka = require "docmsg.kafka"
local loader = require "docmsg.loader"
local log = require "docmsg.log"
local name = require "support.name"
local program = require "support.program"
local runner = require "docmsg.runner"
local system = require "system"
local workplace = require "support.workplace"

-- Emits what it got with its version; a tenth of the records come twice.
local SCRIPT <const> = [[
local docmsg = require "docmsg"
local app = docmsg.app { name = "reload" }
local version = %s
local consumer = app:consumer("%s", { workers = %d,
  kafka = { ["session.timeout.ms"] = 6000, ["heartbeat.interval.ms"] = 500 } })
consumer:on("%s", function(event, ctx)
  if event.data %% 10 == 0 and ctx.attempt == 1 then return ctx:retry("once more", "300ms") end
  ctx:emit("%s", { number = event.data, version = version })
end)
%s
return app
]]

describe("an edited script", function()
  local cluster, folder, before, lines, topic, out, group

  before_each(function()
    cluster = embedded.start()
    before = kafka.defaults().bootstrap_servers
    kafka.defaults { bootstrap_servers = cluster.bootstrap_servers }
    log.defaults { level = "error" }
    folder, lines = program.folder(), {}
    topic, out, group = name.unique("in"), name.unique("out"), name.unique("group")
    cluster:topic { name = topic, partitions = 4 }
    cluster:topic { name = out }
  end)
  after_each(function()
    program.remove(folder)
    log.defaults { level = "info" }
    kafka.defaults { bootstrap_servers = before }
    cluster:close()
  end)

  local path_before = package.path
  after_each(function() package.path = path_before end)

  ---Saves the script as an editor does that writes another file and renames it.
  local function save(text, file)
    local path = folder .. "/" .. (file or "app.lua")
    program.write(path .. "~", text)
    assert(os.rename(path .. "~", path))
  end

  local function script(version, workers, more)
    return SCRIPT:format(version, group, workers, topic, out, more or "")
  end

  local function start(workers, options)
    local path = folder .. "/app.lua"
    package.path = folder .. "/?.lua;" .. package.path
    local run = { script = path, workers = workers, drain = "5s", watch = true,
      log = log.new { level = "debug", write = function(line) lines[#lines + 1] = line end } }
    for key, value in pairs(options or {}) do run[key] = value end
    return assert(runner.start(assert(loader.load(path)), run))
  end

  local function said(pattern, plain)
    for _, line in ipairs(lines) do
      if line:find(pattern, 1, plain) then return line end
    end
  end

  local function step_until(running, predicate, what)
    return await(function()
      running:step "10ms"
      return predicate(running:stats())
    end, "60s", what)
  end

  ---Steps until a reload has ended; returns how long that took.
  local function await_reload(running, result)
    local start_s, count = system.monotime(), running:stats().reloads[result]
    step_until(running, function(stats) return stats.reloads[result] > count end,
      ("a reload that is %s; the log:\n%s"):format(result, table.concat(lines)))
    return system.monotime() - start_s
  end

  local function await_acked(running, count)
    step_until(running, function(stats) return stats.groups[group].acked == count end, "all outcomes")
  end

  local function publish(first, last)
    local producer <close> = cluster:producer()
    for i = first, last do
      assert(producer:send { topic = topic, key = tostring(i), value = json.encode(i) })
    end
    assert(producer:flush "10s")
  end

  ---The versions that have handled each number.
  local function versions(count)
    local consumer <close> = cluster:consumer()
    assert(consumer:assign { { topic = out, partition = 0, offset = 0 } })
    local found, seen = {}, 0
    await(function()
      for message in function() return consumer:poll "100ms" end do
        local data = json.decode(message.value)
        assert.is_nil(found[data.number], "handled twice")
        found[data.number] = data.version
        seen = seen + 1
      end
      return seen == count
    end, "60s", "outputs")
    return found
  end

  for _, workers in ipairs { 0, 2 } do
    it(("loses nothing through 20 reloads, one of them in vain, with %d workers"):format(workers), function()
      save(script(1, workers))
      local running <close> = start(workers)
      local expected, fastest, version = {}, math.huge, 1
      for round = 1, 20 do
        local first = (round - 1) * 50 + 1
        publish(first, first + 24)
        running:step "20ms"
        local bad = round == 7
        if not bad then version = round + 1 end
        save(bad and "return return" or script(version, workers))
        fastest = math.min(fastest, await_reload(running, bad and "failed" or "ok"))
        publish(first + 25, first + 49)
        for number = first + 25, first + 49 do expected[number] = version end
        if round % 5 == 0 then await_acked(running, round * 50) end
      end
      await_acked(running, 1000)
      local stats = running:stats()
      assert.same({ ok = 19, failed = 1 }, stats.reloads)
      assert.same({ assign = 1, revoke = 0, lost = 0 }, stats.groups[group].rebalances)
      assert.equal(1000, stats.groups[group].admitted)
      assert.is_true(fastest < 1, ("the fastest reload took %g s"):format(fastest))
      assert.truthy(said "ERROR not reloaded, the handlers stay as they are: .*app%.lua:1: ")
      local found = versions(1000)
      for number, newest in pairs(expected) do
        if number % 50 > 25 or number % 50 == 0 then
          assert.is_true(found[number] >= newest, ("%d: by version %d, after %d"):format(number, found[number], newest))
        end
      end
    end)
  end

  ---Edits a running script once, and expects the reload to end so.
  local function edit(text, result, workers)
    save(script(1, workers or 1))
    local running = start(workers or 1)
    step_until(running, function(stats) return stats.groups[group].state == "running" end, "partitions")
    save(text)
    await_reload(running, result)
    return running
  end

  local refused = {
    { "raises while it is loaded", function() return script(2, 1, "error 'not today'") end,
      "app%.lua:10: not today" },
    { "is no application", function() return "return 1" end, "an application expected" },
    { "has an unknown option", function() return script(2, 1, "app:consumer('x', { ordr = 'key' })") end,
      'unknown option "ordr"; did you mean .order' },
    { "has no group any more", function() return "return require('docmsg').app { name = 'n' }" end,
      "has no consumer" },
    { "has a group that handles nothing", function() return script(2, 1, "app:consumer 'idle'") end,
      'consumer "idle" handles no event' },
    { "changes the order", function()
      return (script(2, 1):gsub("workers = 1", "workers = 1, order = 'none'"))
    end, 'order cannot change while it runs, from "key" to "none"' },
    { "changes the guarantee", function()
      return (script(2, 1):gsub("workers = 1", "workers = 1, guarantee = 'exactly-once'"))
    end, 'guarantee cannot change while it runs' },
    { "takes another identity", function()
      return (script(2, 1):gsub("workers = 1", "workers = 1, instance_id = 'me'"))
    end, 'instance_id cannot change while it runs' },
    { "fails in a worker only", function() return script(2, 1, "if not io.read(0) then error 'alone' end") end,
      "alone" },
  }
  for _, case in ipairs(refused) do
    it(("that %s changes nothing"):format(case[1]), function()
      local running <close> = edit(case[2](), "failed")
      assert.truthy(said("not reloaded, .*" .. case[3]), table.concat(lines))
      publish(1, 9)
      await_acked(running, 9)
      for _, version in pairs(versions(9)) do assert.equal(1, version) end
    end)
  end

  it("is loaded with its modules, whichever of them was edited", function()
    save("return { version = 1 }", "beside.lua")
    save(script("require('beside').version", 1))
    local running <close> = start(1)
    save("return { version = 2 ", "beside.lua")
    await_reload(running, "failed")
    assert.truthy(said "error loading module 'beside'")
    save("return { version = 3 }", "beside.lua")
    await_reload(running, "ok")
    publish(1, 9)
    await_acked(running, 9)
    for _, version in pairs(versions(9)) do assert.equal(3, version) end
  end)

  it("closes the states that it replaces", function()
    local running <close> = edit(script(2, 1), "ok")
    step_until(running, function() return not running.groups[1].sweeping end, "the sweep")
  end)

  it("may read other topics, in the same membership", function()
    local more = name.unique("more") -- sorted after "in"
    cluster:topic { name = more }
    local running <close> = edit(script(2, 1, ("consumer:on(%q, function() end)"):format(more)), "ok")
    assert.truthy(said(("%s: subscribes to %s, %s now"):format(group, topic, more), true))
    step_until(running, function(stats) return stats.groups[group].partitions == 5 end, "the new partition")
  end)

  it("may declare other groups: new ones start, those that are gone end", function()
    local other = name.unique("other")
    local running <close> = edit((script(2, 1):gsub(group:gsub("%p", "%%%0"), other)), "ok")
    step_until(running, function(stats) return not stats.groups[group] and stats.groups[other] end, "the groups")
    publish(1, 9)
    step_until(running, function(stats) return stats.groups[other].acked == 9 end, "outcomes")
    assert.truthy(said(group .. ": is not declared any more", true))
  end)

  it("says what will take effect later", function()
    local running <close> = edit(script(2, 3), "ok")
    assert.is_true(running:step "1ms")
    assert.truthy(said "a changed workers takes effect when the program is started again")
  end)

  it("is loaded anew by SIGHUP, which ends nothing", function()
    cluster:topic { name = ("%s.%s.dlq"):format(topic, group), partitions = 4 }
    local place <close> = workplace.new(cluster.bootstrap_servers)
    place:write("app.lua", script(1, 1))
    local child <close> = place:start("run", "app.lua")
    await(function() return child:stderr():find("4 partitions gained", 1, true) end, "60s", "partitions")
    place:write("app.lua", "return return")
    child:kill "HUP"
    await(function() return child:stderr():find("not reloaded, .*app%.lua:1: ") end, "30s", "the refusal")
    place:write("app.lua", script(2, 1))
    child:kill "HUP"
    await(function() return child:stderr():find("INFO reloaded app.lua", 1, true) end, "30s", "the reload")
    publish(1, 3)
    for _, version in pairs(versions(3)) do assert.equal(2, version) end
    child:kill "TERM"
    local result = child:wait()
    assert.equal(0, result.code, result.stderr)
  end)
end)
