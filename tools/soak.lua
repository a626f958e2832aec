-- SPDX-License-Identifier: MIT
-- docmsg-lua tools/soak.lua MINUTES [SEED]     (tools/soak runs it with a broker)
--
-- One process that makes, uses and closes clients of every kind until the time is over. Every
-- record must arrive once, in order and whole; memory and file descriptors must not grow.
local growth = require "growth"
local kafka = require "docmsg.kafka"

local MINUTES <const> = tonumber(arg[1]) or error("usage: soak.lua MINUTES [SEED]", 0)
local SEED <const> = math.tointeger(arg[2]) or os.time()

local PARTITIONS <const> = 3

-- -- Work -----------------------------------------------------------------------------------------

---A value that its number alone decides: the reader makes it again and compares.
---@param number integer
---@return string
local function value_of(number)
  return ("%d:%s"):format(number, ("x"):rep(number * 7919 % 2000))
end

---@param topic string
---@param number integer
---@return docmsg.Record
local function record(topic, number)
  return { topic = topic, key = tostring(number % 50), value = value_of(number),
    headers = { { "number", tostring(number) }, { "null" } } }
end

---@param results table<string, {error?: docmsg.Error}>
local function check(results)
  for _, result in pairs(results) do
    assert(not result.error, tostring(result.error))
  end
end

---@param topic string
---@param count integer
local function produce(topic, count)
  local producer <close> = assert(kafka.producer { kafka = { ["linger.ms"] = 5 } })
  local deliveries = {}
  for number = 1, count do
    deliveries[number] = assert(producer:send(record(topic, number)))
  end
  assert(producer:flush("60s"))
  for number, delivery in ipairs(deliveries) do
    assert(delivery.status == "persisted", ("record %d is %s"):format(number, delivery.status))
  end
end

---Half of the transactions are aborted: nobody may read those.
---@param topic string
---@param count integer
---@return integer committed
local function produce_in_transactions(topic, count)
  local producer <close> = assert(kafka.producer { transactional_id = topic })
  local committed = 0
  for round = 1, 4 do
    assert(producer:begin())
    local keep = round % 2 == 1
    for _ = 1, count // 4 do
      local number = keep and committed + 1 or 0
      assert(producer:send(record(topic, number)))
      committed = keep and number or committed
    end
    if keep then assert(producer:commit()) else assert(producer:abort()) end
  end
  return committed
end

---Reads the numbers 1 to count, each once, those of a key in order.
---@param topic string
---@param count integer
local function consume(topic, count)
  local consumer <close> = assert(kafka.consumer {
    group = topic, topics = { topic }, kafka = { ["isolation.level"] = "read_committed" } })
  local last, seen = {}, 0
  while seen < count do
    local batch = assert(consumer:batch(500, "30s"))
    assert(#batch > 0, ("nothing arrives after %d of %d records"):format(seen, count))
    for _, message in ipairs(batch) do
      local number = math.tointeger((message:header("number"))) or error("no number")
      assert(message.value == value_of(number), "another value than was sent")
      assert(number > (last[message.key] or 0), ("record %d twice or out of order"):format(number))
      last[message.key] = number
      seen = seen + 1
    end
    assert(consumer:commit(batch))
  end
end

---@param number integer
---@return integer records
local function round(number)
  local topic = ("soak-%d-%d"):format(SEED, number)
  local admin <close> = assert(kafka.admin {})
  check(assert(admin:create_topics { { name = topic, partitions = PARTITIONS } }))
  local count = math.random(100, 4000)
  if number % 3 == 0 then
    count = produce_in_transactions(topic, count)
  else
    produce(topic, count)
  end
  consume(topic, count)
  check(assert(admin:delete_groups { topic }))
  check(assert(admin:delete_topics { topic }))
  return count
end

-- -- Run ------------------------------------------------------------------------------------------

local function main()
  io.stdout:setvbuf("line")
  math.randomseed(SEED)
  local start, samples, records, reported = os.time(), {}, 0, os.time()
  while os.time() < start + 60 * MINUTES or #samples < 10 do
    records = records + round(#samples + 1)
    samples[#samples + 1] = growth.sample()
    if os.time() >= reported + 10 then
      reported = os.time()
      local now = samples[#samples]
      print(("%5d s  %d rounds  %d records  %d KiB  %d descriptors  %d threads"):format(
        reported - start, #samples, records, now.memory, now.descriptors, now.threads))
    end
  end
  print(("%d rounds, %d records"):format(#samples, records))
  growth.check(samples)
end

main()
