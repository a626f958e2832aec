-- SPDX-License-Identifier: MIT
-- What was wrong with the system that the document workflow takes the place of: fourteen defects, each
-- with a test that it is not here. It owns the 13 topics on the broker.
local application = require "support.application"
local await = require "support.await"
local broker = require "support.broker"
local docmsg = require "docmsg"
local events = require "docmsg.events"
local flow = require "support.flow"
local kafka = require "docmsg.kafka"
local leaks = require "support.leaks"
local log = require "docmsg.log"
local program = require "support.program"
local retry = require "docmsg.retry"
local script = require "support.script"
local workflow = require "support.workflow"

local data = require "lib.data"
local document = require "lib.document"
local producers = require "lib.producers"

local EVENTS <const> = script.root .. "scripts/events.lua"

describe("the document workflow", function()
  local cluster, folder, before

  before_each(function()
    before = leaks.count()
    cluster, folder = broker.connect(), program.folder()
    kafka.defaults { bootstrap_servers = cluster.bootstrap_servers }
    data.use(folder)
  end)

  after_each(function()
    program.remove(folder)
    cluster:close()
    leaks.check(before)
  end)

  local function file(name, content)
    program.write(folder .. "/" .. name, content)
    return folder .. "/" .. name
  end

  -- A broker without the topics.
  local function fresh()
    local admin <close> = cluster:admin()
    workflow.delete_topics(admin, workflow.names())
  end

  local function setup(env)
    local result = script.run({ "setup.lua" }, { servers = not env and cluster.bootstrap_servers or nil, env = env })
    assert.equal(0, result.code, result.stdout .. result.stderr)
    return result
  end

  local function open_bus()
    return docmsg.bus { name = "spec", events = EVENTS, log = log.new { write = function() end } }
  end

  it("1: takes in what it sends itself", function()
    local parsed = assert(document.from_file(file("a.md", "# Geese\n"), "anna"))
    local flowing <close> = flow.new()
    flowing:send("document-received", { document_id = parsed.document_id, parsed_document = parsed,
      timestamp = parsed.metadata.upload_timestamp })
    flowing:run()
    assert.same({}, flowing.dead)
    assert.equal("completed", flowing.store:document(parsed.document_id).status)
  end)

  it("2: can send its datetimes", function()
    fresh()
    setup()
    local parsed = assert(document.from_file(file("a.md", "# Geese\n"), "anna"))
    local bus <close> = open_bus()
    local report = assert(producers.document(bus):send_document_received(parsed))
    assert.equal("document-received", report.topic)
    local consumer <close> = cluster:consumer { topics = { "document-received" } }
    local message = assert(consumer:poll "30s")
    local event = assert(assert(events.load(EVENTS)):get("document-received").decode(message.value))
    assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$", event.timestamp)
    assert.equal(parsed.metadata.upload_timestamp, event.parsed_document.metadata.upload_timestamp)
  end)

  it("3: says the name of the file", function()
    local flowing <close> = flow.new()
    flowing:send("document-received", flow.document("d", "text", { filename = "uploaded_file.pdf" }))
    flowing:run()
    assert.truthy(table.concat(flowing.lines):find("📄 Document filename: uploaded_file.pdf\n", 1, true))
  end)

  it("4: is set up with an address as a list, and with nothing else", function()
    fresh()
    local result = setup { KAFKA_BOOTSTRAP_SERVERS = ('["%s"]'):format(cluster.bootstrap_servers) }
    assert.matches("Connected to Kafka: %[", result.stderr)
  end)

  it("5: reports the first set-up as what it is, and the second, too", function()
    fresh()
    assert.equal(workflow.setup_output "✅ Created topic", setup().stdout)
    assert.equal(workflow.setup_output "ℹ️  Topic already exists", setup().stdout)
  end)

  it("6: does not call a topic ready that was made with one partition", function()
    fresh()
    do
      local admin <close> = cluster:admin()
      assert(admin:create_topics { { name = "query-received", partitions = 1 } })
    end
    local result = script.run({ "setup.lua" }, { servers = cluster.bootstrap_servers })
    assert.equal(3, result.code)
    assert.truthy(result.stdout:find("query-received: partitions 1, declared 4", 1, true), result.stdout)
    assert.is_nil(result.stdout:find("topics ready", 1, true))
    fresh()
  end)

  it("7: sets aside what is malformed, with the reason, once, and goes on", function()
    fresh()
    setup()
    local store <close> = require("lib.store").open()
    application.produce(cluster, "document-received", { { key = "broken", value = "no json" } })
    local bus <close> = open_bus()
    assert(bus:publish("document-received", flow.document("whole", "The gander.")))
    local running <close> = script.start({ "run", "pipeline.lua" }, { servers = cluster.bootstrap_servers,
      env = { DOCMSG_DATA_DIR = folder } })
    await(function()
      local whole, broken = store:document "whole", store:document "broken"
      return whole and whole.status == "completed" and broken and broken.status == "failed"
    end, "90s", "both documents")
    running:kill "TERM"
    assert(running:wait().ok, running:wait().stderr)
    local dead = {}
    for _, message in ipairs(application.read(cluster, "document-received.document_consumer_group.dlq")) do
      if message.key == "broken" then dead[#dead + 1] = message end
    end
    assert.equal(1, #dead)
    assert.equal("no json", dead[1].value)
    assert.equal("undecodable", application.header(dead[1], "docmsg-reason"))
    local admin <close> = cluster:admin()
    assert(admin:delete_topics { "document-received.document_consumer_group.dlq" })
  end)

  it("8: waits for a delivery as long as it may still come", function()
    for _, property in ipairs(kafka.properties()) do
      if property.name == "message.timeout.ms" then assert.equal("300000", property.default) end
    end
    local unreachable = docmsg.bus { name = "spec", events = EVENTS, kafka = { ["message.timeout.ms"] = 300 } }
    kafka.defaults { bootstrap_servers = "127.0.0.1:1" }
    local report, err = unreachable:publish("ingestion-complete", { document_id = "d", vector_count = 0,
      collection_name = "c" })
    assert.is_nil(report)
    assert.equal("_MSG_TIMED_OUT", err.name, "the delivery's own end, not that of a shorter wait")
    assert.equal(0, unreachable:statistics().types["ingestion-complete"].pending)
    unreachable:close(0)
  end)

  it("9: gives all events of a document one key", function()
    local flowing <close> = flow.new()
    flowing:send("document-received", flow.document("the-one", "# Geese\nKeeper: Anna\n"))
    flowing:run()
    local count = 0
    for event_type, list in pairs(flowing.seen) do
      for _, one in ipairs(list) do
        count = count + 1
        local expected = event_type == "extraction-tasks" and "task_the-one_1" or "the-one"
        assert.equal(expected, flowing.events:get(event_type).key(one), event_type)
      end
    end
    assert.equal(9, count)
    assert.equal("anna:the-one", docmsg.message_key("the-one", "anna"))
    assert.equal("the-one", docmsg.message_key "the-one")
  end)

  it("10: subscribes to the types it names, and leaves nothing of that behind", function()
    fresh()
    setup()
    local bus <close> = open_bus()
    assert(bus:publish("document-received", flow.document("d", "text")))
    assert(bus:publish("ingestion-complete", { document_id = "d", vector_count = 1, collection_name = "c" }))
    local clients, seen = kafka.live().clients, {}
    local group = cluster:group()
    local subscription = bus:subscribe({ "ingestion-complete" }, { group = group }, function(event)
      seen[#seen + 1] = event.type
    end)
    assert(subscription:start())
    await(function()
      subscription:step "50ms"
      return subscription:statistics().handled == 1 and subscription:statistics().lag == 0
    end, "60s")
    assert.is_true(bus:unsubscribe(subscription))
    assert.same({ "ingestion-complete" }, seen)
    assert.equal(clients, kafka.live().clients)
    local admin <close> = cluster:admin()
    assert.equal(0, #assert(admin:describe_groups { group })[group].members)
    assert(admin:delete_topics { ("ingestion-complete.%s.dlq"):format(group) })
  end)

  it("11: counts what it does", function()
    fresh()
    setup()
    local bus <close> = open_bus()
    assert.same({ types = {}, consumers = {} }, bus:statistics())
    assert(bus:publish("document-received", flow.document("d", "text")))
    assert.is_nil((bus:publish("document-received", {})))
    local figures = bus:statistics().types["document-received"]
    assert.equal(1, figures.sent)
    assert.equal(1, figures.failed)
    assert(figures.bytes > 100 and figures.latency_us > 0)
  end)

  it("12: has one connection for all producers", function()
    fresh()
    setup()
    local clients = kafka.live().clients
    local bus <close> = open_bus()
    local specs, id = {}, "d"
    assert(producers.document(bus):send_workflow_initialized(id, { "rag" }))
    assert(producers.rag(bus):send_ingestion_complete(id, 1, "documents"))
    assert(producers.extraction(bus):send_field_init_complete(id, specs, "automatic"))
    assert(producers.query(bus):send_query_received { query_id = "q", query_text = "t", query_type = "hybrid",
      user_id = "u", filters = {} })
    assert.equal(clients + 1, kafka.live().clients)
  end)

  it("13: keeps the bytes of a file, and takes no file of another type or too large a one", function()
    local bytes = "%PDF-1.4\0\xFF" .. ("x"):rep(1000)
    local parsed = assert(document.from_file(file("a.pdf", bytes), "anna"))
    assert.equal(#bytes, parsed.content_ref.bytes)
    assert.equal(bytes, data.read(parsed.content_ref, 1 << 20))
    assert.is_nil(parsed.content)
    local none, reason = document.from_file(file("a.exe", "MZ"), "anna")
    assert.is_nil(none)
    assert.matches("not a document; types are pdf", reason)
    local huge = folder .. "/huge.txt"
    assert(os.execute("truncate -s 200M " .. huge))
    none, reason = document.from_file(huge, "anna")
    assert.is_nil(none)
    assert.matches("larger than the limit of 8388608 bytes", reason)
  end)

  it("14: tries again in every consumer, with longer and longer pauses, and not for ever", function()
    for _, consumer in ipairs(flow.consumers()) do
      local policy = consumer.settings.retry
      assert.equal(4, policy.attempts)
      local delays = {}
      for attempt = 1, 3 do delays[attempt] = retry.delay(policy, attempt, function() return 0.5 end) end
      assert(delays[1] < delays[2] and delays[2] < delays[3], table.concat(delays, " "))
    end
  end)
end)
