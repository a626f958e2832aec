-- SPDX-License-Identifier: MIT
local embedded = require "support.embedded"
local kafka = require "docmsg.kafka"

local HEADERS <const> = { { "a", "1" }, { "b" }, { "a", "" }, { "c", "x\0y" }, { "a" } }

describe("a message", function()
  local cluster, topic, consumer

  ---Sends the records and returns them as messages.
  local function round_trip(...)
    local records = { ... }
    do
      local producer <close> = cluster:producer()
      for _, record in ipairs(records) do
        record.topic, record.partition = topic, 0
        assert(producer:publish(record))
      end
    end
    assert(consumer:assign { { topic = topic, partition = 0, offset = "earliest" } })
    local messages = {}
    for message in consumer:messages("20s") do
      messages[#messages + 1] = message
      if #messages == #records then
        return messages
      end
    end
  end

  before_each(function()
    cluster = embedded.start()
    topic = cluster:topic().name
    consumer = cluster:consumer()
  end)

  after_each(function()
    consumer:close()
    cluster:close()
  end)

  it("has the record's place, bytes and time", function()
    local message = round_trip({ key = "k\0\255", value = "v\0\n", timestamp = 1700000000123 })[1]
    assert.equal(topic, message.topic)
    assert.equal(0, message.partition)
    assert.equal(0, message.offset)
    assert.equal("integer", math.type(message.offset))
    assert.equal("k\0\255", message.key)
    assert.equal("v\0\n", message.value)
    assert.equal(1700000000123, message.timestamp)
    assert.equal("create", message.timestamp_type)
    assert.same({}, message.headers)
  end)

  it("tells a missing key and value from empty ones", function()
    local messages = round_trip({}, { key = "", value = "" })
    assert.is_nil(messages[1].key)
    assert.is_nil(messages[1].value)
    assert.equal("", messages[2].key)
    assert.equal("", messages[2].value)
  end)

  it("keeps the order, the duplicates and the null values of headers", function()
    local message = round_trip({ headers = HEADERS })[1]
    assert.same(HEADERS, message.headers)
  end)

  it("finds the last header of a name, and tells null from absent", function()
    local message = round_trip({ headers = HEADERS })[1]
    assert.same({ n = 2, nil, true }, table.pack(message:header("a")))
    assert.same({ n = 2, nil, true }, table.pack(message:header("b")))
    assert.same({ n = 2, "x\0y", true }, table.pack(message:header("c")))
    assert.same({ n = 2, nil, false }, table.pack(message:header("C")))
    assert.same({ n = 2, nil, false }, table.pack(message:header("c\0")))
    assert.same({ n = 2, nil, false }, table.pack(round_trip({ value = "x" }, {})[2]:header("a")))
    assert.has_error(function() message:header() end)
  end)

  it("carries 10,000 headers", function()
    local headers = {}
    for i = 1, 10000 do
      headers[i] = { "n" .. i % 7, tostring(i) }
    end
    local message = round_trip({ headers = headers })[1]
    assert.equal(10000, #message.headers)
    assert.same(headers[1], message.headers[1])
    assert.same(headers[10000], message.headers[10000])
  end)

  it("has no other fields and takes no values", function()
    local message = round_trip({ value = "v" })[1]
    assert.is_nil(message.vlaue)
    assert.is_nil(message[1])
    assert.has_error(function() message.value = "w" end)
  end)

  it("prints where it is", function()
    local message = round_trip({ value = "v" })[1]
    assert.equal(("docmsg.Message (%s [0] at 0)"):format(topic), tostring(message))
  end)

  it("is copied to a plain table that stays when the client closes", function()
    local message = round_trip({ key = "k", value = "v", headers = HEADERS, timestamp = 5 })[1]
    local copy = message:copy()
    consumer:close()
    assert.is_nil(getmetatable(copy))
    assert.same({ topic = topic, partition = 0, offset = 0, key = "k", value = "v",
      headers = HEADERS, timestamp = 5, timestamp_type = "create" }, copy)
  end)

  it("is released when its consumer closes, and says so", function()
    local messages = round_trip({ value = "1" }, { value = "2" })
    local before = kafka.live().messages
    assert.is_true(before >= 2)
    assert(consumer:close())
    assert.equal(0, kafka.live().messages)
    for _, message in ipairs(messages) do
      for _, field in ipairs { "topic", "value", "headers", "copy", "header", "nothing" } do
        local ok, err = pcall(function() return message[field] end)
        assert.is_false(ok)
        assert.matches("message released", err)
      end
      assert.equal("docmsg.Message (released)", tostring(message))
    end
  end)

  it("cannot be offered as an offset once it is released", function()
    local message = round_trip({ value = "1" })[1]
    assert(consumer:close())
    local other <close> = cluster:consumer()
    local ok, err = pcall(other.commit, other, { message })
    assert.is_false(ok)
    assert.matches("message released", err)
  end)

  it("gives its payload back when nobody holds it", function()
    local messages = round_trip({ value = "1" }, { value = "2" })
    assert.equal("1", messages[1].value)
    messages = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.equal(0, kafka.live().messages)
  end)

  it("stays when others of its batch are gone", function()
    round_trip({ value = "1" }, { value = "2" }, { value = "3" })
    assert(consumer:assign { { topic = topic, partition = 0, offset = 0 } })
    local held = {}
    for batch in consumer:batches(3, "20s") do
      table.move(batch, 1, #batch, #held + 1, held)
      if #held == 3 then
        break
      end
    end
    held[1], held[3] = nil, nil
    collectgarbage()
    collectgarbage()
    assert.equal("2", held[2].value)
  end)

  local strangers = { {}, "string", 1, io.stdout, kafka.version }
  it("is not mistaken for another value", function()
    local metatable = debug.getmetatable(round_trip({ value = "1" })[1])
    local pretender = setmetatable({}, { __name = "docmsg.Message" })
    for _, stranger in ipairs { pretender, table.unpack(strangers) } do
      assert.has_error(function() metatable.__index(stranger, "value") end)
      assert.has_error(function() metatable.__tostring(stranger) end)
      assert.has_error(function() consumer:commit { stranger } end)
    end
    assert.has_error(function() metatable.__index() end)
    assert.has_error(function() setmetatable({}, metatable).value() end)
  end)
end)
