-- SPDX-License-Identifier: MIT
-- These specs own the 13 topics of the document workflow on the broker they run against.
local await = require "support.await"
local broker = require "support.broker"
local name = require "support.name"
local script = require "support.script"
local workflow = require "support.workflow"

local DOCUMENTS <const> = "document-received"

local function delete_topics(cluster, names)
  local admin <close> = cluster:admin()
  workflow.delete_topics(admin, names)
end

-- A broker without the topics of the workflow, which are deleted again at the end of the spec.
local function fresh_cluster()
  local cluster = broker.connect()
  delete_topics(cluster, workflow.names())
  finally(function() delete_topics(cluster, workflow.names()) end)
  return cluster
end

local function run(words, options)
  options = options or {}
  options.servers = options.servers or broker.address()
  return script.run(words, options)
end

local function setup()
  local result = run { "setup.lua" }
  assert.equal(0, result.code, result.stderr)
end

local function text_file(content)
  local path = script.file(".txt", content)
  return path, path:match "[^/]+$"
end

local function committed(cluster, group)
  local admin <close> = cluster:admin()
  local total = 0
  for _, entry in ipairs(assert(admin:group_offsets(group))) do total = total + (entry.offset or 0) end
  return total
end

describe("setup.lua on Apache Kafka", function()
  it("creates 13 topics with 48 partitions, and finds them the second time", function()
    local cluster = fresh_cluster()
    local first = run { "setup.lua" }
    assert.equal(0, first.code, first.stderr)
    assert.equal(workflow.setup_output "✅ Created topic", first.stdout)
    local second = run { "setup.lua" }
    assert.equal(0, second.code, second.stderr)
    assert.equal(workflow.setup_output "ℹ️  Topic already exists", second.stdout)

    local admin <close> = cluster:admin()
    local partitions = 0
    for _, info in pairs(assert(admin:describe_topics(workflow.names()))) do partitions = partitions + #info.partitions end
    assert.equal(48, partitions)
    for topic, described in pairs(assert(admin:describe_configs(workflow.names()))) do
      local own = {}
      for key, value in pairs(described.configs) do
        if value.source == "topic" then own[key] = value.value end
      end
      assert.same({
        ["cleanup.policy"] = "delete", ["retention.ms"] = "604800000", ["segment.ms"] = "86400000",
        ["compression.type"] = "snappy", ["min.insync.replicas"] = topic == DOCUMENTS and "1" or nil,
      }, own)
    end
  end)

  it("shows a topic that differs, changes nothing, and exits 3", function()
    local cluster = fresh_cluster()
    local admin <close> = cluster:admin()
    assert(admin:create_topics { { name = DOCUMENTS, partitions = 1, config = { ["retention.ms"] = 1000 } } })
    local result = run { "setup.lua" }
    assert.equal(3, result.code)
    assert.truthy(result.stdout:find("⚠️  Topic differs: document-received: partitions 1, declared 6; "
      .. "retention.ms 1000, declared 604800000", 1, true) or result.stdout:find("partitions 1, declared 6", 1, true), result.stdout)
    assert.is_nil(result.stdout:find("topics ready", 1, true))
    assert.truthy(result.stderr:find("❌ Topic setup failed!\n1 of 13 topics differ from ", 1, true), result.stderr)
    assert.equal(1, #assert(admin:describe_topics { DOCUMENTS })[DOCUMENTS].partitions)
  end)

  local function topic_file(text)
    local path = script.file(".lua", text)
    finally(function() os.remove(path) end)
    return path
  end

  it("exits 5 when some topics could not be created, and says why", function()
    local good, bad = name.unique "good", name.unique "bad"
    local cluster = broker.connect()
    finally(function() delete_topics(cluster, { good }) end)
    local result = run { "setup.lua", "--topics", topic_file(([[
      topic "%s" { partitions = 1 }
      topic "%s" { partitions = 1, replication_factor = 99 }]]):format(good, bad)) }
    assert.equal(5, result.code)
    assert.truthy(result.stdout:find("✅ Created topic: " .. good, 1, true), result.stdout)
    assert.truthy(result.stdout:find("❌ Failed to create topic " .. bad .. ": ", 1, true), result.stdout)
    assert.truthy(result.stdout:find("lower the replication factor", 1, true), result.stdout)
    assert.truthy(result.stderr:find("1 of 2 topics could not be created", 1, true), result.stderr)
  end)

  it("exits 1 when nothing could be created", function()
    local bad = name.unique "bad"
    local result = run { "setup.lua", "--topics", topic_file(([[
      topic "%s" { partitions = 1, config = { ["no.such.property"] = 1 } }]]):format(bad)) }
    assert.equal(1, result.code)
    assert.truthy(result.stdout:find("no.such.property", 1, true), result.stdout)
  end)

  it("takes the replication factor from the environment", function()
    local result = run({ "setup.lua", "--topics",
      topic_file(([[topic "%s" { partitions = 1 }]]):format(name.unique "replicated")) },
      { env = { KAFKA_REPLICATION_FACTOR = "77" } })
    assert.equal(1, result.code)
    assert.truthy(result.stdout:find("replication", 1, true), result.stdout)
  end)
end)

describe("a document on Apache Kafka", function()
  local function consume(words, group)
    return run { "consumer.lua", "--group", group, table.unpack(words) }
  end

  it("is sent, acknowledged and received once", function()
    local cluster = fresh_cluster()
    setup()
    local path, filename = text_file "hello"
    finally(function()
      os.remove(path)
      delete_topics(cluster, workflow.names())
    end)
    local sent = run { "send_document.lua", path, "--user-id", "anna" }
    assert.equal(0, sent.code, sent.stderr)
    assert.truthy(sent.stdout:find("^Published to document%-received:[0-5]:0\n$"), sent.stdout)
    local id = sent.stderr:match("INFO Document received event sent: (%S+)\n")

    local group = name.unique "readers"
    local received = consume({ "--count", "1" }, group)
    assert.equal(0, received.code, received.stderr)
    assert.equal(("Received document: %s (file: text)\n📄 Document filename: %s\n"):format(id, filename), received.stdout)
    assert.equal(1, committed(cluster, group))
    local again = consume({ "--idle", "1s" }, group)
    assert.equal(0, again.code, again.stderr)
    assert.equal("", again.stdout)

    local simple = name.unique "readers"
    local printed = run { "simple_consumer.lua", "--group", simple, "--count", "1" }
    assert.equal(0, printed.code, printed.stderr)
    assert.equal(("📄 Document filename: %s\n"):format(filename), printed.stdout)
    assert.equal(1, committed(cluster, simple))
    delete_topics(cluster, { ("%s.%s.dlq"):format(DOCUMENTS, simple) })
  end)

  it("carries CloudEvents headers and its id as the key", function()
    local cluster = fresh_cluster()
    setup()
    local path = text_file "hello"
    finally(function()
      os.remove(path)
      delete_topics(cluster, workflow.names())
    end)
    assert.equal(0, run({ "send_document.lua", path }).code)
    local consumer <close> = cluster:consumer { topics = { DOCUMENTS } }
    local message = assert(consumer:poll "30s")
    local names = {}
    for i, header in ipairs(message.headers) do names[i] = header[1] end
    assert.same({ "ce_specversion", "ce_id", "ce_source", "ce_type", "content-type" }, names)
    assert.equal(DOCUMENTS, message:header "ce_type")
    assert.truthy(message.value:find(message.key, 1, true))
  end)

  it("that is malformed ends the consumer and stays uncommitted", function()
    local cluster = fresh_cluster()
    setup()
    local group = name.unique "readers"
    do
      local producer <close> = cluster:producer()
      assert(producer:publish { topic = DOCUMENTS, partition = 3, value = "no json" })
    end
    for _ = 1, 2 do
      local result = consume({ "--idle", "10s" }, group)
      assert.equal(1, result.code)
      assert.truthy(result.stderr:find("consumer: document-received/3/0: no document-received event: no JSON", 1, true), result.stderr)
      assert.equal(0, committed(cluster, group))
    end
    local skipped = consume({ "--idle", "1s", "--skip-malformed" }, group)
    assert.equal(0, skipped.code, skipped.stderr)
    assert.truthy(skipped.stderr:find("consumer: document-received/3/0: ", 1, true))
    assert.equal(1, committed(cluster, group))
  end)

  it("is committed before Ctrl-C ends the consumer", function()
    local cluster = fresh_cluster()
    setup()
    local path, filename = text_file "hello"
    local group = name.unique "readers"
    local consumer <close> = script.start({ "consumer.lua", "--group", group }, { servers = broker.address() })
    assert.equal(0, run({ "send_document.lua", path }).code)
    os.remove(path)
    assert.equal(filename, consumer:await_stdout "📄 Document filename: (%S+)\n")
    await(function() return committed(cluster, group) == 1 end, "30s", "the commit")
    consumer:kill "INT"
    assert.equal(130, consumer:wait().code)
    local admin <close> = cluster:admin()
    assert.equal(0, #assert(admin:describe_groups { group })[group].members)
  end)
end)
