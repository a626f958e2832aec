-- SPDX-License-Identifier: MIT
-- docmsg-lua dlq show
local exit = require "docmsg.exit"
local filter = require "docmsg.dlq.filter"
local letters = require "docmsg.dlq.letter"
local session = require "docmsg.dlq.session"

local COLUMNS <const> = { { "place", "DEAD LETTER" }, { "reason", "REASON" }, { "origin", "FROM" },
  { "failed_at", "FAILED AT" }, { "attempts", "ATTEMPTS" }, { "message", "MESSAGE" } }

-- Bytes that are no text become escapes: JSON has nothing else for them.
local function text(bytes)
  if bytes == nil or utf8.len(bytes) then return bytes end
  return (bytes:gsub("[\x80-\xFF]", function(char) return ("\\x%02X"):format(char:byte()) end))
end

local function headers_of(letter)
  local list = {}
  for i, header in ipairs(letter.headers) do list[i] = { name = text(header[1]), value = text(header[2]) } end
  return list
end

local function for_people(letter)
  return {
    place = ("%s/%d/%d"):format(letter.topic, letter.partition, letter.offset), reason = letter.reason,
    origin = letters.place(letter), failed_at = letter.failed_at, attempts = letter.attempts,
    message = letter.message and letter.message:match("^[^\n]*"),
  }
end

local function for_programs(letter)
  return {
    topic = letter.topic, partition = letter.partition, offset = letter.offset, reason = letter.reason,
    message = text(letter.message), stack = text(letter.stack), failed_at = letter.failed_at,
    attempts = letter.attempts, group = letter.group, source = letter.source, redrives = letter.redrives,
    stub = letter.stub or nil, key = text(letter.key), value = text(letter.value), headers = headers_of(letter),
    timestamp = letter.timestamp,
  }
end

return filter.extend {
  usage = "TOPIC|GROUP [options]",
  about = [[
Shows dead letters from the oldest on: why they are there and where they came from; as JSON also the
stack, key, value and headers. Bytes that are not UTF-8 are shown as \xNN.]],
  examples = {
    { "docmsg-lua dlq show document_consumer_group" },
    { "docmsg-lua dlq show orders.billing.dlq --reason schema -n 1 -F json", "all about one of them" },
    { "docmsg-lua dlq show billing --since 1h", "what failed in the last hour" },
  },
  prints = true,
  network = true,
  { "TOPIC", required = true, help = "a dead-letter topic, or a group: all of its dead-letter topics" },
  { "--number", "N", short = "-n", kind = "integer", min = 1, default = 20, help = "at most so many; default 20" },
  run = function(options, output)
    local opened <close>, err = session.open(options)
    if not opened then return output:fail(exit.FAILED, err) end
    local topics, reason = opened:topics(options.TOPIC)
    if not topics then return output:fail(exit.FAILED, reason) end
    local wanted, rows = filter.new(options, os.time()), {}
    local describe = output.format == "table" and for_people or for_programs
    local ok, failure = opened:each(topics, function(letter)
      if wanted(letter) then rows[#rows + 1] = describe(letter) end
      return #rows < options.number
    end)
    if not ok then return output:fail(exit.FAILED, failure) end
    output:rows(COLUMNS, rows)
    return exit.DONE
  end,
}
