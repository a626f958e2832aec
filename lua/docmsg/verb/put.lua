-- SPDX-License-Identifier: MIT
-- docmsg-lua put
local exit = require "docmsg.exit"

-- Records whose acknowledgements are not awaited yet.
local WINDOW <const> = 10000

local function read_header(text)
  local name, value = text:match("^([^=]+)=(.*)$")
  if name then return { name, value } end
  return nil, "NAME=VALUE"
end

-- The lines of a file are all there: librdkafka need not send what is not a full batch yet. (It also
-- spins while what lingered waits for the batch before it.)
local FILE_LINGER <const> = "500"

-- Who sets one of them has a linger in mind; it must be less than the timeout.
local LINGERS <const> = { "linger.ms", "queue.buffering.max.ms", "message.timeout.ms", "delivery.timeout.ms" }

local function properties_for(file, json)
  if json or not file:seek() then return {} end
  local set = require("docmsg.kafka").defaults().kafka
  for _, name in ipairs(LINGERS) do
    if set[name] then return {} end
  end
  return { ["linger.ms"] = FILE_LINGER }
end

-- How many were sent, how many of them did not arrive, why, and with what code to end otherwise.
---@class docmsg.verb.put.Outcome
---@field sent integer
---@field failed integer
---@field reason? any
---@field code? integer

-- Lines as they are.
local function put_lines(producer, file, record, options)
  local how = { key_delimiter = options.key_delimiter, null = options.null or nil }
  local sent, err, before = producer:lines(record, file, how)
  local flushed, failure = producer:flush(options.timeout)
  local failed, first = producer:failed()
  if not flushed then failed, first = failed + producer:pending(), failure end
  local reason = err and ("line %d: %s"):format(before + 1, tostring(err)) or first
  return { sent = sent or before, failed = failed, reason = reason, code = err and exit.FAILED }
end

local function merge(common, line)
  local record = {}
  for name, value in pairs(common) do record[name] = value end
  for name, value in pairs(line) do record[name] = value end
  return record
end

-- Awaits the oldest deliveries until `most` are left.
local function settle(deliveries, outcome, most, timeout)
  while deliveries.last - deliveries.first + 1 > most do
    local report, err = deliveries[deliveries.first]:wait(timeout)
    deliveries[deliveries.first], deliveries.first = nil, deliveries.first + 1
    if not report then outcome.failed, outcome.reason = outcome.failed + 1, outcome.reason or err end
  end
end

-- Lines of JSON, as `cat -J` prints them.
local function put_json(producer, file, common, options)
  local read = require("docmsg.record.line").read
  local outcome, deliveries, number = { sent = 0, failed = 0 }, { first = 1, last = 0 }, 0
  for text in file:lines() do
    number = number + 1
    local line, wrong = read(text)
    local delivery, err
    if line then delivery, err = producer:send(merge(common, line)) end
    if not delivery then
      outcome.reason = ("line %d: %s"):format(number, tostring(wrong or err))
      outcome.code = wrong and exit.USAGE or exit.FAILED
      break
    end
    outcome.sent = outcome.sent + 1
    deliveries.last = deliveries.last + 1
    deliveries[deliveries.last] = delivery
    settle(deliveries, outcome, WINDOW, options.timeout)
  end
  settle(deliveries, outcome, 0, options.timeout)
  return outcome
end

local function open(path)
  if not path or path == "-" then return io.stdin end
  return io.open(path, "rb")
end

local function finish(outcome, output, options)
  local arrived = outcome.sent - outcome.failed
  output:note("%s to %s", require("docmsg.output").count(arrived, "record"), options.TOPIC)
  if not outcome.reason then return exit.DONE end
  if outcome.failed > 0 then output:note("docmsg-lua: %d not delivered", outcome.failed) end
  return output:fail(arrived > 0 and exit.PARTLY or outcome.code or exit.FAILED, outcome.reason)
end

return {
  usage = "TOPIC [FILE] [options]",
  about = [[
Sends each line of a file or of standard input as a record, and waits until the broker has them.

Exit code: 0 all arrived · 1 none, for the reason given · 2 the first line is no such JSON · 5 some
arrived]],
  examples = {
    { "docmsg-lua put orders lines.txt" },
    { "docmsg-lua put orders -K : < lines.txt", "what is before the first colon is the key" },
    { "docmsg-lua put orders -k a -H kind=paid lines.txt", "a key and a header for all" },
    { "docmsg-lua put copy -J orders.jsonl", "what `cat -J` has printed" },
  },
  network = true,
  { "TOPIC", required = true, help = "a topic, which must exist" },
  { "FILE", help = "default: standard input" },
  { "--key", "KEY", short = "-k", help = "of records that have none themselves" },
  { "--key-delimiter", "TEXT", short = "-K", help = "what stands between key and value in a line" },
  { "--header", "NAME=VALUE", short = "-H", field = "headers", repeated = true, read = read_header,
    help = "of each record" },
  { "--partition", "N", short = "-p", kind = "integer", help = "default: by the key, as Java does" },
  { "--null", short = "-Z", help = "an empty key or value is null" },
  { "--json", short = "-J", help = "lines of JSON: key, value, headers, timestamp" },
  run = function(options, output)
    if options.json and (options.key_delimiter or options.null) then
      return output:fail(exit.USAGE, "-J excludes -K and -Z: the JSON says it")
    end
    local file, reason = open(options.FILE)
    if not file then return output:fail(exit.USAGE, reason) end
    local producer <close>, err = require("docmsg.kafka").producer { kafka = properties_for(file, options.json) }
    if not producer then return output:fail(exit.FAILED, err) end
    local partitions, failure = producer:partitions(options.TOPIC, options.timeout)
    if not partitions then return output:fail(exit.FAILED, failure) end
    local common = { topic = options.TOPIC, key = options.key, partition = options.partition,
      headers = #options.headers > 0 and options.headers or nil }
    return finish((options.json and put_json or put_lines)(producer, file, common, options), output, options)
  end,
}
