-- SPDX-License-Identifier: MIT
local document = require "support.document"
local embedded = require "support.embedded"
local script = require "support.script"
local topics = require "docmsg.topics"

local function declare(text)
  return assert(topics.parse(text, "t.lua", function() end))
end

local function connect(cluster)
  return assert(topics.connect { bootstrap_servers = cluster.bootstrap_servers })
end

describe("a topic manager on the embedded broker", function()
  it("creates, finds again, and shows what differs", function()
    local cluster <close> = embedded.start()
    local manager <close> = connect(cluster)
    local first = declare [[return { b = { partitions = 2, config = { ["retention.ms"] = days(1) } }, a = { partitions = 1 } }]]
    local created = assert(manager:ensure(first))
    assert.same({ "created", "created" }, { created[1].status, created[2].status })
    assert.same({}, created[1].differences)
    assert.equal("exists", assert(manager:ensure(first))[1].status)

    local other = declare [[return { b = { partitions = 3, config = { ["retention.ms"] = days(2) } }, c = { partitions = 1 } }]]
    local report = assert(manager:verify(other))
    assert.equal("partitions 2, declared 3; retention.ms 86400000, declared 172800000", topics.describe(report[1].differences))
    assert.equal("existence does not exist, declared exists", topics.describe(report[2].differences))
  end)

  it("plans without creating anything, on a broker that creates what it is asked for", function()
    local cluster <close> = embedded.start()
    local manager <close> = connect(cluster)
    local declared = declare [[return { a = { partitions = 1 }, b = { deleted = true } }]]
    assert.equal(1, #assert(manager:plan(declared)).changes)
    assert(manager:verify(declared))
    assert.same({}, assert(manager:list()))
  end)

  it("applies a plan, and says what this broker cannot do", function()
    local cluster <close> = embedded.start()
    local manager <close> = connect(cluster)
    local first = declare [[return { a = { partitions = 1, config = { ["segment.ms"] = 5 } } }]]
    assert.equal("done", manager:apply(assert(manager:plan(first)))[1].status)
    local second = declare [[return { a = { partitions = 2, config = { ["segment.ms"] = 6 } } }]]
    local results = manager:apply(assert(manager:plan(second)))
    assert.same({ "config.safe", "done" }, { results[1].class, results[1].status })
    assert.same({ "grow", "failed" }, { results[2].class, results[2].status })
    assert.equal("_UNSUPPORTED_FEATURE", results[2].error.name)
  end)

  it("lists partitions, leaders and replicas", function()
    local cluster <close> = embedded.start()
    local manager <close> = connect(cluster)
    assert(manager:ensure(declare [[return { b = { partitions = 2 }, a = { partitions = 1 } }]]))
    local list = assert(manager:list())
    assert.same({ "a", "b" }, { list[1].name, list[2].name })
    assert.equal(2, #list[2].partitions)
    assert.same({ partition = 1, leader = 1, replicas = { 1 }, isr = { 1 } }, list[2].partitions[2])
  end)

  it("counts records", function()
    local cluster <close> = embedded.start()
    local manager <close> = connect(cluster)
    assert(manager:ensure(declare [[return { a = { partitions = 2 } }]]))
    local producer <close> = cluster:producer()
    for i = 1, 3 do assert(producer:publish { topic = "a", partition = i % 2, value = "v" }) end
    local statistics = assert(manager:statistics({ "a" }, {}))
    assert.equal(3, statistics[1].records)
    assert.equal(1, statistics[1].partitions[1].high)
  end)
end)

describe("the page about topics", function()
  it("has blocks that run", function()
    local result = document.run_lua(script.root .. "docs/topics.md", "embedded")
    assert.equal(0, result.code, result.stderr)
    assert.equal("orders\tcreated\t\ncustomers\tcreated\t\norders\t0\trecords\n0\tchanges to make\n", result.stdout)
  end)
end)
