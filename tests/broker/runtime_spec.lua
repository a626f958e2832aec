-- SPDX-License-Identifier: MIT
-- Applications as children on a real Apache Kafka, killed for real. What kcat counts is what counts.
local await = require "support.await"
local application = require "support.application"
local broker = require "support.broker"
local name = require "support.name"
local peer = require "support.peer"

-- An app with one group whose handler is `body`.
local function script(topic, group, body, options, kafka)
  return ([[
local wait = require("docmsg.kafka").sleep
local app = docmsg.app { name = "children" }
app:consumer(%q, { %s kafka = { ["session.timeout.ms"] = 6000, ["heartbeat.interval.ms"] = 500, %s } })
  :on(%q, function(event, ctx)
%s
end)
return app
]]):format(group, options or "", kafka or "", topic, body)
end

describe("an application on Apache Kafka", function()
  local cluster

  lazy_setup(function() cluster = broker.connect() end)

  -- A topic with its dead letters, a group, and the children's address.
  local function fresh(partitions)
    local topic, group = name.unique "topic", name.unique "group"
    application.topics(cluster, { [topic] = partitions or 1 }, { group })
    return topic, group
  end

  local function spawn(text, options)
    return application.spawn(cluster.bootstrap_servers, text, options)
  end

  local function restart(child, options)
    return child:restart(cluster.bootstrap_servers, options)
  end

  local function numbered(count, partition)
    local records = {}
    for i = 1, count do
      records[i] = { key = "k" .. i, value = ('{"n":%d}'):format(i), partition = partition }
    end
    return records
  end

  local function committed(group, topic, partition)
    return application.committed(cluster, group, topic, partition)
  end

  local function ended(child, code)
    child:kill "TERM"
    local result = child:wait()
    assert.equal(code or 0, result.code, result.stderr)
  end

  local function count_of(topic)
    return #peer.kcat_read(cluster.bootstrap_servers, topic)
  end

  -- How often each note is there.
  local function tally(notes, from)
    local times, distinct = {}, 0
    for i = from or 1, #notes do
      distinct = distinct + (times[notes[i]] and 0 or 1)
      times[notes[i]] = (times[notes[i]] or 0) + 1
    end
    return times, distinct
  end

  -- Scenario 1.
  it("gives a failed record again when it was killed, though its neighbours succeeded", function()
    local topic, group = fresh(2)
    application.produce(cluster, topic, {
      { key = "a", value = "{}", partition = 0 }, { key = "b", value = "{}", partition = 0 },
      { key = "c", value = "{}", partition = 1 },
    })
    local child <close> = spawn(script(topic, group, [[
  note(event.partition .. "/" .. event.offset)
  if event.offset == 0 and event.partition == 0 then ctx:retry("no", "1h") end]]))
    child:await_notes(3)
    await(function() return committed(group, topic, 1) == 1 end, "20s")
    assert.is_nil(committed(group, topic, 0))
    restart(child)
    local notes = child:await_notes(5)
    table.sort(notes)
    assert.same({ "0/0", "0/0", "0/1", "0/1", "1/0" }, notes)
  end)

  -- Scenario 2.
  it("gives all records again that were fetched and not handled when it was killed", function()
    local topic, group = fresh()
    application.produce(cluster, topic, numbered(100))
    local child <close> = spawn(script(topic, group, [[
  note(event.offset)
  if not os.getenv "DOCMSG_TEST_QUICK" then wait "60s" end]]))
    child:await_notes(1)
    restart(child, { env = { DOCMSG_TEST_QUICK = "1" } })
    local times, distinct = tally(child:await_notes(101), 2)
    assert.equal(100, distinct)
    for offset = 0, 99 do assert.equal(1, times[tostring(offset)], "offset " .. offset) end
    ended(child)
    assert.equal(100, committed(group, topic))
  end)

  -- Scenario 4.
  it("keeps its membership while a handler is slower than max.poll.interval.ms", function()
    local topic, group = fresh()
    application.produce(cluster, topic, numbered(1))
    local child <close> = spawn(script(topic, group, [[
  note(event.offset)
  wait "14s"
  note "done"]], nil, '["max.poll.interval.ms"] = 6000'))
    assert.same({ "0", "done" }, child:await_notes(2))
    await(function() return committed(group, topic) == 1 end, "10s")
    local admin <close> = cluster:admin()
    local described = assert(admin:describe_groups { group })[group]
    assert.equal("Stable", described.state)
    ended(child)
    assert.same({ "0", "done" }, child:notes())
    assert.not_matches("lost", child.process:stderr(), 1, true)
  end)

  -- Scenario 5.
  it("loses and repeats nothing when the group rebalances while a partition is held back", function()
    local topic, group = fresh(2)
    local records = numbered(11000, 0)
    for _, record in ipairs(records) do record.key = "same" end
    table.move(numbered(2000, 1), 1, 2000, #records + 1, records)
    application.produce(cluster, topic, records)
    local body = [[
  if event.offset == 0 and event.partition == 0 and not io.open(%q) then
    return ctx:retry("not yet", "200ms")
  end
  note(event.partition .. "/" .. event.offset)]]
    local gate = os.tmpname()
    os.remove(gate)
    local text = script(topic, group, body:format(gate), "retry = { attempts = 1000 },")
    local child <close> = spawn(text, { workers = 2 })
    child:await_notes(2000)
    local second <close> = spawn(text, { workers = 2 })
    second.process:await_stderr "partitions gained"
    application.produce(cluster, topic, { { key = "last", value = "{}", partition = 1 } })
    assert(io.open(gate, "w")):close()
    finally(function() os.remove(gate) end)
    await(function()
      return committed(group, topic, 0) == 11000 and committed(group, topic, 1) == 2001
    end, "60s", "the commits")
    ended(child)
    ended(second)
    local notes = child:notes()
    table.move(second:notes(), 1, #second:notes(), #notes + 1, notes)
    local times, distinct = tally(notes)
    assert.equal(13001, distinct)
    assert.equal(13001, #notes)
    assert.is_truthy(times["0/10999"])
  end)

  -- Scenario 6.
  it("starts no attempt of a record whose partition has moved", function()
    local topic, group = fresh(2)
    local results = name.unique "results"
    application.topics(cluster, { [results] = 1 })
    application.produce(cluster, topic, {
      { key = "a", value = "{}", partition = 0 }, { key = "b", value = "{}", partition = 1 },
    })
    local text = script(topic, group, ([[
  note(event.partition .. ":" .. ctx.attempt)
  if not os.getenv "DOCMSG_TEST_SECOND" then return ctx:retry("not here", "8s") end
  ctx:emit(%q, { partition = event.partition })]]):format(results))
    local first <close> = spawn(text)
    first:await_notes(2)
    local second <close> = spawn(text, { env = { DOCMSG_TEST_SECOND = "1" } })
    local moved = second:await_notes(1)[1]:match "^%d"
    local stayed = moved == "0" and "1" or "0"
    first:await_notes(3) -- the second attempt of the one that stayed
    local times = tally(first:notes())
    assert.equal(1, times[moved .. ":1"])
    assert.is_nil(times[moved .. ":2"])
    assert.is_truthy(times[stayed .. ":2"] or times[stayed .. ":1"] == 2)
    assert.same({ moved .. ":1" }, second:notes())
    assert.equal(1, count_of(results))
    ended(first)
    ended(second)
  end)

  -- Scenario 8.
  it("sets a poisonous record aside, byte for byte, and has no lag", function()
    local topic, group = fresh()
    local poison = "\xff\0{\"n\":"
    application.produce(cluster, topic, {
      { key = "k", value = '{"n":1}' },
      { key = "\0k", value = poison, headers = { { "a", "1" }, { "a", "2" } } },
      { key = "k", value = '{"n":3}' },
    })
    local child <close> = spawn(script(topic, group, "note(event.data.n)"))
    assert.same({ "1", "3" }, child:await_notes(2))
    await(function() return committed(group, topic) == 3 end, "20s")
    local letters = application.read(cluster, ("%s.%s.dlq"):format(topic, group))
    assert.equal(1, #letters)
    assert.equal("\0k", letters[1].key)
    assert.equal(poison, letters[1].value)
    assert.same({ { "a", "1" }, { "a", "2" } }, table.move(letters[1].headers, 1, 2, 1, {}))
    assert.equal("undecodable", application.header(letters[1], "docmsg-reason"))
    assert.equal(1, count_of(("%s.%s.dlq"):format(topic, group)))
    ended(child)
  end)

  -- Scenario 12.
  it("redelivers as new what a shutdown cut off, and not what could end", function()
    local topic, group = fresh()
    local results = name.unique "results"
    application.topics(cluster, { [results] = 1 })
    application.produce(cluster, topic, numbered(1))
    local child <close> = spawn(script(topic, group, ([[
  note(event.offset .. ":" .. ctx.attempt)
  wait(os.getenv "DOCMSG_TEST_WAIT" or "10s")
  ctx:emit(%q, { done = true })]]):format(results)), { words = { "--drain", "3s" } })
    child:await_notes(1)
    ended(child)
    assert.is_nil(committed(group, topic))
    assert.equal(0, count_of(results))
    assert.equal(0, count_of(("%s.%s.dlq"):format(topic, group)))
    restart(child, { env = { DOCMSG_TEST_WAIT = "3s" }, words = { "--drain", "30s" } })
    assert.same({ "0:1", "0:1" }, child:await_notes(2))
    ended(child)
    assert.equal(1, committed(group, topic))
    assert.equal(1, count_of(results))
    restart(child, { env = { DOCMSG_TEST_WAIT = "0s" } })
    application.produce(cluster, topic, numbered(1))
    assert.same({ "0:1", "0:1", "1:1" }, child:await_notes(3))
    ended(child)
  end)

  -- Scenario 15.
  it("emits the same events again after a crash, and dedup handles each once", function()
    local topic, group = fresh()
    local outputs = name.unique "outputs"
    application.topics(cluster, { [outputs] = 1 }, { group .. "-2" })
    application.produce(cluster, topic, numbered(10))
    local text = ([[
local wait = require("docmsg.kafka").sleep
local app = docmsg.app { name = "children" }
local quick = { ["session.timeout.ms"] = 6000, ["heartbeat.interval.ms"] = 500 }
-- The first record is not done with before the crash: no commit passes it.
app:consumer(%q, { kafka = quick }):on(%q, function(event, ctx)
  if event.offset == 0 and not os.getenv "DOCMSG_TEST_QUICK" then return ctx:retry("wait", "1h") end
  ctx:emit(%q, { n = event.offset })
end)
app:consumer(%q, { kafka = quick }):use(docmsg.dedup()):on(%q, function(event) note(event.id) end)
return app
]]):format(group, topic, outputs, group .. "-2", outputs)
    local child <close> = spawn(text)
    child:await_notes(9)
    child:kill "KILL"
    child:wait()
    assert.equal(9, count_of(outputs))
    os.remove(child.folder .. "/notes")
    -- The reader begins again, too, so that it sees each event and its copy.
    local admin <close> = cluster:admin()
    await(function()
      local results = admin:delete_groups { group .. "-2" }
      return results and not results[group .. "-2"].error
    end, "30s", "the group to be empty")
    restart(child, { env = { DOCMSG_TEST_QUICK = "1" } })
    child:await_notes(10)
    await(function() return count_of(outputs) == 19 end, "20s", "all events again")
    ended(child)
    local _, distinct = tally(child:notes())
    assert.equal(10, distinct)
    assert.equal(10, #child:notes())
    local ids = {}
    for _, message in ipairs(application.read(cluster, outputs)) do
      local id = application.header(message, "ce_id")
      ids[id] = (ids[id] or 0) + 1
    end
    local repeated = 0
    for _, times in pairs(ids) do repeated = repeated + (times == 2 and 1 or 0) end
    assert.equal(9, repeated)
  end)

  it("goes on with a topic that was deleted and made anew", function()
    local topic, group = fresh()
    application.produce(cluster, topic, numbered(20))
    local child <close> = spawn(script(topic, group, "note(event.data.n)", nil,
      '["topic.metadata.refresh.interval.ms"] = 500, ["metadata.max.age.ms"] = 2000'))
    child:await_notes(20)
    await(function() return committed(group, topic) == 20 end, "20s")
    local admin <close> = cluster:admin()
    assert.is_nil(assert(admin:delete_topics { topic })[topic].error)
    await(function()
      local made = admin:create_topics { { name = topic, partitions = 1 } }
      return made and not made[topic].error
    end, "30s", "the topic made anew")
    application.produce(cluster, topic, { { key = "k", value = '{"n":"new"}' } })
    assert.equal("new", child:await_notes(21, "60s")[21])
  end)

  it("fails when its static membership was taken by another", function()
    local topic, group = fresh()
    local text = script(topic, group, "note(event.data.n)", 'instance_id = "the-one",')
    local first <close> = spawn(text)
    first.process:await_stderr "1 partitions gained"
    local second <close> = spawn(text)
    second.process:await_stderr "1 partitions gained"
    first.process:await_stderr "FENCED_INSTANCE_ID"
    local result = first:wait()
    assert.equal(1, result.code)
    assert.matches("FENCED_INSTANCE_ID", result.stderr, 1, true)
    application.produce(cluster, topic, numbered(1))
    second:await_notes(1)
    ended(second)
  end)

  it("fails where no offset is known and none may be assumed", function()
    local topic, group = fresh()
    local child <close> = spawn(script(topic, group, "", 'start = "error",'))
    local result = child:wait()
    assert.equal(1, result.code)
    assert.matches("there is no offset to begin at, and start is \"error\"", result.stderr, 1, true)
  end)

  it("reads topics by a pattern, with one topic for their dead letters", function()
    local group, prefix = name.unique "group", name.unique "matched"
    application.topics(cluster, { [prefix .. "-a"] = 1, [prefix .. "-b"] = 1 })
    application.produce(cluster, prefix .. "-a", numbered(1))
    application.produce(cluster, prefix .. "-b", numbered(1))
    local child <close> = spawn(([[
local app = docmsg.app { name = "children" }
app:consumer(%q, { topics = { %q }, dead_letters = %q })
  :on(%q, function(event) note(event.topic) end)
return app
]]):format(group, "^" .. prefix .. "-.*", group .. ".dlq", prefix .. "-a"))
    assert.same({ prefix .. "-a" }, child:await_notes(1))
    await(function() return count_of(group .. ".dlq") == 1 end, "20s", "the unrouted one")
    ended(child)
  end)
end)
