-- SPDX-License-Identifier: MIT
-- The document workflow on Apache Kafka. These specs own its 13 topics and its groups there.
local application = require "support.application"
local await = require "support.await"
local broker = require "support.broker"
local docmsg = require "docmsg"
local flow = require "support.flow"
local http = require "support.http"
local json = require "docmsg.json"
local kafka = require "docmsg.kafka"
local leaks = require "support.leaks"
local load = require "support.load"
local log = require "docmsg.log"
local process = require "support.process"
local program = require "support.program"
local script = require "support.script"
local system = require "system"
local workflow = require "support.workflow"

local GROUPS <const> = { "document_consumer_group", "extraction_consumer_group", "query_consumer_group",
                         "rag_consumer_group" }

-- The pipeline, from another file.
local PIPELINE <const> = ([[
package.path = "%s/scripts/?.lua;" .. package.path
local app = dofile "%s/scripts/pipeline.lua"
for _, consumer in ipairs(app.consumers) do
  consumer.settings.kafka["heartbeat.interval.ms"] = 500
end
]]):gsub("%%s", (program.capture("cd '" .. script.root .. ".' && pwd"):gsub("\n", "")))

-- Ends with kill -9 at the first run of each handler, before it and after it.
local SUICIDAL <const> = PIPELINE .. [[
local function once(point)
  for line in io.lines(os.getenv "DOCMSG_TEST_NOTES") do
    if line == point then return end
  end
  note(point)
  os.execute "kill -KILL $PPID"
end
app:use(function(next, about)
  return function(event, ctx)
    once("before " .. about.group .. " " .. about.type)
    next(event, ctx)
    once("after " .. about.group .. " " .. about.type)
  end
end)
for _, consumer in ipairs(app.consumers) do consumer.settings.instance_id = "the-one" end -- is back at once
return app
]]

-- Groups, consumers, and what they handle: the pairs of both.
local function kill_points()
  local points = {}
  for _, group in ipairs(flow.consumers()) do
    for _, route in ipairs(group.routes) do
      for _, when in ipairs { "before", "after" } do points[#points + 1] = when .. " " .. group.group .. " " .. route.type end
    end
  end
  table.sort(points)
  return points
end

local function forget(cluster)
  local admin <close> = cluster:admin()
  local names = workflow.names()
  for _, name in ipairs(workflow.names()) do
    for _, group in ipairs(GROUPS) do names[#names + 1] = ("%s.%s.dlq"):format(name, group) end
  end
  assert(admin:delete_groups(GROUPS))
  workflow.delete_topics(admin, names)
end

describe("the document workflow on Apache Kafka", function()
  local cluster, before, folder, store, bus

  before_each(function()
    before = leaks.count()
    cluster, folder = broker.connect(), program.folder()
    kafka.defaults { bootstrap_servers = cluster.bootstrap_servers }
    forget(cluster)
    local result = script.run({ "setup.lua" }, { servers = cluster.bootstrap_servers })
    assert(result.ok, result.stderr)
    require("lib.data").use(folder)
    store = require("lib.store").open()
    bus = docmsg.bus { name = "spec", events = script.root .. "scripts/events.lua", log = log.new { write = function() end } }
  end)

  after_each(function()
    bus:close()
    store:close()
    program.remove(folder)
    forget(cluster)
    cluster:close()
    leaks.check(before)
  end)

  local function spawn(text, options)
    local all = { env = { DOCMSG_DATA_DIR = folder }, limit = 300 }
    for name, value in pairs(options or {}) do all[name] = value end
    return application.spawn(cluster.bootstrap_servers, text, all)
  end

  local function publish(id, content)
    assert(bus:publish_async("document-received", flow.document(id, content)))
  end

  local function is_completed(ids)
    for _, id in ipairs(ids) do
      local document = store:document(id)
      if not document or document.status ~= "completed" then return false end
    end
    return true
  end

  local function status_of(ids)
    local words = {}
    for _, id in ipairs(ids) do
      local document = store:document(id)
      words[#words + 1] = id .. ": " .. (document and document.status .. " " .. (document.reason or "") or "unknown")
    end
    return table.concat(words, "\n")
  end

  it("takes a file through all topics, in order, and answers a question about it", function()
    local running <close> = script.start({ "run", "pipeline.lua" }, { servers = cluster.bootstrap_servers,
      env = { DOCMSG_DATA_DIR = folder } })
    local path = folder .. "/report.md"
    program.write(path, "# Geese\n\nThe gander lives at the pond.\nKeeper: Anna\n")
    local sent = script.run({ "send_document.lua", path }, { servers = cluster.bootstrap_servers,
      env = { DOCMSG_DATA_DIR = folder } })
    assert(sent.ok, sent.stderr)
    local id = sent.stderr:match "Document received event sent: (%S+)\n"
    await(function()
      assert(running:is_running(), running:stderr())
      return is_completed { id }
    end, "120s", "the document")
    local asked = script.run({ "query.lua", "Where does the gander live?" }, { servers = cluster.bootstrap_servers })
    assert(asked.ok, asked.stderr)
    assert.truthy(asked.stdout:find("The gander lives at the pond.", 1, true), asked.stdout)
    assert.truthy(asked.stdout:find(("Source: report.md, page 1 (document %s, similarity 0."):format(id), 1, true), asked.stdout)
    running:kill "TERM"
    local ended = running:wait()
    assert.equal(0, ended.code, ended.stderr)
    for _, line in ipairs(workflow.lines(id, "report.md")) do
      assert.truthy((sent.stderr .. ended.stderr):find(line, 1, true), line)
    end
    local at = {}
    for _, topic in ipairs(workflow.names()) do
      local read = process.run { "kcat", "-b", cluster.bootstrap_servers, "-C", "-t", topic, "-e", "-q", "-f", "%T %k\n" }
      assert(read.ok, read.stderr)
      local time, key = read.stdout:match "^(%d+) (%S+)\n$"
      assert(time, topic .. ": one event expected: " .. read.stdout)
      at[topic] = tonumber(time)
      if topic == "extraction-tasks" then
        assert.equal("task_" .. id .. "_1", key)
      elseif not topic:find "query" then
        assert.equal(id, key)
      end
    end
    for _, order in ipairs {
      { "document-received", "workflow-initialized", "chunking-complete", "embedding-ready", "ingestion-complete" },
      { "workflow-initialized", "field-init-complete", "agent-scaling-complete", "extraction-tasks", "extraction-complete" },
      { "query-received", "rag-query-complete", "hybrid-query-complete" },
      { "query-received", "structured-query-complete", "hybrid-query-complete" },
    } do
      for i = 2, #order do assert(at[order[i - 1]] <= at[order[i]], order[i]) end
    end
  end)

  it("can have a step more beside it", function()
    local env = { DOCMSG_DATA_DIR = folder }
    local servers = cluster.bootstrap_servers
    assert(script.run({ "setup.lua", "--topics", "summary_topics.lua" }, { servers = servers }).ok)
    finally(function()
      local admin <close> = broker.connect():admin()
      assert(admin:delete_topics { "summary-complete", "ingestion-complete.summary_group.dlq" })
      assert(admin:delete_groups { "summary_group" })
    end)
    local pipeline <close> = script.start({ "run", "pipeline.lua", "--http", "127.0.0.1:0" }, { servers = servers, env = env })
    local step <close> = script.start({ "run", "summary.lua" }, { servers = servers, env = env })
    publish("d", "The gander lives at the pond.")
    step:await_stderr("Summary complete: d %(6 words%)", "60s")
    await(function() return #application.read(cluster, "summary-complete") == 1 end)
    local address = pipeline:await_stderr "figures and health at http://(%S+):"
    await(function()
      local stats = script.run({ "stats", address }, { servers = servers })
      assert(stats.ok, stats.stderr)
      return stats.stdout:find "document_consumer_group +2 +0 +0 +0 +0\n"
        and stats.stdout:find "rag_consumer_group +embedding%-ready +1 +0 +0 +0 +%d+%.%d%d%s*\n"
        and stats.stdout:find("\nextraction%-tasks +1 +0 +%d%d+" .. (" +%d+%.%d%d"):rep(5) .. "\n")
    end, "30s", "the figures")
    local listed = script.run({ "stats", address, "-F", "jsonl" }, { servers = servers })
    local latencies = {}
    for line in listed.stdout:gmatch "[^\n]+" do
      local figures = assert(json.decode(line))
      if not figures.group then latencies[figures.event] = figures.p99_ms end
    end
    assert(latencies["workflow-initialized"] > 0 and latencies["chunking-complete"] > 0, listed.stdout)
    for _, child in ipairs { pipeline, step } do
      child:kill "TERM"
      assert(child:wait().ok, child:wait().stderr)
    end
    assert.equal('{"document_id":"d","word_count":6}', application.read(cluster, "summary-complete")[1].value)
  end)

  it("completes each document once, killed before and after the first run of each handler", function()
    local ids, points = { "a", "b", "c" }, kill_points()
    for _, id in ipairs(ids) do publish(id, ("# Geese\n%s\fKeeper: Anna\n"):format(("The gander lives at the pond. "):rep(200))) end
    assert(bus:publish_async("query-received", { query_id = "q", user_query = { query_id = "q",
      query_text = "Where does the gander live?", query_type = "hybrid", user_id = "u", filters = {} } }))
    assert(bus:flush "30s")
    local child <close> = spawn(SUICIDAL)
    local answers
    await(function()
      if not child.process:is_running() then
        assert.equal(9, child:wait().signal, child:wait().stderr)
        child:restart(cluster.bootstrap_servers, { env = { DOCMSG_DATA_DIR = folder }, limit = 300 })
      end
      answers = #child:notes() == #points and #application.read(cluster, "hybrid-query-complete") or 0
      return answers > 0 and is_completed(ids)
    end, "400s", "the documents")
    child.process:await_stderr "partitions gained" -- before, a signal finds it starting
    child:kill "TERM"
    assert(child:wait().ok, child:wait().stderr)
    local notes = child:notes()
    table.sort(notes)
    assert.same(points, notes)
    for _, id in ipairs(ids) do
      local document = store:document(id)
      assert.equal(1, document.completed_times, id)
      assert.equal(4, store:vector_count(id), id)
      assert.equal(9, #store:stages(id), id)
    end
    assert.equal(6, #store:fields {})
    local completions = {}
    for _, message in ipairs(application.read(cluster, "ingestion-complete")) do
      local event_id = application.header(message, "ce_id")
      completions[message.key] = completions[message.key] or event_id
      assert.equal(completions[message.key], event_id, "a repeated event has the id of the first")
    end
  end)

  it("takes an edited handler over within a second of saving, without a rebalance", function()
    local scripts <close> = setmetatable({ path = program.folder() }, { __close = function(self) program.remove(self.path) end })
    assert(os.execute(("cp -r '%sscripts/.' '%s'"):format(script.root, scripts.path)))
    local running <close> = script.start({ "run", scripts.path .. "/pipeline.lua", "--watch", "--http", "127.0.0.1:0" },
      { servers = cluster.bootstrap_servers, env = { DOCMSG_DATA_DIR = folder } })
    for _, group in ipairs(GROUPS) do running:await_stderr(group .. ": %d+ partitions gained", "60s") end
    local address = running:await_stderr "figures and health at http://(%S+):"

    local edited, count = scripts.path .. "/document_consumer.lua", 0
    local text = program.read(edited):gsub('"Received document: ', '"Took in document: ')
    program.write(edited .. "~", text)
    local function publish_one()
      count = count + 1
      publish("doc-" .. count, "The gander lives at the pond.")
    end
    publish_one()
    running:await_stderr("Received document: doc%-1 ", "60s")
    assert(os.rename(edited .. "~", edited))
    local saved = system.monotime()
    await(function()
      publish_one()
      return running:stderr():find("Took in document: doc-", 1, true)
    end, "60s", "the new handler")
    local seconds = system.monotime() - saved
    print(("    %.2f s after it was saved"):format(seconds))
    assert(seconds <= load.share(), ("%.2f s"):format(seconds))

    local figures
    await(function()
      figures = http.get(address, "/metrics").body
      return figures:find('docmsg_reloads_total{result="ok"} 1\n', 1, true)
    end, "30s", "the figures")
    for _, group in ipairs(GROUPS) do
      for kind, times in pairs { assign = 1, revoke = 0, lost = 0 } do
        local sample = ('docmsg_rebalances_total{group="%s",kind="%s"} %d\n'):format(group, kind, times)
        assert.truthy(figures:find(sample, 1, true), sample)
      end
    end
    running:kill "TERM"
    assert(running:wait().ok, running:wait().stderr)
  end)

  it("is shared by two processes, of which one may stop", function()
    local ids = {}
    for i = 1, 60 do ids[i] = ("doc-%02d"):format(i) end
    local one <close> = spawn(PIPELINE .. "return app")
    local two <close> = spawn(PIPELINE .. "return app")
    for _, child in ipairs { one, two } do
      for _, group in ipairs(GROUPS) do child.process:await_stderr(group .. ": %d+ partitions gained", "60s") end
    end
    for i, id in ipairs(ids) do
      publish(id, ("# Document %d\n%s"):format(i, ("The gander lives at the pond. "):rep(300)))
      if i == 30 then
        assert(bus:flush "30s")
        await(function() return is_completed { ids[1] } end, "60s", "the first document")
        two:kill "TERM"
      end
    end
    assert(bus:flush "30s")
    assert(two:wait().ok, two:wait().stderr)
    assert.matches("document_consumer_group: [1-9]%d* handled", two:wait().stderr)
    await(function() return is_completed(ids) end, "120s", "all documents")
    one:kill "TERM"
    assert(one:wait().ok, one:wait().stderr)
    for _, id in ipairs(ids) do assert.equal(1, store:document(id).completed_times, status_of { id }) end
    assert.matches("rag_consumer_group: [1-9]%d* handled, 0 skipped, 0 retries, 0 dead letters", one:wait().stderr)
  end)
end)
