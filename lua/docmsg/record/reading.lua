-- SPDX-License-Identifier: MIT
-- What `cat` and `tail` share: their options, and reading a topic to standard output.
local chooser = require "docmsg.record.chooser"
local exit = require "docmsg.exit"
local place = require "docmsg.record.place"

local M = {}

M.FLAGS = {
  { "TOPIC", required = true, help = "a topic" },
  { "--number", "N", short = "-n", kind = "integer", min = 1, help = "end after so many records" },
  { "--partition", "N", short = "-p", kind = "integer", repeated = true, help = "this partition alone" },
  { "-f", "FORMAT", field = "letters", help = "%s value, %k key, %h headers, %t topic, %p partition, %o offset,\n"
    .. "%T timestamp in ms, %S %K sizes, %R size in 4 bytes; \\n \\t \\xHH.\nDefault: the value and a newline" },
  { "--json", short = "-J", help = "a JSON object a line, which `put -J` reads back" },
  { "--where", "LUA", help = "records for which this is true, such as 'header \"kind\" == \"paid\"'" },
  { "--map", "LUA", help = "print this instead: a string, a number, a table as JSON; nil prints nothing" },
}

---Adds the options to those of a verb.
---@param verb docmsg.Verb
---@return docmsg.Verb verb
function M.extend(verb)
  return table.move(M.FLAGS, 1, #M.FLAGS, #verb + 1, verb)
end

---@class docmsg.record.Reading
---@field start docmsg.record.Place
---@field to_end boolean end at what is the end now

-- What is wrong with the options together.
local function conflict(options)
  if options.letters and options.json then return "-f and -J exclude each other" end
  if options.map and (options.letters or options.json) then return "--map and a format exclude each other" end
end

-- The spans of the partitions that are meant.
local function choose_spans(spans, partitions)
  if #partitions == 0 then return spans end
  local chosen = {}
  for _, number in ipairs(partitions) do
    if not spans[number + 1] then
      return nil, ("there is no partition %d: the topic has %d"):format(number, #spans)
    end
    chosen[#chosen + 1] = spans[number + 1]
  end
  return chosen
end

-- Where each partition begins and what is its end.
local function prepare(options, reading)
  local admin <close>, err = require("docmsg.topic.session").admin(options)
  if not admin then return nil, err end
  local all, failure = require("docmsg.dlq.reader").spans(admin, { options.TOPIC }, options.timeout)
  if not all then return nil, failure end
  local spans, wrong = choose_spans(all, options.partition)
  if not spans then return nil, wrong end
  local starts, reason = place.offsets(reading.start, spans,
    { admin = admin, timeout = options.timeout, now = os.time() })
  if not starts then return nil, reason end
  local offsets, ends = {}, {}
  for i = 1, #all do ends[i] = 0 end
  for i, span in ipairs(spans) do
    offsets[i] = { topic = span.topic, partition = span.partition, offset = starts[i] }
    if starts[i] <= span.last then ends[span.partition + 1] = span.last + 1 end
  end
  return { offsets = offsets, ends = reading.to_end and ends or nil }
end

local function is_empty(ends)
  for _, last in ipairs(ends or { 1 }) do
    if last > 0 then return false end
  end
  return true
end

-- Prints until it is done. Nil and the reason when that fails.
local function print_all(consumer, printer, how)
  repeat
    local count, done = consumer:print(printer, how)
    if not count and not (type(done) == "table" and done.retriable) then return nil, done end
    if count == 0 and not done and how.ends then return nil, ("nothing came for %s"):format(how.timeout) end
    if count and how.max then how.max = how.max - count end
  until done == true
  return true
end

-- An error of --where or --map needs no traceback. That of a signal is no text.
local function print_chosen(consumer, printer, how, chosen)
  local results = table.pack(pcall(print_all, consumer, printer, how))
  if results[1] then return table.unpack(results, 2, results.n) end
  if type(results[2]) ~= "string" then error(results[2], 0) end
  return nil, chosen.describe(results[2])
end

-- librdkafka stops fetching when so many records are queued, and looks only once a second whether
-- there are fewer: so many are a second's work of a Lua function.
local QUEUED <const> = 500000

local function properties(kafka, ends, chosen)
  local given = kafka.defaults().kafka
  return {
    ["enable.partition.eof"] = ends ~= nil,
    ["queued.min.messages"] = chosen and not given["queued.min.messages"] and QUEUED or nil,
  }
end

local function open_consumer(options, offsets, ends, chosen, told)
  local kafka = require "docmsg.kafka"
  local consumer, err = kafka.consumer {
    kafka = properties(kafka, ends, chosen), on_log = told, on_error = told }
  if not consumer then return nil, err end
  local ok, failure = consumer:assign(offsets)
  if ok then return consumer end
  consumer:close(options.timeout)
  return nil, failure
end

local function read(options, reading, printer, chosen)
  local prepared, err = prepare(options, reading)
  if not prepared then return nil, err end
  if is_empty(prepared.ends) then return true end
  local consumer <close>, failure = open_consumer(options, prepared.offsets, prepared.ends, chosen)
  if not consumer then return nil, failure end
  local how = { ends = prepared.ends, max = options.number, choose = chosen and chosen.choose,
    timeout = prepared.ends and options.timeout or "forever" }
  if not chosen then return print_all(consumer, printer, how) end
  return print_chosen(consumer, printer, how, chosen)
end

-- What prints to a file as the options want it; nil and what is wrong with them.
local function open_printer(options, file)
  local reason = conflict(options)
  if reason then return nil, reason end
  local chosen, wrong = chooser.new(options)
  if wrong then return nil, wrong end
  local made, printer = pcall(require("docmsg.kafka").printer, {
    file = file, format = options.letters, json = options.json })
  if not made then return nil, (tostring(printer):gsub("^kafka%.printer: ", "")) end
  return printer, chosen
end

---Reads a topic to standard output, as the options want it.
---@param options table<string, any>
---@param output docmsg.Output
---@param reading docmsg.record.Reading
---@return integer code
function M.run(options, output, reading)
  local printer, chosen = open_printer(options, io.stdout)
  if not printer then return output:fail(exit.USAGE, chosen) end
  local ok, err = read(options, reading, printer, chosen)
  return ok and exit.DONE or output:fail(exit.FAILED, err)
end

-- What a step takes at most, but for a record that is being chosen.
local STEP <const> = "20ms"

---A topic that is followed a step at a time.
---@class docmsg.record.Following
---@field private consumer docmsg.Consumer
---@field private printer docmsg.Printer
---@field private how docmsg.PrintOptions
---@field private chosen? docmsg.record.Chooser
local Following = { __name = "docmsg.record.Following" }
Following.__index = Following

---Begins to follow a topic to a file.
---@param options table<string, any>
---@param file file*
---@param start docmsg.record.Place
---@param told fun() takes librdkafka's log lines and errors
---@return docmsg.record.Following? following
---@return any reason
function M.follow(options, file, start, told)
  local printer, chosen = open_printer(options, file)
  if not printer then return nil, chosen end
  local prepared, err = prepare(options, { start = start, to_end = false })
  if not prepared then return nil, err end
  local consumer, failure = open_consumer(options, prepared.offsets, nil, nil, told)
  if not consumer then return nil, failure end
  return setmetatable({ consumer = consumer, printer = printer, chosen = chosen, left = options.number,
    how = { choose = chosen and chosen.choose, timeout = 0, within = STEP } }, Following)
end

---Prints what is there, for a while at most.
---@return boolean? goes_on nil when that fails; false when the number that was asked for is printed
---@return any reason
function Following:step()
  if self.left == 0 then return false end
  self.how.max = self.left
  local ok, count, err = pcall(self.consumer.print, self.consumer, self.printer, self.how)
  if not ok and type(count) ~= "string" then error(count, 0) end
  if not ok then return nil, self.chosen.describe(count) end
  if not count and not (type(err) == "table" and err.retriable) then return nil, err end
  if self.left then self.left = self.left - (count or 0) end
  self.printer:flush()
  return self.left ~= 0
end

---Ends it.
function Following:close()
  self.consumer:close()
end

return M
