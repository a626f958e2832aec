-- SPDX-License-Identifier: MIT
-- Records written by us are read by others, byte for byte, and theirs by us. The others are kcat
-- and the Java client.
local broker = require "support.broker"
local peer = require "support.peer"

local function every_byte()
  local bytes = {}
  for byte = 0, 255 do
    bytes[#bytes + 1] = string.char(byte)
  end
  return table.concat(bytes)
end

local HEADERS = {
  { "trace", "1" }, { "trace" }, { "empty", "" }, { "trace", "2" }, { "ключ", "\0\255\n" }, { "", "x" },
}

-- What nobody may change on the way.
local RECORDS = {
  { key = "key", value = "text", headers = {}, timestamp = 1700000000123 },
  { key = "k\0\255\r\n", value = every_byte(), headers = HEADERS, timestamp = 1 },
  { key = "tombstone", value = nil, headers = { { "why" } }, timestamp = 1700000000124 },
  { key = "", value = "", headers = {}, timestamp = 1700000000125 },
  { key = nil, value = nil, headers = {}, timestamp = 1600000000000 },
  { key = nil, value = ("x"):rep(100000), headers = {}, timestamp = 1700000000126 },
}

local function write(cluster, topic)
  local producer <close> = cluster:producer()
  for i, record in ipairs(RECORDS) do
    local report = assert(producer:publish {
      topic = topic, partition = 1, key = record.key, value = record.value,
      headers = record.headers, timestamp = record.timestamp,
    })
    assert.equal(i - 1, report.offset)
    assert.equal(record.timestamp, report.timestamp)
  end
end

---What a topic holds for our consumer, as tables.
local function read(cluster, topic, count)
  local messages = {}
  local consumer <close> = cluster:consumer { topics = { topic } }
  for message in consumer:messages("30s") do
    messages[#messages + 1] = message:copy()
    if #messages == count then
      break
    end
  end
  return messages
end

---@param expected table[]
---@param records table[]
local function same_records(expected, records)
  assert.equal(#expected, #records)
  for i, record in ipairs(records) do
    for _, field in ipairs { "key", "value", "timestamp" } do
      if expected[i].timestamp or field ~= "timestamp" then
        assert.equal(expected[i][field], record[field], ("the %s of record %d"):format(field, i))
      end
    end
    assert.same(expected[i].headers or {}, record.headers, "the headers of record " .. i)
  end
end

describe("records of ours are read byte for byte by", function()
  local cluster

  before_each(function() cluster = broker.connect() end)

  it("kcat", function()
    local topic <close> = cluster:topic { partitions = 2 }
    write(cluster, topic.name)
    local records = peer.kcat_read(cluster.bootstrap_servers, topic.name)
    same_records(RECORDS, records)
    for i, record in ipairs(records) do
      assert.equal(1, record.partition)
      assert.equal(i - 1, record.offset)
    end
  end)

  it("kcat, lengths and raw bytes", function()
    local topic <close> = cluster:topic { partitions = 2 }
    write(cluster, topic.name)
    local expected = {}
    for i, record in ipairs(RECORDS) do
      local key, value = record.key, record.value
      expected[i] = ("%d:%s|%d:%s|%d\n"):format(key and #key or -1, key or "", value and #value or -1,
        value or "", record.timestamp)
    end
    assert.equal(table.concat(expected), peer.kcat(cluster.bootstrap_servers,
      { "-C", "-t", topic.name, "-p", "1", "-e", "-f", "%K:%k|%S:%s|%T\\n" }))
  end)

  it("the Java consumer", function()
    local topic <close> = cluster:topic { partitions = 2 }
    write(cluster, topic.name)
    same_records(RECORDS, peer.java_read(cluster.bootstrap_servers, topic.name, 1, #RECORDS))
  end)

  it("ourselves", function()
    local topic <close> = cluster:topic { partitions = 2 }
    write(cluster, topic.name)
    local messages = read(cluster, topic.name, #RECORDS)
    same_records(RECORDS, messages)
    for _, message in ipairs(messages) do
      assert.equal("create", message.timestamp_type)
    end
  end)
end)

describe("we read byte for byte the records of", function()
  local cluster

  before_each(function() cluster = broker.connect() end)

  it("kcat: keys, headers, tombstones and binary values", function()
    local servers = cluster.bootstrap_servers
    local topic <close> = cluster:topic()
    local binary = every_byte():gsub("[|~]", "")
    peer.kcat(servers, { "-P", "-t", topic.name, "-K", "|", "-D", "~", "-Z", "-H", "trace=1", "-H",
      "trace=2", "-H", "empty=", "-H", "null", stdin = "k\255|" .. binary .. "~gone|~" })
    peer.kcat(servers, { "-P", "-t", topic.name, "-K", "|", stdin = "key|\n" })
    local headers = { { "trace", "1" }, { "trace", "2" }, { "empty", "" }, { "null" } }
    same_records({
      { key = "k\255", value = binary, headers = headers },
      { key = "gone", value = nil, headers = headers },
      { key = "key", value = "" },
    }, read(cluster, topic.name, 3))
  end)

  it("kcat: the partition, offset and timestamp of each", function()
    local topic <close> = cluster:topic { partitions = 3 }
    local lines = {}
    for i = 1, 30 do
      lines[i] = ("key-%d|value-%d\n"):format(i, i)
    end
    peer.kcat(cluster.bootstrap_servers, { "-P", "-t", topic.name, "-K", "|",
      stdin = table.concat(lines) })
    local places = {}
    for _, record in ipairs(peer.kcat_read(cluster.bootstrap_servers, topic.name)) do
      places[record.key] = { record.value, record.partition, record.offset, record.timestamp }
    end
    for _, message in ipairs(read(cluster, topic.name, 30)) do
      assert.same(places[message.key],
        { message.value, message.partition, message.offset, message.timestamp })
    end
  end)

  it("the Java producer", function()
    local topic <close> = cluster:topic()
    local records = {
      { key = "key", value = "text", headers = { { "a", "1" }, { "a" }, { "b", "" }, { "a", "2" } } },
      { key = "ключ", value = "значение 📄", headers = { { "имя", "да" } } },
      { key = "tombstone", value = nil },
      { key = "", value = "" },
      { key = nil, value = nil },
    }
    peer.java_write(cluster.bootstrap_servers, topic.name, records)
    same_records(records, read(cluster, topic.name, #records))
  end)
end)

describe("a key", function()
  it("has the same partition as with the Java producer", function()
    local cluster = broker.connect()
    local servers = cluster.bootstrap_servers
    local topic <close> = cluster:topic { partitions = 7 }
    local keys = { "ключ", "📄", "x", "" }
    for i = 1, 200 do
      keys[#keys + 1] = ("document-%d"):format(i * 7919)
    end
    local records, theirs = {}, {}
    for i, key in ipairs(keys) do
      records[i] = { key = key, value = "theirs" }
    end
    peer.java_write(servers, topic.name, records)
    for _, record in ipairs(peer.kcat_read(servers, topic.name)) do
      theirs[record.key] = record.partition
    end
    local producer <close> = cluster:producer()
    for _, key in ipairs(keys) do
      local delivery = assert(producer:send { topic = topic.name, key = key, value = "ours" })
      assert.equal(theirs[key], assert(delivery:wait("30s")).partition, ("key %q"):format(key))
    end
  end)
end)
