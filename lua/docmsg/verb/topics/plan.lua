-- SPDX-License-Identifier: MIT
-- docmsg-lua topics plan
local exit = require "docmsg.exit"
local json = require "docmsg.json"
local reassign = require "docmsg.topic.reassign"
local saved = require "docmsg.topic.saved"
local session = require "docmsg.topic.session"
local show = require "docmsg.topic.show"

local function write(path, value)
  local file, reason = io.open(path, "wb")
  if not file then return nil, reason end
  local written, failure = file:write(assert(json.encode(value)), "\n")
  local closed, lost = file:close()
  if not written or not closed then return nil, ("%s: %s"):format(path, failure or lost) end
  return true
end

-- It is part of the plan as JSON too: a folder that cannot be written is no failure.
local function write_reassignment(plan, path, output)
  local list = {}
  for _, change in ipairs(plan.changes) do list[#list + 1] = change.reassignment end
  if #list == 0 then return end
  local written, reason = write(path, reassign.join(list))
  if written then
    output:note("the reassignment is in %s, for kafka-reassign-partitions.sh", path)
  else
    output:note("docmsg-lua: warning: no reassignment was written: %s; --reassign names a file", reason)
  end
end

local function show_plan(plan, output)
  if output.format == "json" then
    output:document(saved.document(plan))
  elseif output.format == "jsonl" then
    output:rows({}, plan.changes)
  else
    local function paint(style, text) return output:paint(style, text) end
    for _, line in ipairs(show.plan(plan, paint)) do output:line("%s", line) end
  end
end

return {
  usage = "FILE [options]",
  about = [[
Compares a topic table with the cluster and shows what apply would do, changing nothing. A change
that can hurt says which word of --allow it needs:

  create        a new topic                                      config.safe  such as longer retention
  grow          more partitions, no key declared                 config.risky such as shorter retention
  repartition   more partitions of a keyed topic: keys move      delete       deleted = true in the table
  blocked       fewer partitions, another replication factor: never done

Exit code: 0, or with --exit-code 3 when something would change · 1 no answer · 2 usage or file]],
  examples = {
    { "docmsg-lua topics plan topics.lua" },
    { "docmsg-lua topics plan topics.lua --exit-code -F json", "for a pipeline" },
    { "docmsg-lua topics plan topics.lua --out p.json", "to be applied later, just so" },
  },
  prints = true,
  network = true,
  session.FILE,
  session.ONLY,
  { "--out", "FILE", help = "save the plan, for topics apply" },
  { "--reassign", "FILE", default = "reassign.json",
    help = "where a reassignment goes, when another\nreplication factor needs one" },
  { "--exit-code", help = "exit with 3 when something would change" },
  show = show_plan,
  run = function(options, output)
    local declared, reason = session.load(options, output)
    if not declared then return output:fail(exit.USAGE, reason) end
    local manager <close>, err = session.connect(options)
    if not manager then return output:fail(exit.FAILED, err) end
    local plan, failure = manager:plan(declared, options.only)
    if not plan then return output:fail(exit.FAILED, failure) end
    show_plan(plan, output)
    write_reassignment(plan, options.reassign, output)
    if options.out then
      local written, lost = write(options.out, saved.document(plan))
      if not written then return output:fail(exit.USAGE, lost) end
    end
    return options.exit_code and #plan.changes > 0 and exit.PENDING or exit.DONE
  end,
}
