-- SPDX-License-Identifier: MIT
local Done = require "docmsg.dlq.done"
local filter = require "docmsg.dlq.filter"
local letters = require "docmsg.dlq.letter"
local random = require "support.random"
local reader = require "docmsg.dlq.reader"

-- A record of a dead-letter topic, with the headers that the runtime adds and changes to them.
local function message(changes)
  local said = {
    ["__dlq.errors.topic"] = "orders", ["__dlq.errors.partition"] = "3", ["__dlq.errors.offset"] = "1207",
    ["__dlq.errors.group"] = "billing", ["__dlq.errors.delivery.count"] = "4", ["__dlq.errors.message"] = "oh",
    ["docmsg-reason"] = "exhausted", ["docmsg-error-stack"] = "stack", ["docmsg-failed-at"] = "2026-11-25T09:00:00Z",
  }
  for name, value in pairs(changes or {}) do said[name] = value or nil end
  local headers = { { "ce_id", "7" }, { "trace" }, { "ce_id", "8" } }
  for name, value in pairs(said) do headers[#headers + 1] = { name, value } end
  return { topic = "orders.billing.dlq", partition = 1, offset = 5, key = "k\0", value = "v\xff", headers = headers,
    timestamp = 1700000000123 }
end

local function header(record, name)
  for _, entry in ipairs(record.headers) do
    if entry[1] == name then return entry[2] end
  end
end

describe("a dead letter", function()
  it("says why it is there and where it came from", function()
    local letter = letters.read(message())
    assert.same({ "exhausted", "oh", "stack", 4, "billing" },
      { letter.reason, letter.message, letter.stack, letter.attempts, letter.group })
    assert.same({ topic = "orders", partition = 3, offset = 1207 }, letter.source)
    assert.equal("orders/3/1207", letters.place(letter))
  end)

  it("may be anybody's record", function()
    local letter = letters.read { topic = "t", partition = 0, offset = 0, headers = {} }
    assert.same({ "unknown", 0, "?" }, { letter.reason, letter.redrives, letters.place(letter) })
    assert.same({ nil, "its headers do not say where it came from" }, { letters.restore(letter, 1) })
  end)

  it("goes back as it was, for the group that failed", function()
    local record = assert(letters.restore(letters.read(message()), 6))
    assert.same({
      topic = "orders", partition = 3, key = "k\0", value = "v\xff", timestamp = 1700000000123,
      headers = { { "ce_id", "7" }, { "trace" }, { "ce_id", "8" }, { "docmsg-redrive-group", "billing" },
        { "docmsg-redrive-count", "1" } },
    }, record)
  end)

  it("goes wherever its key belongs when its partition is gone", function()
    assert.is_nil(assert(letters.restore(letters.read(message()), 3)).partition)
  end)

  it("goes back three times at most", function()
    for before = 0, 2 do
      local again = message { ["docmsg-redrive-count"] = tostring(before), ["docmsg-redrive-group"] = "billing" }
      local record = assert(letters.restore(letters.read(again), 6))
      assert.equal(tostring(before + 1), header(record, "docmsg-redrive-count"))
      assert.equal(5, #record.headers)
    end
    local often = letters.read(message { ["docmsg-redrive-count"] = "3" })
    assert.same({ nil, "it was redriven 3 times already" }, { letters.restore(often, 6) })
  end)

  it("does not go back as a tombstone when its value was too large", function()
    local stub = letters.read(message { ["docmsg-stub"] = "value" })
    assert.same({ nil, "it was too large: only its place orders/3/1207 is left" }, { letters.restore(stub, 6) })
  end)

  it("believes no number that is none", function()
    local letter = letters.read(message { ["docmsg-redrive-count"] = "-1", ["__dlq.errors.partition"] = "1e9",
      ["__dlq.errors.offset"] = ("9"):rep(40) })
    assert.same({ 0, nil, nil }, { letter.redrives, letter.source.partition, letter.source.offset })
  end)
end)

describe("what is done of a partition", function()
  it("is an offset and the ranges behind it", function()
    local done = Done.new(7, "9-12,15")
    assert.same({ 7, "9-12,15" }, { done:commit() })
    done:add(7, 8)
    assert.same({ 13, "15" }, { done:commit() })
    done:add(13, 14)
    assert.same({ 16, "" }, { done:commit() })
  end)

  it("is nothing more than the offset when the text is another program's", function()
    for _, text in ipairs { "", "hello", "1;2", "-" } do
      assert.same({ 7, "" }, { Done.new(7, text):commit() })
    end
  end)

  it("agrees with a set, whatever the order, also after it was written and read", function()
    local first = math.tointeger(os.getenv("DOCMSG_TEST_SEED")) or 1
    for seed = first, first + 199 do
      local draw = random.new(seed)
      local done, set = Done.new(0), {}
      for _ = 1, 40 do
        local from = draw:below(61)
        local to = from + draw:below(7) - 1
        done:add(from, to)
        for offset = from, to do set[offset] = true end
        if draw:below(5) == 0 then done = Done.new(done:commit()) end
      end
      local next = 0
      while set[next] do next = next + 1 end
      assert.equal(next, (done:commit()), "seed " .. seed)
      for offset = 0, 70 do assert.equal(set[offset] or false, done:has(offset), "seed " .. seed) end
    end
  end)

  it("says when there is no room to remember more gaps", function()
    local done = Done.new(0)
    for i = 1, 500 do done:add(2 * i, 2 * i) end
    assert.is_true(done:has_room())
    for i = 501, 2000 do done:add(2 * i, 2 * i) end
    assert.is_false(done:has_room())
    done:add(0, 3999)
    assert.is_true(done:has_room())
  end)
end)

describe("the filter of dead letters", function()
  local NOW <const> = 1700000000 -- 2023-11-14T22:13:20Z

  local function parse(...)
    local verb = filter.extend {}
    local parsed, reason = require("docmsg.flags").parse(verb, { ... }, 1, {})
    return parsed, reason
  end

  local function matches(letter, ...)
    return filter.new(assert(parse(...)), NOW)(letter)
  end

  local letter <const> = { reason = "schema", partition = 2, offset = 17, failed_at = "2023-11-14T22:00:00Z" }
  local cases = {
    { true },
    { true, "--reason", "schema" },
    { false, "--reason", "rejected" },
    { true, "--reason", "rejected", "--reason", "schema" },
    { true, "--partition", "2" },
    { false, "--partition", "0" },
    { true, "--offsets", "17" },
    { true, "--offsets", "-17" },
    { true, "--offsets", "17-" },
    { false, "--offsets", "18-" },
    { false, "--offsets", "1-16" },
    { true, "--since", "15m" },
    { false, "--since", "10m" },
    { true, "--since", "2023-11-14T22:00:00Z" },
    { false, "--until", "2023-11-14T22:00:00Z" },
    { true, "--until", "10m" },
  }
  for _, case in ipairs(cases) do
    local words = { table.unpack(case, 2) }
    it((case[1] and "takes with " or "leaves out with ") .. table.concat(words, " "), function()
      assert.equal(case[1], matches(letter, table.unpack(words)))
    end)
  end

  for _, words in ipairs { { "--offsets", "x" }, { "--offsets", "-" }, { "--since", "yesterday" },
    { "--until", "2023-11-14" }, { "--partition", "-1" } } do
    it("refuses " .. table.concat(words, " "), function()
      local parsed, reason = parse(table.unpack(words))
      assert.is_nil(parsed)
      assert.truthy(reason:find(words[1], 1, true), reason)
    end)
  end
end)

describe("reading dead letters", function()
  local SPANS <const> = { { topic = "t.g.dlq", partition = 0, first = 0, last = 1 },
    { topic = "t.g.dlq", partition = 1, first = 0, last = 4 } }

  -- A consumer that gives these records, then nothing, and has reached the ends of these partitions.
  local function consumer(messages, ended)
    local at = 0
    return {
      assign = function() return true end,
      ended = function() return at > #messages and ended or {} end,
      poll = function()
        at = at + 1
        return messages[at]
      end,
    }
  end

  local function record_at(partition, offset)
    return { topic = "t.g.dlq", partition = partition, offset = offset }
  end

  local function read(messages, ended)
    local taken = 0
    local ok, reason = reader.read(consumer(messages, ended), SPANS, function() taken = taken + 1 end,
      { reachable = function() return true end })
    return taken, ok, reason
  end

  it("ends with the last ones", function()
    assert.same({ 3, true }, { read { record_at(0, 0), record_at(1, 4), record_at(0, 1) } })
  end)

  it("ends where the broker says so: behind them are the marks of transactions", function()
    assert.same({ 1, true }, { read({ record_at(1, 4) }, { { topic = "t.g.dlq", partition = 0 } }) })
    assert.same({ 0, true }, { read({}, { { topic = "t.g.dlq", partition = 0 }, { topic = "t.g.dlq", partition = 1 } }) })
  end)

  it("does not take silence for the end", function()
    assert.same({ 1, nil, "no record of t.g.dlq/0 has come for 30 s, which ends at offset 1: try again" },
      { read({ record_at(1, 4) }, {}) })
  end)
end)
