-- SPDX-License-Identifier: MIT
local await = require "support.await"
local embedded = require "support.embedded"
local kafka = require "docmsg.kafka"
local process = require "support.process"
local system = require "system"

---Seconds that a call takes, and its results.
local function timed(call, ...)
  local start = system.monotime()
  local results = table.pack(call(...))
  return system.monotime() - start, table.unpack(results, 1, results.n)
end

---Raises with a message that matches.
local function assert_raises(pattern, call, ...)
  local ok, err = pcall(call, ...)
  assert.is_false(ok, "no error was raised")
  assert.matches(pattern, tostring(err))
end

---Fails with an error object of that name.
local function assert_fails(code, result, err)
  assert.is_nil(result)
  assert.equal(code, err and err.name, tostring(err))
  return err
end

local PRINTER <const> = kafka.printer { file = io.stdout }

-- A call of each method that would do something on an open consumer.
local CALLS <const> = {
  assign = { {} }, assignment = {}, batch = { 1, 0 }, batches = { 1 }, commit = { {} },
  committed = { {} }, ended = {}, fd = {}, member_id = {}, messages = {}, name = {}, pause = {}, paused = {},
  poll = { 0 }, position = {}, print = { PRINTER }, resume = {}, seek = { {} }, store = { {} },
  subscribe = { { "t" } }, subscription = {}, unsubscribe = {}, watermarks = { "t", 0 },
}

describe("the options of a consumer", function()
  local refused = {
    { { gruop = "g" }, "unknown option 'gruop'; did you mean 'group'" },
    { { group = 1 }, "group: string expected" },
    { { group = "a\0b" }, "group: the string has a NUL byte inside" },
    { { group = "a\nb" }, "group: byte 2 is a control character" },
    { { group = "" }, "group: 1 to 255 bytes expected" },
    { { group = "g", instance_id = 1 }, "instance_id: string expected" },
    { { instance_id = "i" }, "instance_id needs a group" },
    { { topics = { "t" } }, "has no group" },
    { { group = "g", topics = "t" }, "topics: table expected" },
    { { group = "g", topics = {} }, "the list of topics is empty" },
    { { group = "g", topics = { 1 } }, "topic: string expected" },
    { { group = "g", topics = { "" } }, "1 to 249 bytes" },
    { { group = "g", topics = { ("t"):rep(300) } }, "1 to 249 bytes, this one has 300" },
    { { group = "g", topics = { "a\0b" } }, "NUL byte" },
    { { group = "g", topics = { "^a\0b" } }, "NUL byte" },
    { { group = "g", start = "begin" }, "start: expected \"earliest\"" },
    { { group = "g", start = 0 }, "start: string expected" },
    { { group = "g", on_assign = 1 }, "on_assign: function expected" },
    { { group = "g", on_revoke = {} }, "on_revoke: function expected" },
    { { group = "g", on_lost = "f" }, "on_lost: function expected" },
    { { group = "g", kafka = { ["enable.auto.offset.store"] = true } }, "cannot be set" },
    { { group = "g", kafka = { ["linger.ms"] = 5 } }, "another kind of client" },
    { { group = "g", kafka = { ["session.timout.ms"] = 1 } }, "session.timeout.ms" },
    { 1, "options table expected" },
  }
  for i, case in ipairs(refused) do
    it(("are refused when they are wrong, %d: %s"):format(i, case[2]), function()
      assert_raises(case[2]:gsub("%p", "%%%0"), kafka.consumer, case[1])
    end)
  end

  it("are returned as an error when librdkafka refuses them", function()
    assert_fails("_INVALID_ARG", kafka.consumer { group = "g",
      kafka = { ["partition.assignment.strategy"] = "none-such" } })
  end)

  it("are returned as an error when a pattern is no regular expression", function()
    local err = assert_fails("_INVALID_ARG", kafka.consumer { group = "g", topics = { "^(" } })
    assert.matches("pattern", err.message)
  end)
end)

describe("a consumer", function()
  local cluster, topic

  ---Publishes records with the values 1..count, spread over the partitions.
  local function publish(count, partitions)
    local producer <close> = cluster:producer()
    for i = 1, count do
      assert(producer:send { topic = topic, value = tostring(i), partition = i % (partitions or 1) })
    end
    assert(producer:flush "30s")
  end

  ---A consumer that reads the partitions of the topic from the beginning, without joining.
  local function reader(partitions, options)
    local consumer = cluster:consumer(options)
    local list = {}
    for partition = 0, (partitions or 1) - 1 do
      list[#list + 1] = { topic = topic, partition = partition, offset = "earliest" }
    end
    assert(consumer:assign(list))
    return consumer
  end

  local function at(offset, partition)
    return { topic = topic, partition = partition or 0, offset = offset }
  end

  before_each(function()
    cluster = embedded.start()
    topic = cluster:topic { partitions = 4 }.name
  end)

  after_each(function()
    cluster:close()
  end)

  describe("that reads", function()
    it("returns nil when nothing arrives in time, and an empty batch", function()
      local consumer <close> = reader()
      local seconds, message, err = timed(consumer.poll, consumer, "200ms")
      assert.is_nil(message)
      assert.is_nil(err)
      assert.is_true(seconds > 0.19 and seconds < 2, seconds)
      assert.same({}, consumer:batch(10, "50ms"))
      assert.is_nil(consumer:poll(0))
      assert.same({}, consumer:batch(10, 0))
    end)

    it("returns a batch as soon as there is anything", function()
      publish(5)
      local consumer <close> = reader()
      local seconds, batch = timed(consumer.batch, consumer, 1000, "20s")
      assert.is_true(#batch >= 1 and #batch <= 5)
      assert.is_true(seconds < 10, seconds)
    end)

    it("never returns more than was asked for", function()
      publish(50)
      local consumer <close> = reader()
      local seen = 0
      for batch in consumer:batches(7, "5s") do
        assert.is_true(#batch >= 1 and #batch <= 7)
        for _, message in ipairs(batch) do
          assert.equal(seen, message.offset)
          seen = seen + 1
        end
      end
      assert.equal(50, seen)
    end)

    it("knows which partitions it has read to their end, and reads on behind that", function()
      local consumer <close> = reader(2, { kafka = { ["enable.partition.eof"] = true } })
      assert.same({}, consumer:ended())
      await(function() return #consumer:batch(10, 0) == 0 and #consumer:ended() == 2 end)
      publish(10, 2)
      local seen = 0
      await(function()
        seen = seen + #consumer:batch(10, 0)
        return seen == 10
      end)
      assert.equal(2, #consumer:ended())
      assert(consumer:assign {})
      assert.same({}, consumer:ended())
    end)

    it("iterates over messages until nothing arrives for so long", function()
      publish(20)
      local consumer <close> = reader()
      local values = {}
      for message in consumer:messages "5s" do
        values[#values + 1] = message.value
      end
      assert.equal(20, #values)
      assert.equal("20", values[20])
    end)

    it("is used from coroutines", function()
      publish(20)
      local consumer <close> = reader()
      local function step()
        return coroutine.yield((assert(consumer:poll "20s")).offset)
      end
      local function body()
        while true do step() end
      end
      local one, two = coroutine.wrap(body), coroutine.wrap(body)
      for i = 0, 18, 2 do
        assert.equal(i, one())
        assert.equal(i + 1, two())
      end
    end)

    it("returns what it has when an error comes after it, and the error next", function()
      publish(10)
      local consumer <close> = cluster:consumer { start = "error" }
      assert(consumer:assign { at(0), at(999, 1) })
      local values, errors = 0, {}
      await(function()
        local batch, err = consumer:batch(100, "100ms")
        values = values + #(batch or {})
        errors[#errors + 1] = err
        return values == 10 and #errors > 0
      end)
      assert.equal("_AUTO_OFFSET_RESET", errors[1].name)
      assert.equal(1, #errors)
    end)

    it("raises errors inside an iterator", function()
      local consumer <close> = cluster:consumer { start = "error" }
      assert(consumer:assign { at(999) })
      local ok, err = pcall(function()
        for _ in consumer:messages "20s" do end -- luacheck: ignore
      end)
      assert.is_false(ok)
      assert.equal("_AUTO_OFFSET_RESET", err.name)
    end)

    it("reads without a group where it is told to begin", function()
      publish(3)
      local consumer <close> = assert(kafka.consumer {
        bootstrap_servers = cluster.bootstrap_servers })
      assert(consumer:assign { { topic = topic, partition = 0 } })
      assert.equal("1", assert(consumer:poll "20s").value)
      assert_raises("no group", consumer.commit, consumer, { at(1) })
      assert_raises("no group", consumer.committed, consumer)
      assert_raises("no group", consumer.subscribe, consumer, { topic })
    end)

    it("makes its descriptor readable when something waits", function()
      local consumer <close> = reader()
      local function readable()
        local info <close> = assert(io.open("/proc/self/fdinfo/" .. consumer:fd()))
        return info:read("a"):match("eventfd%-count:%s*(%x+)") ~= "0"
      end
      assert.is_true(readable())
      await(function() return not consumer:poll(0) and not readable() end)
      publish(3)
      local values = {}
      await(function()
        if readable() then
          for message in function() return consumer:poll(0) end do
            values[#values + 1] = message.value
          end
        end
        return #values == 3
      end)
    end)
  end)

  describe("that is used wrongly", function()
    it("raises for every method after close", function()
      local consumer = cluster:consumer()
      assert.is_true(consumer:close())
      assert.is_true(consumer:close())
      for method, arguments in pairs(CALLS) do
        assert_raises("this kafka.consumer is closed", consumer[method], consumer,
          table.unpack(arguments))
      end
      assert.matches("closed", tostring(consumer))
    end)

    it("has a call in this spec for every method", function()
      local consumer <close> = cluster:consumer()
      for method in pairs(debug.getmetatable(consumer).__index) do
        assert.is_true(CALLS[method] ~= nil or method == "close", method)
      end
    end)

    it("raises for an iterator after close", function()
      local consumer = cluster:consumer()
      local next_message, next_batch = consumer:messages(), consumer:batches(5)
      consumer:close()
      assert_raises("is closed", next_message)
      assert_raises("is closed", next_batch)
    end)

    it("raises for another object as self", function()
      local consumer <close> = cluster:consumer()
      local admin <close> = cluster:admin()
      for method, arguments in pairs(CALLS) do
        for _, stranger in ipairs { {}, "x", admin, io.stdout } do
          assert_raises("docmsg.Consumer expected", consumer[method], stranger,
            table.unpack(arguments))
        end
      end
    end)

    local wrong = {
      { "poll", "duration", "soon" }, { "poll", "duration", 5 }, { "poll", "duration", {} },
      { "batch", "max: integer", "x" }, { "batch", "0 is not within", 0 }, { "batch", "within", -1 },
      { "batch", "within", 1 << 40 }, { "batch", "max: integer", 1.5 }, { "batch", "max: integer" },
      { "batches", "within", 0 }, { "batches", "duration", 1, "x" },
      { "messages", "duration", "x" },
      { "subscribe", "list of topics", "t" }, { "subscribe", "empty", {} },
      { "subscribe", "1 to 249", { "" } }, { "subscribe", "1 to 249", { ("x"):rep(300) } },
      { "assign", "list expected" }, { "assign", "list of tables", { topic = "t", partition = 0 } },
      { "assign", "partition", { { topic = "t" } } },
      { "assign", "within", { { topic = "t", partition = -1 } } },
      { "assign", "negative", { { topic = "t", partition = 0, offset = -5 } } },
      { "assign", "'first'", { { topic = "t", partition = 0, offset = "first" } } },
      { "commit", "list expected", "x" }, { "commit", "table expected", { 1 } },
      { "commit", "offset", { { topic = "t", partition = 0 } } },
      { "commit", "'earliest'", { { topic = "t", partition = 0, offset = "earliest" } } },
      { "commit", "metadata", { { topic = "t", partition = 0, offset = 1, metadata = {} } } },
      { "commit", "duration", {}, "x" },
      { "store", "enable.auto.commit", { { topic = "t", partition = 0, offset = 1 } } },
      { "seek", "table expected" }, { "seek", "offset", { { topic = "t", partition = 0 } } },
      { "pause", "list expected", "x" }, { "resume", "list expected", 5 },
      { "position", "list expected", true }, { "committed", "list expected", 1 },
      { "watermarks", "topic: string", 1, 0 }, { "watermarks", "partition", "t" },
      { "watermarks", "partition", "t", 1.5 }, { "watermarks", "within", "t", -1 },
    }
    it("raises for arguments of the wrong type or range", function()
      local consumer <close> = cluster:consumer()
      for _, case in ipairs(wrong) do
        assert_raises(case[2], consumer[case[1]], consumer, table.unpack(case, 3))
      end
    end)

    it("raises when assign and subscribe are mixed", function()
      local consumer <close> = reader()
      assert_raises("assigned by hand", consumer.subscribe, consumer, { topic })
      assert(consumer:assign {})
      assert(consumer:subscribe { topic })
      assert_raises("unsubscribe first", consumer.assign, consumer, { at(0) })
    end)

    it("fails for partitions that are not assigned", function()
      local consumer <close> = reader()
      local other = { at(0, 3) }
      assert_fails("_STATE", consumer:pause(other))
      assert_fails("_STATE", consumer:seek(other))
      local err = assert_fails("_STATE", consumer:position(other))
      assert.matches(topic .. " [3] is not assigned", err.message, 1, true)
      assert.is_true(consumer:resume(other))
    end)
  end)

  describe("that commits", function()
    it("commits explicit offsets, with metadata, and reads them back", function()
      local group = cluster:group()
      local consumer <close> = cluster:consumer { group = group }
      assert.is_true(consumer:commit { at(7), { topic = topic, partition = 1, offset = 9,
        metadata = "note" } })
      local other <close> = cluster:consumer { group = group }
      local committed = assert(other:committed { at(), at(nil, 1), at(nil, 2) })
      assert.equal(7, committed[1].offset)
      assert.equal(9, committed[2].offset)
      assert.equal("note", committed[2].metadata)
      assert.is_nil(committed[3].offset)
      assert.is_nil(committed[3].error)
    end)

    it("takes a message as done, and a whole batch as its furthest messages", function()
      publish(40, 2)
      local consumer <close> = reader(2)
      local seen = {}
      for message in consumer:messages "20s" do
        seen[#seen + 1] = message
        if #seen == 40 then break end
      end
      assert.is_true(consumer:commit { seen[1] })
      assert.is_true(consumer:commit(seen))
      for _, entry in ipairs(assert(consumer:committed())) do
        assert.equal(20, entry.offset)
      end
      assert.is_true(consumer:commit { at(3), at(5), at(4) })
      assert.equal(5, consumer:committed({ at() })[1].offset)
    end)

    it("has nothing to do for an empty list", function()
      local consumer <close> = cluster:consumer()
      assert.is_true(consumer:commit {})
    end)

    it("says when the broker does not answer in time", function()
      local consumer <close> = cluster:consumer()
      cluster.broker:set_up(1, false)
      local seconds, _, err = timed(consumer.commit, consumer, { at(1) }, "300ms")
      assert.equal("_TIMED_OUT", err.name)
      assert.is_true(err.retriable)
      assert.is_true(seconds < 2, seconds)
      assert_fails("_TIMED_OUT", consumer:committed({ at() }, "300ms"))
      cluster.broker:set_up(1, true)
      await(function() return consumer:commit({ at(1) }, "5s") end)
    end)

    it("commits after seeking back what it is told, not what was read", function()
      publish(30)
      local consumer <close> = reader()
      for i = 0, 19 do
        assert.equal(i, assert(consumer:poll "20s").offset)
      end
      assert(consumer:seek { at(5) })
      assert.equal(5, consumer:position()[1].offset)
      local message = assert(consumer:poll "20s")
      assert.equal(5, message.offset)
      assert.equal(6, consumer:position()[1].offset)
      assert(consumer:commit { message })
      assert.equal(6, consumer:committed()[1].offset)
    end)

    it("stores offsets that are committed at close", function()
      local group = cluster:group()
      publish(3)
      do
        local consumer <close> = reader(1, { group = group,
          kafka = { ["enable.auto.commit"] = true, ["auto.commit.interval.ms"] = 60000 } })
        assert(consumer:poll "20s")
        assert.is_true(consumer:store { assert(consumer:poll "20s") })
        assert.is_true(consumer:close())
      end
      local other <close> = cluster:consumer { group = group }
      assert.equal(2, other:committed({ at() })[1].offset)
    end)
  end)

  describe("that moves", function()
    it("knows positions only of what was handed over or asked for", function()
      publish(5)
      local consumer <close> = cluster:consumer()
      assert(consumer:assign { at("earliest"), at(0, 1) })
      local position = consumer:position()
      assert.is_nil(position[1].offset)
      assert.equal(0, position[2].offset)
      assert(consumer:poll "20s")
      assert.equal(1, consumer:position({ at() })[1].offset)
    end)

    it("seeks a partition that was assigned just now", function()
      publish(10)
      for _ = 1, 20 do
        local consumer <close> = cluster:consumer()
        assert(consumer:assign { { topic = topic, partition = 0 } })
        assert.is_true(consumer:seek { at(8) })
        assert.equal(8, assert(consumer:poll "20s").offset)
      end
    end)

    it("seeks to the beginning and the end", function()
      publish(10)
      local consumer <close> = reader()
      assert(consumer:poll "20s")
      assert(consumer:seek { at("latest") })
      assert.is_nil(consumer:poll "300ms")
      assert(consumer:seek { at("earliest") })
      assert.equal(0, assert(consumer:poll "20s").offset)
    end)

    it("is where the last of several seeks has put it", function()
      publish(10)
      local consumer <close> = reader()
      assert(consumer:poll "20s")
      for _, pause in ipairs { "0", "1ms", "5ms", "300ms" } do
        for _ = 1, 5 do
          assert(consumer:seek { at("latest") })
          assert.is_nil(consumer:poll(pause))
          assert(consumer:seek { at("earliest") })
          assert.equal(0, assert(consumer:poll "20s").offset)
        end
      end
    end)

    it("asks for watermarks", function()
      publish(10)
      local consumer <close> = cluster:consumer()
      assert.same({ 0, 10 }, { consumer:watermarks(topic, 0) })
      assert.same({ 0, 0 }, { consumer:watermarks(topic, 3) })
      assert_fails("_UNKNOWN_PARTITION", consumer:watermarks(topic, 77, "5s"))
    end)
  end)

  describe("that pauses", function()
    it("reads nothing of a paused partition until it is resumed", function()
      publish(40, 2)
      local consumer <close> = reader(2)
      local counts = { [0] = 0, 0 }
      local function read_until(condition)
        for message in consumer:messages "20s" do
          counts[message.partition] = counts[message.partition] + 1
          if condition() then return end
        end
      end
      read_until(function() return true end)
      local before = counts[1]
      assert.is_true(consumer:pause { at(nil, 1) })
      assert.is_true(consumer:pause { at(nil, 1) })
      assert.same({ { topic = topic, partition = 1 } }, consumer:paused())
      read_until(function() return counts[0] == 20 end)
      assert.is_nil(consumer:poll "300ms")
      assert.equal(before, counts[1])
      assert.is_true(consumer:resume())
      assert.same({}, consumer:paused())
      read_until(function() return counts[1] == 20 end)
      assert.same({ [0] = 20, 20 }, counts)
    end)

    it("pauses everything before anything was read", function()
      publish(10)
      local consumer <close> = reader()
      assert(consumer:pause())
      assert.is_nil(consumer:poll "500ms")
      assert(consumer:resume())
      assert.equal(0, assert(consumer:poll "20s").offset)
    end)

    it("seeks a paused partition", function()
      publish(10)
      local consumer <close> = reader()
      assert(consumer:poll "20s")
      assert(consumer:pause())
      assert(consumer:seek { at(7) })
      assert.is_nil(consumer:poll "300ms")
      assert(consumer:resume())
      assert.equal(7, assert(consumer:poll "20s").offset)
    end)

    it("hands over each record once under 40 stray resumes", function()
      publish(2000)
      local consumer <close> = reader()
      local seen, count = {}, 0
      for batch in consumer:batches(50, "20s") do
        for _, message in ipairs(batch) do
          assert.is_nil(seen[message.offset], message.offset)
          seen[message.offset] = true
          count = count + 1
        end
        assert.is_true(consumer:resume { at() })
        assert.is_true(consumer:resume())
        if count == 2000 then break end
      end
      assert.is_nil(consumer:poll "500ms")
    end)

    it("forgets pauses of partitions that were taken away, and keeps the others", function()
      publish(40, 2)
      local consumer <close> = reader(2)
      assert(consumer:pause())
      assert(consumer:assign { at("earliest") })
      assert.same({ { topic = topic, partition = 0 } }, consumer:paused())
      assert.is_nil(consumer:poll "500ms")
      assert(consumer:assign { at("earliest"), at("earliest", 1) })
      assert.equal(1, assert(consumer:poll "20s").partition)
      assert(consumer:resume())
      local left = 39
      for _ in consumer:messages "20s" do
        left = left - 1
        if left == 0 then break end
      end
    end)
  end)

  describe("in a group", function()
    ---Polls until the condition holds, and returns what was read.
    local function poll_until(consumer, condition)
      local messages = {}
      await(function()
        local message, err = consumer:poll "50ms"
        assert.is_nil(err)
        messages[#messages + 1] = message
        return condition(messages)
      end)
      return messages
    end

    it("runs its hooks with the partitions, and commits while they are revoked", function()
      local events = {}
      local group = cluster:group()
      do
        local consumer <close> = cluster:consumer { group = group, topics = { topic },
          on_assign = function(partitions, self)
            events[#events + 1] = ("assign %d %s"):format(#partitions, self:name())
          end,
          on_revoke = function(partitions, self)
            events[#events + 1] = ("revoke %d %s"):format(#partitions, self:name())
            assert(self:commit { at(3) })
            assert.equal(4, #self:assignment())
            assert.is_true(#self:position() == 4)
          end }
        assert.same({ topic }, consumer:subscription())
        assert.is_nil(consumer:member_id())
        poll_until(consumer, function() return #events > 0 end)
        assert.equal(4, #consumer:assignment())
        assert.is_string(consumer:member_id())
        local own = consumer:name()
        assert(consumer:unsubscribe())
        assert.same({ "assign 4 " .. own, "revoke 4 " .. own }, events)
        assert.same({}, consumer:subscription())
        assert.same({}, consumer:assignment())
      end
    end)

    it("begins where on_assign says, with partitions that on_assign paused", function()
      publish(40, 2)
      local consumer <close> = cluster:consumer { topics = { topic },
        on_assign = function(partitions, self)
          assert.equal(4, #partitions)
          assert(self:pause { at(nil, 1) })
          assert(self:seek { at(18) })
          return { at(5, 1) }
        end }
      local messages = poll_until(consumer, function(read) return #read == 2 end)
      assert.equal(0, messages[1].partition)
      assert.equal(18, messages[1].offset)
      assert.equal(19, messages[2].offset)
      assert.is_nil(consumer:poll "300ms")
      assert.same({ { topic = topic, partition = 1 } }, consumer:paused())
      assert(consumer:resume())
      assert.equal(5, assert(consumer:poll "20s").offset)
    end)

    it("has its partitions also when a hook raises", function()
      local consumer = cluster:consumer { topics = { topic },
        on_assign = function() error("hook trouble") end,
        on_revoke = function() error { reason = "table trouble" } end }
      local _, err = await(function()
        local ok, err = pcall(consumer.poll, consumer, "100ms")
        return not ok, err
      end)
      assert.matches("hook trouble", err)
      assert.equal(4, #consumer:assignment())
      local ok, reason = pcall(consumer.close, consumer)
      assert.is_false(ok)
      assert.equal("table trouble", reason.reason)
      assert.matches("closed", tostring(consumer))
    end)

    it("refuses partitions that were not gained from on_assign", function()
      local consumer <close> = cluster:consumer { topics = { topic },
        on_assign = function() return { at(0, 99) } end }
      local _, err = await(function()
        local ok, err = pcall(consumer.poll, consumer, "100ms")
        return not ok, err
      end)
      assert.matches("[99] is not among the partitions gained", err, 1, true)
    end)

    it("raises for what is not possible inside a hook", function()
      local errors = {}
      do
        local consumer <close> = cluster:consumer { topics = { topic },
          on_assign = function(_, self)
            for _, method in ipairs { "poll", "batch", "close", "subscribe", "unsubscribe",
              "assign" } do
              errors[method] = select(2, pcall(self[method], self, table.unpack(CALLS[method] or {})))
            end
          end }
        poll_until(consumer, function() return next(errors) end)
      end
      for _, method in ipairs { "poll", "batch", "close", "subscribe", "unsubscribe", "assign" } do
        assert.matches("inside one of its own handlers", errors[method])
      end
    end)

    it("says when an old librdkafka is asked for cooperative-sticky", function()
      local lines = {}
      local consumer <close> = cluster:consumer {
        kafka = { ["partition.assignment.strategy"] = "cooperative-sticky" },
        on_log = function(line) lines[#lines + 1] = line.message end }
      consumer:poll(0)
      local major, minor, patch = kafka.version().librdkafka:match("(%d+)%.(%d+)%.(%d+)")
      local old = major * 10000 + minor * 100 + patch < 20601
      assert.equal(old, (lines[1] or ""):find("cooperative-sticky", 1, true) ~= nil)
    end)
  end)

  describe("that ends", function()
    it("closes within its time when the broker is gone", function()
      publish(5)
      local consumer = reader()
      assert(consumer:poll "20s")
      cluster:close()
      local seconds = timed(consumer.close, consumer, "1s")
      assert.is_true(seconds < 3, seconds)
    end)

    it("closes with an unreachable broker", function()
      local consumer = assert(kafka.consumer { bootstrap_servers = "127.0.0.1:1", group = "g",
        topics = { "t" }, on_error = function() end })
      consumer:poll "200ms"
      local seconds = timed(consumer.close, consumer, "2s")
      assert.is_true(seconds < 3, seconds)
    end)

    it("closes through <close> when an error passes", function()
      local consumer
      pcall(function()
        local closing <close> = cluster:consumer()
        consumer = closing
        error("x")
      end)
      assert.matches("closed", tostring(consumer))
    end)

    it("is ended without a crash or a hang when nobody closes it", function()
      publish(5)
      local code = ([[
        local kafka = require "docmsg.kafka"
        c = kafka.consumer { bootstrap_servers = %q, group = "g" }
        c:assign { { topic = %q, partition = 0, offset = 0 } }
        m = c:poll "20s"
        d = kafka.consumer { bootstrap_servers = %q, group = "h", topics = { %q } }
        d:poll(0)
        print(m.value)
      ]]):format(cluster.bootstrap_servers, topic, cluster.bootstrap_servers, topic)
      local result = process.run { arg[-1], "-e", code, limit = 30 }
      assert.is_true(result.ok, result.stderr)
      assert.equal("1\n", result.stdout)
      assert.matches("was not closed", result.stderr)
    end)

    it("is collected when nobody closes it, and its messages are released", function()
      publish(5)
      local result = process.run { arg[-1], "-e", ([[
        local kafka = require "docmsg.kafka"
        local c = kafka.consumer { bootstrap_servers = %q, group = "g" }
        c:assign { { topic = %q, partition = 0, offset = 0 } }
        local m = c:poll "20s"
        c, m = nil, nil
        for i = 1, 3 do collectgarbage() end
        print(kafka.live().clients, kafka.live().messages)
      ]]):format(cluster.bootstrap_servers, topic), limit = 30 }
      assert.equal("0\t0\n", result.stdout, result.stderr)
    end)
  end)
end)
