-- SPDX-License-Identifier: MIT
-- Records to files and lines to records, in C.
local embedded = require "support.embedded"
local json = require "docmsg.json"
local kafka = require "docmsg.kafka"
local line = require "docmsg.record.line"
local random = require "support.random"

local function read_back(file)
  assert(file:seek "set")
  return file:read "a"
end

describe("a printer", function()
  local refused = {
    { {}, "file: an open file expected" }, { { file = 1 }, "file: an open file" }, { { file = io.tmpfile(), format = "%q" }, "'%q' at byte 1" },
    { { file = io.tmpfile(), format = "a%" }, "'%' at byte 2" }, { { file = io.tmpfile(), format = "\\x4" }, "at byte 1" },
    { { file = io.tmpfile(), format = "\\q" }, "at byte 1" }, { { file = io.tmpfile(), formt = "" }, "did you mean 'format'" },
  }
  for i, case in ipairs(refused) do
    it(("refuses what is wrong, %d: %s"):format(i, case[2]), function()
      local ok, err = pcall(kafka.printer, case[1])
      assert.is_false(ok)
      assert.matches(case[2], tostring(err), 1, true)
    end)
  end
end)

describe("printing and lines", function()
  local cluster, topic, file

  before_each(function()
    cluster = embedded.start()
    topic = cluster:topic { partitions = 2 }.name
    file = assert(io.tmpfile())
  end)

  after_each(function()
    file:close()
    cluster:close()
  end)

  local function publish(record)
    local producer <close> = cluster:producer()
    record.topic, record.partition = topic, record.partition or 0
    assert(producer:publish(record))
  end

  local function reader()
    local consumer = cluster:consumer { kafka = { ["enable.partition.eof"] = true } }
    assert(consumer:assign { { topic = topic, partition = 0, offset = "earliest" },
      { topic = topic, partition = 1, offset = "earliest" } })
    return consumer
  end

  -- Prints until all is done.
  local function print_all(printer, options)
    local consumer <close> = reader()
    local count, is_done = 0, false
    while not is_done do
      local more, done = consumer:print(printer, options)
      assert(more, done)
      count, is_done = count + more, done
    end
    return count
  end

  local function put(text, record, options)
    local input <close> = assert(io.tmpfile())
    assert(input:write(text))
    assert(input:seek "set")
    local producer <close> = cluster:producer()
    record.topic = topic
    local count, err = producer:lines(record, input, options)
    assert(producer:flush "30s")
    return count, err, producer:failed()
  end

  local formats = {
    { "%s", "v" }, { "%k=%s\\n", "k=v\n" }, { "%K %S", "1 1" }, { "%R", "\0\0\0\1" }, { "%t %p %o", "TOPIC 0 0" },
    { "%h", "a=1,b=NULL" }, { "%T", "1700000000123" }, { "100%%\\t\\x41\\\\", "100%\tA\\" }, { "", "" },
  }
  for _, case in ipairs(formats) do
    it("has kcat's letters: " .. case[1], function()
      publish { key = "k", value = "v", headers = { { "a", "1" }, { "b" } }, timestamp = 1700000000123 }
      assert.equal(1, print_all(kafka.printer { file = file, format = case[1] }, { ends = { 1, 0 }, timeout = "30s" }))
      assert.equal((case[2]:gsub("TOPIC", topic)), read_back(file))
    end)
  end

  it("prints null as nothing, and its size as -1", function()
    publish {}
    print_all(kafka.printer { file = file, format = "[%k%s %K %S %h]%R" }, { ends = { 1, 0 }, timeout = "30s" })
    assert.equal("[ -1 -1 ]\xff\xff\xff\xff", read_back(file))
  end)

  it("prints JSON that reads back, whatever the bytes", function()
    local seed = os.time()
    local generator, expected = random.new(seed), {}
    local function bytes()
      if generator:below(4) == 0 then return nil end
      local text = generator:text()
      return generator:below(3) == 0 and text .. string.char(generator:below(256)) or text
    end
    for i = 1, 200 do
      local record = { key = bytes(), value = bytes(), headers = { { "h" .. i, bytes() }, { "h" .. i, bytes() } }, timestamp = 1700000000000 + i }
      expected[i] = { key = record.key, value = record.value, headers = record.headers, timestamp = record.timestamp }
      publish(record)
    end
    assert.equal(200, print_all(kafka.printer { file = file, json = true }, { ends = { 200, 0 }, timeout = "30s" }))
    local i = 0
    for text in read_back(file):gmatch "[^\n]+" do
      i = i + 1
      assert.message("seed " .. seed).same(expected[i], assert(line.read(text)))
      local place = assert(json.decode(text))
      assert.same({ topic, 0, i - 1 }, { place.topic, place.partition, place.offset })
    end
    assert.equal(200, i)
  end)

  it("ends where it is told to, and leaves out what came later", function()
    for i = 1, 3 do publish { value = tostring(i), partition = 0 } end
    publish { value = "a", partition = 1 }
    local ends = { 2, 1 }
    assert.equal(3, print_all(kafka.printer { file = file }, { ends = ends, timeout = "30s" }))
    assert.same({ 0, 0 }, ends)
    local lines = {}
    for text in read_back(file):gmatch "[^\n]+" do lines[#lines + 1] = text end
    table.sort(lines)
    assert.same({ "1", "2", "a" }, lines)
  end)

  it("ends after a while, although there is more, and goes on where it was", function()
    for i = 1, 20 do publish { value = tostring(i) } end
    local consumer <close> = reader()
    local printer, calls = kafka.printer { file = file }, 0
    local options = { timeout = "30s", within = "20ms", max = 20, choose = function(message)
      local value = message.value
      kafka.sleep "10ms"
      return value
    end }
    repeat
      local count, done = assert(consumer:print(printer, options))
      options.max = options.max - count
      calls = calls + 1
    until done
    assert.is_true(calls >= 10, "calls: " .. calls)
    local lines = {}
    for i = 1, 20 do lines[i] = i .. "\n" end
    assert.equal(table.concat(lines), read_back(file))
  end)

  it("ends after a while, although nothing that is chosen comes", function()
    for i = 1, 20 do publish { value = tostring(i) } end
    local consumer <close> = reader()
    local chosen = 0
    local function never()
      chosen = chosen + 1
      kafka.sleep "10ms"
    end
    repeat
      local before = chosen
      assert.equal(0, consumer:print(kafka.printer { file = file }, { timeout = 0, within = "20ms", choose = never }))
      assert.is_true(chosen - before <= 3)
    until chosen == 20
  end)

  it("ends where a partition has no more, when it tells", function()
    publish { value = "1" }
    assert.equal(1, print_all(kafka.printer { file = file }, { ends = { 1000, 1000 }, timeout = "30s" }))
  end)

  it("prints no more than asked for, and goes on after it", function()
    for i = 1, 5 do publish { value = tostring(i) } end
    local consumer <close> = reader()
    local printer = kafka.printer { file = file }
    assert.same({ 2, true }, { consumer:print(printer, { max = 2, timeout = "30s" }) })
    assert.same({ 3, true }, { consumer:print(printer, { max = 3, timeout = "30s" }) })
    assert.same({ 0, false }, { consumer:print(printer, { timeout = "50ms" }) })
    assert.equal("1\n2\n3\n4\n5\n", read_back(file))
  end)

  it("lets a function choose and replace", function()
    for i = 1, 200 do publish { value = tostring(i) } end
    local kept
    local count = print_all(kafka.printer { file = file }, { ends = { 200, 0 }, timeout = "30s", choose = function(message)
      kept = message
      if message.offset == 0 then return true end
      return message.offset == 199 and "last" or nil
    end })
    assert.equal(2, count)
    assert.equal("1\nlast\n", read_back(file))
    assert.has_error(function() return kept.value end, "message released: its consumer was closed or has gone on")
  end)

  it("raises what the function raises, and what it must not give", function()
    publish { value = "v" }
    for pattern, choose in pairs { ["no!"] = function() error "no!" end, ["got number"] = function() return 1 end } do
      local consumer <close> = reader()
      local ok, err = pcall(consumer.print, consumer, kafka.printer { file = file }, { timeout = "30s", choose = choose })
      assert.is_false(ok)
      assert.matches(pattern, tostring(err))
    end
  end)

  it("survives a function that closes the consumer", function()
    publish { value = "v" }
    local consumer <close> = reader()
    local ok, err = pcall(consumer.print, consumer, kafka.printer { file = file }, { timeout = "30s", choose = function() consumer:close() end })
    assert.is_false(ok)
    assert.matches("closed by choose", tostring(err))
  end)

  it("survives a function that closes the file", function()
    publish { value = "v" }
    for _, chosen in ipairs { true, "text" } do
      local consumer <close> = reader()
      local closed = assert(io.tmpfile())
      local count, err = consumer:print(kafka.printer { file = closed }, { timeout = "30s", choose = function()
        closed:close()
        return chosen
      end })
      assert.is_nil(count)
      assert.equal("_FS", err.name)
    end
  end)

  it("survives a handler that changes what `lines` was given", function()
    local input = assert(io.tmpfile())
    for i = 1, 5000 do input:write("line ", i, "\n") end
    assert(input:seek "set")
    local record, called = { topic = topic, key = ("k"):rep(100), headers = { { "a", "1" } } }, 0
    local producer <close> = cluster:producer { kafka = { debug = "msg" }, on_log = function()
      called = called + 1
      record.key, record.headers = ("%d"):format(called):rep(100), nil
      collectgarbage()
      if called == 20 then input:close() end
    end }
    local ok, err = pcall(function()
      while true do
        assert(producer:lines(record, input, {}))
        assert(input:seek "set")
      end
    end)
    assert.is_false(ok)
    assert.matches("closed", tostring(err))
    assert.is_true(called >= 20)
  end)

  it("says when the file cannot be written, and refuses a closed one", function()
    publish { value = ("v"):rep(10000) }
    local full <close> = assert(io.open("/dev/full", "w"))
    local consumer <close> = reader()
    local count, err = consumer:print(kafka.printer { file = full }, { max = 1, timeout = "30s" })
    assert.is_nil(count)
    assert.equal("_FS", err.name)
    local closed = assert(io.tmpfile())
    local printer = kafka.printer { file = closed }
    closed:close()
    assert.has_error(function() printer:flush() end)
  end)

  it("sends lines, with keys, headers and nulls", function()
    local count, err, failed = put("a:1\n\nb:\n:x:y\nlast", { headers = { { "h", "1" } }, partition = 0 }, { key_delimiter = ":", null = true })
    assert.same({ 5, nil, 0 }, { count, err, failed })
    print_all(kafka.printer { file = file, format = "%k|%K|%s|%S|%h\\n" }, { ends = { 5, 0 }, timeout = "30s" })
    assert.equal("a|1|1|1|h=1\n|-1||-1|h=1\nb|1||-1|h=1\n|-1|x:y|3|h=1\n|-1|last|4|h=1\n", read_back(file))
  end)

  it("sends lines whatever their bytes", function()
    assert.equal(2, (put("a\0b\r\n\xff\n", { partition = 0, key = "k" })))
    print_all(kafka.printer { file = file, format = "%k%s;" }, { ends = { 2, 0 }, timeout = "30s" })
    assert.equal("ka\0b\r;k\xff;", read_back(file))
  end)

  ---The values of partition 0.
  local function values()
    local list, consumer <close> = {}, reader()
    for message in consumer:messages("20s") do
      list[#list + 1] = message.value
      if list[#list] == "end" then return list end
    end
    error("there is no end")
  end

  ---Lines of all sizes: of many at once, alone, and longer than what is read at once.
  local function lines_of_all_sizes()
    local lines = {}
    for i = 1, 1000 do lines[i] = i .. ("x"):rep(i % 300 == 0 and 300000 or i % 7 == 0 and 600 or i % 50) end
    lines[1001] = ""
    lines[1002] = "end"
    return lines
  end

  it("sends lines of all sizes in their order", function()
    local lines = lines_of_all_sizes()
    assert.same({ 1002, nil, 0 }, { put(table.concat(lines, "\n"), { partition = 0 }) })
    assert.same(lines, values())
  end)

  it("sends lines of a pipe", function()
    local producer <close> = cluster:producer()
    local input <close> = assert(io.popen("printf 'a\\n\\nb\\nend'"))
    assert.equal(4, producer:lines({ topic = topic, partition = 0 }, input))
    assert(producer:flush "30s")
    assert.same({ "a", "", "b", "end" }, values())
  end)

  it("keeps the order of lines when the queue is full", function()
    local input <close> = assert(io.tmpfile())
    local lines = {}
    for i = 1, 500 do lines[i] = tostring(i) end
    lines[501] = "end"
    assert(input:write(table.concat(lines, "\n"), "\n"))
    assert(input:seek "set")
    local producer <close> = cluster:producer { kafka = { ["queue.buffering.max.messages"] = 10 } }
    assert.equal(501, producer:lines({ topic = topic, partition = 0 }, input))
    assert(producer:flush "30s")
    assert.same(lines, values())
  end)

  it("leaves the file before the line that a full queue refuses", function()
    local input <close> = assert(io.tmpfile())
    for i = 1, 100 do assert(input:write(i, "\n")) end
    assert(input:seek "set")
    local producer <close> = assert(kafka.producer { bootstrap_servers = "127.0.0.1:1", queue_timeout = "50ms",
      on_error = function() end, kafka = { ["queue.buffering.max.messages"] = 10 } })
    local count, err, before = producer:lines({ topic = topic, partition = 0 }, input)
    assert.same({ nil, "_QUEUE_FULL", 10 }, { count, err.name, before })
    assert.equal("11", input:read())
    producer:purge()
  end)

  it("begins where the file is, and leaves it after the lines it has sent", function()
    local input <close> = assert(io.tmpfile())
    local producer <close> = cluster:producer()
    local record = { topic = topic, partition = 0 }
    assert(input:write "no\na\nb")
    assert(input:seek "set")
    assert.equal("no", input:read())
    assert.equal(2, producer:lines(record, input))
    assert.equal(6, input:seek())
    assert.equal(0, producer:lines(record, input))
    assert(input:write "\nc\nend\n") -- it grows
    assert(input:seek("set", 7))
    assert.equal(2, producer:lines(record, input))
    assert.is_nil(input:read())
    assert(producer:flush "30s")
    assert.same({ "a", "b", "c", "end" }, values())
  end)

  it("leaves the file after the lines it has sent also when a handler raises", function()
    local input <close> = assert(io.tmpfile())
    local lines, raised, calls = {}, 0, 0
    for i = 1, 5000 do lines[i] = tostring(i) end
    lines[5001] = "end"
    assert(input:write(table.concat(lines, "\n")))
    assert(input:seek "set")
    local producer <close> = cluster:producer { kafka = { debug = "msg", ["queue.buffering.max.messages"] = 100 },
      on_log = function()
        calls = calls + 1
        if calls % 10 == 0 then error "no more" end
      end }
    while not pcall(producer.lines, producer, { topic = topic, partition = 0 }, input) do raised = raised + 1 end
    assert.is_true(raised > 0)
    while not pcall(producer.flush, producer, "30s") do end
    assert.same(lines, values())
  end)

  it("sends no line to a partition that there is not", function()
    local input <close> = assert(io.tmpfile())
    assert(input:write "a\nb\n")
    assert(input:seek "set")
    local producer <close> = cluster:producer()
    assert(producer:partitions(topic, "30s"))
    local count, err, before = producer:lines({ topic = topic, partition = 7 }, input)
    assert.same({ nil, "_UNKNOWN_PARTITION", 0 }, { count, err.name, before })
    assert.equal(0, producer:pending())
  end)

  it("says which line cannot be sent", function()
    local input <close> = assert(io.tmpfile())
    assert(input:write("a\n" .. ("b"):rep(2000000) .. "\n"))
    assert(input:seek "set")
    local producer <close> = cluster:producer()
    local count, err, before = producer:lines({ topic = topic }, input)
    assert.is_nil(count)
    assert.equal("MSG_SIZE_TOO_LARGE", err.name)
    assert.equal(1, before)
    assert.equal(2, input:seek())
    assert(producer:flush "30s")
  end)

  it("counts lines that were not delivered", function()
    cluster.broker:fail("Produce", { "TOPIC_AUTHORIZATION_FAILED" })
    local input <close> = assert(io.tmpfile())
    assert(input:write "a\nb\n")
    assert(input:seek "set")
    local producer <close> = cluster:producer { kafka = { ["enable.idempotence"] = false } }
    assert.equal(2, producer:lines({ topic = topic, partition = 0 }, input))
    assert(producer:flush "30s")
    local failed, err = producer:failed()
    assert.equal(2, failed)
    assert.equal("TOPIC_AUTHORIZATION_FAILED", err.name)
  end)
end)
