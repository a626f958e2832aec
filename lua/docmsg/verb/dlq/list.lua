-- SPDX-License-Identifier: MIT
-- docmsg-lua dlq list
local exit = require "docmsg.exit"
local session = require "docmsg.dlq.session"

local COLUMNS <const> = { { "topic", "TOPIC" }, { "source", "SOURCE" }, { "group", "GROUP" },
  { "records", "RECORDS" }, { "redriven", "REDRIVEN" }, { "summary", "REASONS" } }

local function sorted(map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

-- The most frequent first.
local function summarise(reasons)
  local names = sorted(reasons)
  table.sort(names, function(a, b)
    return reasons[a] > reasons[b] or reasons[a] == reasons[b] and a < b
  end)
  local parts = {}
  for i, name in ipairs(names) do parts[i] = ("%s %d"):format(name, reasons[name]) end
  return table.concat(parts, ", ")
end

-- One record for each topic, source and group; a topic without dead letters has one, too.
local function collect(opened, topics)
  local records, done = {}, {}
  for _, topic in ipairs(topics) do
    local memory, err = opened:done(topic)
    if not memory then return nil, err end
    done[topic] = memory
  end
  local ok, failure = opened:each(topics, function(letter)
    local source, group = letter.source.topic or "", letter.group or ""
    local key = table.concat({ letter.topic, source, group }, "\0")
    local record = records[key]
    if not record then
      record = { topic = letter.topic, source = source, group = group, records = 0, redriven = 0, reasons = {} }
      records[key] = record
    end
    record.records = record.records + 1
    record.reasons[letter.reason] = (record.reasons[letter.reason] or 0) + 1
    if done[letter.topic][letter.partition]:has(letter.offset) then record.redriven = record.redriven + 1 end
  end)
  if not ok then return nil, failure end
  return records
end

return {
  usage = "[TOPIC|GROUP] [options]",
  about = [[
Lists the topics of dead letters, whose names end with .dlq, or those of a group, with the number of
records by reason. All of them are read. REDRIVEN counts those that were sent back already.]],
  examples = {
    { "docmsg-lua dlq list" },
    { "docmsg-lua dlq list document_consumer_group -F json", "those of one group, for a program" },
  },
  prints = true,
  network = true,
  { "TOPIC", help = "a dead-letter topic, or a group; default: all that end with .dlq" },
  run = function(options, output)
    local opened <close>, err = session.open(options)
    if not opened then return output:fail(exit.FAILED, err) end
    local topics, reason = opened:topics(options.TOPIC)
    if not topics then return output:fail(exit.FAILED, reason) end
    local records, failure = collect(opened, topics)
    if not records then return output:fail(exit.FAILED, failure) end
    local rows = {}
    for i, key in ipairs(sorted(records)) do
      rows[i] = records[key]
      if output.format == "table" then rows[i].summary = summarise(rows[i].reasons) end
    end
    output:rows(COLUMNS, rows)
    return exit.DONE
  end,
}
