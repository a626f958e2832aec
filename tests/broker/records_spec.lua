-- SPDX-License-Identifier: MIT
-- cat, tail and put as a person uses them, on Apache Kafka.
local await = require "support.await"
local broker = require "support.broker"
local name = require "support.name"
local workplace = require "support.workplace"

local function lines_of(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do list[#list + 1] = line end
  return list
end

local function sorted(text)
  local list = lines_of(text)
  table.sort(list)
  return list
end

describe("cat, tail and put", function()
  local cluster, place, topic

  before_each(function()
    cluster = broker.connect()
    place = workplace.new(cluster.bootstrap_servers)
    topic = cluster:topic { partitions = 2 }
  end)

  after_each(function()
    topic:close()
    place:close()
  end)

  it("carry lines to a topic and back", function()
    place:write("in.txt", "a:1\nb:2\nc:3\n")
    local stdout, stderr = place:expect(0, "put", topic.name, "in.txt", "-K", ":", "-H", "kind=paid")
    assert.equal("", stdout)
    assert.equal("3 records to " .. topic.name .. "\n", stderr)
    assert.same({ "a 1 kind=paid", "b 2 kind=paid", "c 3 kind=paid" },
      sorted(place:expect(0, "cat", topic.name, "-e", "-f", "%k %s %h\\n")))
    assert.same({ "1", "2", "3" }, sorted(place:expect(0, "cat", topic.name, "-e")))
  end)

  it("leave it to the user how long records linger", function()
    place:write("none.txt", "")
    for _, property in ipairs { "linger.ms=1", "message.timeout.ms=400" } do
      place:expect(0, "put", topic.name, "none.txt", "-X", property)
    end
  end)

  it("carry everything about a record as JSON", function()
    do
      local producer <close> = cluster:producer()
      assert(producer:publish { topic = topic.name, partition = 1, key = "\xff\0", value = "", timestamp = 1700000000123,
        headers = { { "a", "1" }, { "a" }, { "b", "\xfe" } } })
      assert(producer:publish { topic = topic.name, partition = 1, timestamp = 1700000000124 })
    end
    local other <close> = cluster:topic { partitions = 1 }
    place:write("out.jsonl", (place:expect(0, "cat", topic.name, "-e", "-J")))
    place:expect(0, "put", other.name, "-J", "out.jsonl")
    local function without_place(text)
      return (text:gsub('^{"topic":"[^"]*","partition":%d+', "{"):gsub('\n{"topic":"[^"]*","partition":%d+', "\n{"))
    end
    assert.equal(without_place(place:read "out.jsonl"), without_place((place:expect(0, "cat", other.name, "-e", "-J"))))
  end)

  it("begin and end where they are told to", function()
    do
      local producer <close> = cluster:producer()
      for i = 1, 5 do
        assert(producer:publish { topic = topic.name, partition = 0, value = tostring(i), timestamp = 1700000000000 + i })
      end
    end
    local function cat(...) return lines_of((place:expect(0, "cat", topic.name, "-p", "0", "-e", ...))) end
    assert.same({ "4", "5" }, cat("-o", "-2"))
    assert.same({ "3", "4", "5" }, cat("-o", "2"))
    assert.same({}, cat("-o", "end"))
    assert.same({ "3", "4", "5" }, cat("-o", "@1700000000003"))
    assert.same({}, cat("-o", "-1h"))
    assert.same({ "1", "2" }, cat("-n", "2"))
    assert.same({ "2", "4" }, cat("--where", "tonumber(value) % 2 == 0"))
    assert.same({ '{"n":4}', '{"n":5}' }, cat("--where", "offset >= 3", "--map", "{ n = data }"))
    assert.same({ "3", "4", "5" }, lines_of((place:expect(0, "tail", topic.name, "--last", "3", "-n", "3"))))
  end)

  it("end before the marks of a transaction", function()
    local producer <close> = cluster:producer { transactional_id = name.unique "tx" }
    assert(producer:begin())
    assert(producer:send { topic = topic.name, partition = 0, value = "v" })
    assert(producer:commit())
    -- The broker answers a commit before its mark is in the topic, and records end before that.
    await(function() return (place:expect(0, "cat", topic.name, "-e")) == "v\n" end, "30s", "the committed record")
  end)

  it("follow a topic until they are interrupted", function()
    local child <close> = place:start("tail", topic.name)
    local producer <close> = cluster:producer()
    assert(producer:publish { topic = topic.name, value = "first" })
    child:await_stdout "^first\n$"
    assert(producer:publish { topic = topic.name, value = "second" })
    child:await_stdout "^first\nsecond\n$"
    child:kill "INT"
    assert.equal(130, child:wait().code)
  end)

  local refused = {
    { 1, "no such topic", "cat", "nowhere-at-all", "-e" },
    { 1, "no such topic", "tail", "nowhere-at-all" },
    { 1, "nowhere%-at%-all", "put", "nowhere-at-all" },
    { 2, "exclude", "cat", "t", "-J", "-f", "%s" },
    { 2, "%-%-where:1", "cat", "t", "--where", "key ==" },
    { 2, "'%%q' at byte 1", "cat", "t", "-f", "%q" },
    { 2, "%-%-offset takes start", "cat", "t", "-o", "yesterday" },
    { 2, "No such file", "put", "t", "none.txt" },
    { 2, "excludes", "put", "t", "-J", "-K", ":" },
  }
  for i, case in ipairs(refused) do
    it(("say what is wrong, %d: %s"):format(i, table.concat(case, " ", 3)), function()
      local _, stderr = place:expect(case[1], table.unpack(case, 3))
      assert.matches(case[2], stderr)
    end)
  end

  it("say which record a filter failed at, and which line is wrong", function()
    place:write("in.jsonl", '{"value":"1"}\n{"valu":"2"}\n')
    local _, stderr = place:expect(5, "put", topic.name, "-J", "in.jsonl")
    assert.matches("line 2: unknown field 'valu'; did you mean 'value'?", stderr, 1, true)
    _, stderr = place:expect(1, "cat", topic.name, "-e", "--where", "data.x.y")
    assert.matches("%-%-where:1: .* %(at [^ ]+/%d/0%)\n$", stderr)
    place:write("bad.jsonl", "nothing\n")
    place:expect(2, "put", topic.name, "-J", "bad.jsonl")
    place:expect(1, "cat", topic.name, "-e", "-p", "7")
  end)

  it("leave quietly with the reader of a pipe", function()
    place:write("in.txt", ("x"):rep(1000, "\n") .. "\n")
    place:expect(0, "put", topic.name, "in.txt")
    local process = require "support.process"
    local result = process.run { "bash", "-c", 'set -o pipefail; "$0" --bootstrap-servers "$1" cat "$2" -e | head -n 1; echo ${PIPESTATUS[0]}',
      process.program, cluster.bootstrap_servers, topic.name }
    assert.equal("", result.stderr)
    assert.matches("^x\n", result.stdout)
  end)
end)
