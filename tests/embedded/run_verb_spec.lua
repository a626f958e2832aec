-- SPDX-License-Identifier: MIT
-- `docmsg-lua run` as a child of this process, which has the embedded broker: how it ends, and what
-- is left behind when it is killed.
local await = require "support.await"
local embedded = require "support.embedded"
local name = require "support.name"
local application = require "support.application"
local process = require "support.process"
local program = require "support.program"

-- An app with one group whose handler is `body`.
local function script(topic, group, body, options, kafka)
  return ([[
local app = docmsg.app { name = "children" }
local function busy(seconds)
  local till = require("docmsg.kafka")
  till.sleep(seconds .. "s")
end
app:consumer(%q, { %s kafka = { ["session.timeout.ms"] = 6000, ["heartbeat.interval.ms"] = 500, %s } })
  :on(%q, function(event, ctx)
%s
end)
return app
]]):format(group, options or "", kafka or "", topic, body)
end

describe("docmsg-lua run", function()
  local cluster

  lazy_setup(function() cluster = embedded.start() end)
  lazy_teardown(function() cluster:close() end)

  local function fresh(extra, where)
    local topic, group = name.unique "topic", name.unique "group"
    application.topics(where or cluster, { [topic] = 2 }, { group })
    if extra then application.topics(where or cluster, { [extra] = 1 }) end
    return topic, group
  end

  local function spawn(text, options)
    return application.spawn(cluster.bootstrap_servers, text, options)
  end

  local function ok(result)
    assert.equal(0, result.code, ("signal %s\n%s"):format(result.signal, result.stderr))
    return result
  end

  -- Scenario 2.
  it("gives all records again that were fetched and not handled when it was killed", function()
    local topic, group = fresh()
    local records = {}
    for i = 1, 100 do records[i] = { key = "k" .. i, value = "{}", partition = 0 } end
    application.produce(cluster, topic, records)
    local child <close> = spawn(script(topic, group, [[
  note(event.offset)
  if not os.getenv "DOCMSG_TEST_QUICK" then busy(60) end]]))
    child:await_notes(1)
    child:restart(cluster.bootstrap_servers, { env = { DOCMSG_TEST_QUICK = "1" } })
    local notes = child:await_notes(101)
    local times = {}
    for i = 2, 101 do times[notes[i]] = (times[notes[i]] or 0) + 1 end
    for offset = 0, 99 do assert.equal(1, times[tostring(offset)], "offset " .. offset) end
    child:kill "TERM"
    ok(child:wait())
    assert.equal(100, application.committed(cluster, group, topic, 0))
  end)

  -- Scenario 1.
  it("gives a failed record again when it was killed, though its neighbours succeeded", function()
    local topic, group = fresh()
    application.produce(cluster, topic, {
      { key = "a", value = "fails", partition = 0 }, { key = "b", value = "1", partition = 0 },
      { key = "c", value = "2", partition = 1 },
    })
    local child <close> = spawn(script(topic, group, [[
  note(event.partition .. "/" .. event.offset)
  if event.offset == 0 and event.partition == 0 then ctx:retry("no", "1h") end]], "lazy = true,"))
    child:await_notes(3)
    await(function() return application.committed(cluster, group, topic, 1) == 1 end, "20s")
    assert.is_nil(application.committed(cluster, group, topic, 0))
    child:restart(cluster.bootstrap_servers)
    local notes = child:await_notes(5)
    table.sort(notes)
    assert.same({ "0/0", "0/0", "0/1", "0/1", "1/0" }, notes)
  end)

  -- Scenario 4.
  it("keeps its membership while a handler is slower than max.poll.interval.ms", function()
    local topic, group = fresh()
    application.produce(cluster, topic, { { key = "k", value = "{}", partition = 0 } })
    local child <close> = spawn(script(topic, group, [[
  note(event.offset)
  busy(14)
  note "done"]], nil, '["max.poll.interval.ms"] = 6000'))
    assert.same({ "0", "done" }, child:await_notes(2))
    await(function() return application.committed(cluster, group, topic) == 1 end, "10s", "the commit")
    child:kill "TERM"
    local result = ok(child:wait())
    assert.same({ "0", "done" }, child:notes())
    local _, gained = result.stderr:gsub("partitions gained", "")
    assert.equal(1, gained, result.stderr)
  end)

  -- Scenario 15.
  it("emits the same events again after a crash, and dedup handles each once", function()
    local own <close> = embedded.start()
    local outputs = name.unique "outputs"
    local topic, group = fresh(outputs, own)
    application.topics(own, { [outputs .. "." .. group .. "-2.dlq"] = 1 })
    -- No commit succeeds: it is as if the crash came before the first.
    local refusals = {}
    for i = 1, 1000 do refusals[i] = "REBALANCE_IN_PROGRESS" end
    own.broker:fail("OffsetCommit", refusals)
    local records = {}
    for i = 1, 10 do records[i] = { key = "k" .. i, value = "{}" } end
    application.produce(own, topic, records)
    local text = ([[
local app = docmsg.app { name = "children" }
local quick = { ["session.timeout.ms"] = 6000, ["heartbeat.interval.ms"] = 500 }
app:consumer(%q, { kafka = quick }):on(%q, function(event, ctx) ctx:emit(%q, { n = event.offset }) end)
app:consumer(%q, { kafka = quick }):use(docmsg.dedup()):on(%q, function(event) note(event.id) end)
return app
]]):format(group, topic, outputs, group .. "-2", outputs)
    local child <close> = application.spawn(own.bootstrap_servers, text)
    child:await_notes(10)
    child:kill "KILL"
    child:wait()
    assert.equal(10, #application.read(own, outputs))
    os.remove(child.folder .. "/notes")
    child:restart(own.bootstrap_servers)
    child:await_notes(10)
    await(function() return #application.read(own, outputs) == 20 end, "20s", "all events again")
    local ids, count = {}, 0
    for _, message in ipairs(application.read(own, outputs)) do
      local id = application.header(message, "ce_id")
      if not ids[id] then count = count + 1 end
      ids[id] = (ids[id] or 0) + 1
    end
    assert.equal(10, count)
    for id, times in pairs(ids) do assert.equal(2, times, id) end
    child:kill "TERM"
    child:wait()
    assert.equal(10, #child:notes())
  end)

  -- Scenario 12.
  it("lets a running handler end at SIGTERM, and does not give its record again", function()
    local outputs = name.unique "outputs"
    local topic, group = fresh(outputs)
    application.produce(cluster, topic, { { key = "k", value = "{}", partition = 0 } })
    local child <close> = spawn(script(topic, group, ([[
  note("begins", ctx.attempt)
  busy(3)
  ctx:emit(%q, { done = true })
  note "ends"]]):format(outputs)))
    child:await_notes(1)
    child:kill "TERM"
    local result = ok(child:wait())
    assert.matches("running handlers may finish", result.stderr, 1, true)
    assert.same({ "begins 1", "ends" }, child:notes())
    assert.equal(1, #application.read(cluster, outputs))
    assert.equal(1, application.committed(cluster, group, topic, 0))
    assert.equal(0, #application.read(cluster, topic .. "." .. group .. ".dlq"))
  end)

  it("cuts a handler off after the grace it has, and gives its record again as if new", function()
    local topic, group = fresh()
    application.produce(cluster, topic, { { key = "k", value = "{}", partition = 0 } })
    local child <close> = spawn(script(topic, group, [[
  note("begins", ctx.attempt)
  if not os.getenv "DOCMSG_TEST_QUICK" then busy(60) end]]), { words = { "--drain", "1s" } })
    child:await_notes(1)
    local began = os.time()
    child:kill "TERM"
    local result = child:wait()
    assert.is_true(os.time() - began < 20, "it took " .. os.time() - began .. " s")
    ok(result)
    assert.matches(topic .. " [0] at 0 was cut off: it will be handled again", result.stderr, 1, true)
    assert.is_nil(application.committed(cluster, group, topic, 0))
    assert.equal(0, #application.read(cluster, topic .. "." .. group .. ".dlq"))
    child:restart(cluster.bootstrap_servers, { env = { DOCMSG_TEST_QUICK = "1" } })
    assert.same({ "begins 1", "begins 1" }, child:await_notes(2))
  end)

  it("ends without a handler that nothing can cut off", function()
    local topic, group = fresh()
    application.produce(cluster, topic, { { key = "k", value = "{}", partition = 0 } })
    local child <close> = spawn(script(topic, group, [[
  note "begins"
  os.execute "sleep 40"]]), { words = { "--drain", "1s" } })
    child:await_notes(1)
    local began = os.time()
    child:kill "TERM"
    local result = child:wait()
    assert.is_true(os.time() - began < 20, "it took " .. os.time() - began .. " s")
    assert.equal(1, result.code, result.stderr)
    assert.matches("not everything ended in order", result.stderr, 1, true)
    assert.is_nil(application.committed(cluster, group, topic, 0))
  end)

  it("ends at once at a second signal", function()
    local topic, group = fresh()
    application.produce(cluster, topic, { { key = "k", value = "{}", partition = 0 } })
    local child <close> = spawn(script(topic, group, [[
  note "begins"
  busy(60)]]))
    child:await_notes(1)
    child:kill "INT"
    child.process:await_stderr "a second signal ends at once"
    -- One that comes right after the first counts as the same.
    await(function()
      child:kill "INT"
      return not child.process:is_running()
    end, "10s")
    assert.equal(2, child:wait().signal)
  end)

  it("ends in order at SIGINT when there is nothing to do", function()
    local topic, group = fresh()
    local child <close> = spawn(script(topic, group, "note(event.offset)"), { workers = 2 })
    child.process:await_stderr "2 partitions gained"
    child:kill "INT"
    local result = ok(child:wait())
    assert.matches("2 partitions given up", result.stderr, 1, true)
    assert.equal("", result.stdout)
  end)

  it("refuses to start without its topics", function()
    local group = name.unique "group"
    local child <close> = spawn(script("no-such-topic", group, ""))
    local result = child:wait()
    assert.equal(1, result.code)
    assert.matches("topic no%-such%-topic: .*; create it first, with setup.lua", result.stderr)
  end)

  it("refuses to start without the dead-letter topics that it may not create", function()
    local topic, group = name.unique "topic", name.unique "group"
    application.topics(cluster, { [topic] = 1 })
    local child <close> = spawn(script(topic, group, ""), { words = { "--no-create" } })
    local result = child:wait()
    assert.equal(1, result.code)
    assert.matches(("dead-letter topics are missing: %s.%s.dlq"):format(topic, group), result.stderr,
      1, true)
  end)

  it("says that there is no broker, tries again, and ends at a signal", function()
    local child <close> = application.spawn("127.0.0.1:1", script("t", "g", ""))
    child.process:await_stderr "Connection attempt 1/30 failed"
    child:kill "TERM"
    local result = child:wait()
    assert.is_true(result.signal == 15 or result.code == 143, result.stderr)
    assert.not_matches("not closed", result.stderr, 1, true)
  end)

  it("says what is wrong with a script, with where it is", function()
    for text, words in pairs {
      ["return 1"] = "an application expected: end it with `return app` or `app:run()`",
      ["local x = ="] = "app.lua:7: unexpected symbol",
      ["error 'not today'"] = "app.lua:7: not today",
      ["return docmsg.app { name = 'x' }"] = "the application has no consumer",
    } do
      local child <close> = spawn(text)
      local result = child:wait()
      assert.is_true(result.code == 2 or result.code == 1, result.stderr)
      assert.matches(words, result.stderr, 1, true)
    end
  end)

  it("ends at once when a script fails in its workers alone", function()
    local topic, group = fresh()
    local text = ([[
if _G.loaded_before == nil and not arg then error "no arg" end
local host = package.loaded["docmsg.host"]
if not host.cores then error "the worker does not like it" end
local app = docmsg.app { name = "x" }
app:consumer(%q):on(%q, function() end)
return app
]]):format(group, topic)
    local began = os.time()
    local child <close> = spawn(text)
    local result = child:wait()
    assert.equal(1, result.code, result.stderr)
    assert.matches("the worker does not like it", result.stderr, 1, true)
    assert.is_true(os.time() - began < 10)
  end)

  it("names the groups when --only names none of them", function()
    local topic, group = fresh()
    local child <close> = spawn(script(topic, group, ""), { words = { "--only", "other" } })
    local result = child:wait()
    assert.equal(1, result.code)
    assert.matches(("the application has no group 'other'; it has %s"):format(group), result.stderr, 1, true)
  end)

  it("runs with a broker in its own process", function()
    local folder = program.folder()
    program.write(folder .. "/app.lua", [[
      local kafka = require "docmsg.kafka"
      local admin <close> = kafka.admin {}
      admin:create_topics { { name = "t", partitions = 1 } }
      local producer <close> = kafka.producer {}
      assert(producer:publish { topic = "t", value = "{}" })
      local docmsg = require "docmsg"
      local app = docmsg.app { name = "x" }
      app:consumer("g"):on("t", function(event, ctx) print("handled", event.offset) end)
      app:run()]])
    local child <close> = process.start { process.program, "--embedded", "run", "app.lua",
      "--workers", "0", cwd = folder }
    child:await_stdout "handled\t0"
    child:kill "TERM"
    local result = child:wait()
    program.remove(folder)
    assert.equal(0, result.code, result.stderr)
  end)
end)
