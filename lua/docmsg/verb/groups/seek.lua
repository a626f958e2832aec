-- SPDX-License-Identifier: MIT
-- docmsg-lua groups seek
local exit = require "docmsg.exit"
local lag = require "docmsg.group.lag"
local place = require "docmsg.record.place"
local session = require "docmsg.topic.session"

local COLUMNS <const> = { { "topic", "TOPIC" }, { "partition", "PARTITION" }, { "from", "FROM" }, { "to", "TO" },
  { "status", "STATUS" } }

-- The topics that are meant: named ones, or all that the group has offsets of.
local function topics_of(options, committed)
  if #options.topic > 0 then return session.unique(options.topic) end
  local topics = {}
  for _, entry in ipairs(committed) do topics[#topics + 1] = entry.topic end
  topics = session.unique(topics)
  table.sort(topics)
  if #topics == 0 then return nil, ("%s has no offsets: name a topic with --topic"):format(options.GROUP) end
  return topics
end

local function moves_of(admin, options)
  local committed, err = admin:group_offsets(options.GROUP, nil, { timeout = options.timeout })
  if not committed then return nil, err end
  local topics, reason = topics_of(options, committed)
  if not topics then return nil, reason end
  local spans, failure = require("docmsg.dlq.reader").spans(admin, topics, options.timeout)
  if not spans then return nil, failure end
  local offsets, wrong = place.offsets(options.PLACE, spans,
    { admin = admin, timeout = options.timeout, now = os.time() })
  if not offsets then return nil, wrong end
  local now = {}
  for _, entry in ipairs(committed) do now[entry.topic .. "\0" .. entry.partition] = entry.offset end
  local moves = {}
  for i, span in ipairs(spans) do
    if not options.partition or options.partition == span.partition then
      local from = now[span.topic .. "\0" .. span.partition]
      moves[#moves + 1] = { topic = span.topic, partition = span.partition, from = from, to = offsets[i],
        status = from == offsets[i] and "unchanged" or "planned" }
    end
  end
  if #moves == 0 then
    return nil, ("there is no partition %d in %s"):format(options.partition, table.concat(topics, ", "))
  end
  return moves
end

-- Moves what is planned, and notes what became of it. Nil and the reason when nothing was done.
local function execute(admin, moves, options)
  local offsets, planned = {}, {}
  for _, move in ipairs(moves) do
    if move.status == "planned" then
      planned[#planned + 1] = move
      offsets[#offsets + 1] = { topic = move.topic, partition = move.partition, offset = move.to }
    end
  end
  if #offsets == 0 then return exit.DONE end
  local results, err = admin:alter_group_offsets(options.GROUP, offsets, { timeout = options.timeout })
  if not results then return nil, err end
  local failed, by_place = 0, {}
  for _, entry in ipairs(results) do by_place[entry.topic .. "\0" .. entry.partition] = entry end
  for _, move in ipairs(planned) do
    local entry = by_place[move.topic .. "\0" .. move.partition]
    local wrong = not entry and "no answer" or entry.error
    move.status = wrong and "failed: " .. tostring(wrong) or "moved"
    if wrong then failed = failed + 1 end
  end
  return failed == 0 and exit.DONE or failed == #planned and exit.FAILED or exit.PARTLY
end

return {
  usage = "GROUP PLACE [options]",
  about = [[
Moves the offsets of a group to a place: start, end, an offset, -N (so many records before the end),
-1h (so long ago), @2026-11-25T09:00:00Z. It shows what would be done, and does it with --execute. A
group that has members is refused.

Exit code: 0 shown or done · 1 it failed · 4 the group has members, nothing was changed · 5 partly
done]],
  examples = {
    { "docmsg-lua groups seek billing start", "what would be done" },
    { "docmsg-lua groups seek billing -- -1h", "-- before a place that begins with a dash" },
    { "docmsg-lua groups seek billing end --topic orders --execute", "skip all that is there" },
  },
  prints = true,
  network = true,
  { "GROUP", required = true, help = "a consumer group; a new one comes into being" },
  { "PLACE", required = true, read = place.read, help = "where to go on" },
  { "--topic", "TOPIC", short = "-t", repeated = true, help = "this topic alone; default: all that it has offsets of" },
  { "--partition", "N", short = "-p", kind = "integer", help = "this partition alone" },
  { "--execute", help = "do it" },
  run = function(options, output)
    local admin <close>, err = session.admin(options)
    if not admin then return output:fail(exit.FAILED, err) end
    local info = lag.describe(admin, options.GROUP, options.timeout)
    if info and #info.members > 0 then
      return output:fail(exit.REFUSED, ("%s has %s; stop them first. Nothing was changed"):format(options.GROUP,
        require("docmsg.output").count(#info.members, "member")))
    end
    local moves, reason = moves_of(admin, options)
    if not moves then return output:fail(exit.FAILED, reason) end
    local code, failure = exit.DONE, nil
    if options.execute then code, failure = execute(admin, moves, options) end
    if not code then return output:fail(exit.FAILED, failure) end
    output:rows(COLUMNS, moves)
    if not options.execute then output:note "Nothing was changed: --execute does it" end
    return code
  end,
}
