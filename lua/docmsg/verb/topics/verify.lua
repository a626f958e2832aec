-- SPDX-License-Identifier: MIT
-- docmsg-lua topics verify
local count = require("docmsg.output").count
local exit = require "docmsg.exit"
local json = require "docmsg.json"
local planning = require "docmsg.topic.plan"
local session = require "docmsg.topic.session"
local topics = require "docmsg.topics"

local function record(entry)
  local differences = {}
  for i, difference in ipairs(entry.differences) do
    differences[i] = { field = difference.field, declared = difference.declared, actual = difference.actual }
  end
  return { topic = entry.name, partitions = entry.partitions, as_declared = #differences == 0,
    differences = json.array(differences) }
end

local function show(report, output)
  if output.format ~= "table" then
    local records = {}
    for i, entry in ipairs(report) do records[i] = record(entry) end
    return output:rows({}, records)
  end
  for _, entry in ipairs(report) do
    if #entry.differences > 0 then
      output:line("%s", output:paint("red", ("! %s: %s"):format(entry.name, topics.describe(entry.differences))))
    end
  end
end

return {
  usage = "FILE [options]",
  about = [[
Tells whether the cluster is as declared: existence, partitions, replication factor, leaders and
configuration.

Exit code: 0 it is · 1 no answer · 2 usage or file · 3 it is not]],
  examples = {
    { "docmsg-lua topics verify topics.lua" },
    { "docmsg-lua topics verify topics.lua --only 'orders*' -F jsonl", "for a monitor" },
  },
  prints = true,
  network = true,
  session.FILE,
  session.ONLY,
  run = function(options, output)
    local declared, reason = session.load(options, output)
    if not declared then return output:fail(exit.USAGE, reason) end
    local manager <close>, err = session.connect(options)
    if not manager then return output:fail(exit.FAILED, err) end
    local chosen = planning.topics(declared, options.only)
    local report, failure = manager:verify { topics = chosen, names = planning.names(declared, options.only) }
    if not report then return output:fail(exit.FAILED, failure) end
    show(report, output)
    local differing = 0
    for _, entry in ipairs(report) do differing = differing + (#entry.differences > 0 and 1 or 0) end
    output:note("%s, %d differ from %s", count(#report, "topic"), differing, declared.path)
    return differing == 0 and exit.DONE or exit.PENDING
  end,
}
