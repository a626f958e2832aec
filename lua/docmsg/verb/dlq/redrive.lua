-- SPDX-License-Identifier: MIT
-- docmsg-lua dlq redrive
local exit = require "docmsg.exit"
local filter = require "docmsg.dlq.filter"
local letters = require "docmsg.dlq.letter"
local session = require "docmsg.dlq.session"

local COLUMNS <const> = { { "topic", "DEAD LETTERS" }, { "source", "TO" }, { "group", "GROUP" },
  { "reason", "REASON" }, { "records", "RECORDS" }, { "status", "STATUS" }, { "why", "WHY" } }

-- "100" or "100/s"
local function read_rate(text)
  local number = math.tointeger(tonumber(text:match("^(%d+)$") or text:match("^(%d+)/s$")))
  if number and number > 0 then return number end
  return nil, 'records a second, such as "100/s"'
end

-- Draws how far it is, where somebody looks.
local function progress_of()
  if not require("docmsg.host").isatty(2) then return nil end
  local status_line = require "docmsg.status_line"
  return function(count)
    io.stderr:write(count and status_line.draw(("%d records redriven"):format(count)) or status_line.CLEAR)
  end
end

-- Says who else reads the topics that the records go to. Returns nil and the reason when nobody knows.
local function name_readers(opened, results, output)
  local told = {}
  for _, result in ipairs(results) do
    if result.status == "pending" and not told[result.source] then
      told[result.source] = true
      local groups, err = opened:readers(result.source)
      if not groups then return nil, err end
      local others = {}
      for _, group in ipairs(groups) do
        if group ~= result.group then others[#others + 1] = group end
      end
      if #others > 0 then
        output:note("%s is also read by %s: groups of docmsg-lua skip what is redriven for another, "
          .. "consumers of other programs get it once more", result.source, table.concat(others, ", "))
      end
    end
  end
  return true
end

local function totals(results)
  local count = { pending = 0, redriven = 0, refused = 0 }
  for _, result in ipairs(results) do count[result.status] = count[result.status] + result.records end
  return count
end

-- The exit code, and what is said at the end.
local function conclude(output, results, execute, failure)
  local count = totals(results)
  if failure then return output:fail(count.redriven > 0 and exit.PARTLY or exit.FAILED, failure) end
  if not execute then
    output:note("dry run: nothing was changed; --execute sends %s back",
      require("docmsg.output").count(count.pending, "record"))
    return exit.DONE
  end
  if count.refused == 0 then return exit.DONE end
  return count.redriven > 0 and exit.PARTLY or exit.REFUSED
end

-- Redrives topic after topic. Returns the results of all, and why it ended early.
local function redrive(opened, topics, options, progress)
  local all, left = {}, options.limit
  for _, topic in ipairs(topics) do
    local results, failure, taken = require("docmsg.dlq.redrive").run(opened, topic, {
      execute = options.execute or false, wanted = filter.new(options, os.time()), limit = left,
      rate = options.rate, progress = progress,
    })
    table.move(results, 1, #results, #all + 1, all)
    if failure then return all, failure end
    left = left and left - taken
    if left == 0 then break end
  end
  return all
end

return filter.extend {
  usage = "TOPIC|GROUP [options]",
  about = ([[
Sends dead letters back to the topics that they came from, with key, value, headers and timestamp as
they were, for the group that failed: our other groups skip them. Without --execute it only says what
would be sent, and who else reads those topics. What was sent back is remembered, so a second redrive
goes on where the first one ended; a record that has been redriven %d times is refused. One redrive of
a topic at a time.

Exit code: 0 done · 1 failed · 4 all were refused · 5 some were sent, others refused or failed]])
    :format(letters.MAX_REDRIVES),
  examples = {
    { "docmsg-lua dlq redrive billing", "says what would be sent back" },
    { "docmsg-lua dlq redrive billing --execute --limit 10", "tries ten of them" },
    { "docmsg-lua dlq redrive orders.billing.dlq --reason exhausted --since 2h --execute --rate 100/s" },
  },
  prints = true,
  network = true,
  { "TOPIC", required = true, help = "a dead-letter topic, or a group: all of its dead-letter topics" },
  { "--execute", help = "do it" },
  { "--limit", "N", kind = "integer", min = 1, help = "at most so many records" },
  { "--rate", "N/s", read = read_rate, help = "at most so many records a second" },
  run = function(options, output)
    local opened <close>, err = session.open(options)
    if not opened then return output:fail(exit.FAILED, err) end
    local topics, reason = opened:topics(options.TOPIC)
    if not topics then return output:fail(exit.FAILED, reason) end
    local progress = progress_of()
    local results, failure = redrive(opened, topics, options, progress)
    if progress then progress(nil) end
    output:rows(COLUMNS, results)
    if not failure and not options.execute then
      local told, trouble = name_readers(opened, results, output)
      if not told then failure = trouble end
    end
    return conclude(output, results, options.execute, failure)
  end,
}
