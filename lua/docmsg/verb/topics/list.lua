-- SPDX-License-Identifier: MIT
-- docmsg-lua topics list
local exit = require "docmsg.exit"
local glob = require "docmsg.topic.glob"
local session = require "docmsg.topic.session"
local state = require "docmsg.topic.state"

local COLUMNS <const> = { { "name", "TOPIC" }, { "partitions", "PARTITIONS" }, { "replicas", "REPLICAS" },
  { "without_leader", "NO LEADER" }, { "out_of_sync", "OUT OF SYNC" } }

local function record(info)
  local without_leader, out_of_sync = 0, 0
  for _, partition in ipairs(info.partitions) do
    if not partition.leader then without_leader = without_leader + 1 end
    if #partition.isr < #partition.replicas then out_of_sync = out_of_sync + 1 end
  end
  return { name = info.name, partitions = #info.partitions, replicas = state.replication_factor(info),
    without_leader = without_leader, out_of_sync = out_of_sync }
end

return {
  usage = "[options]",
  about = "Lists the topics of the cluster, without Kafka's own.",
  examples = {
    { "docmsg-lua topics list" },
    { "docmsg-lua topics list --only 'orders*' -F jsonl", "one JSON object a line" },
  },
  prints = true,
  network = true,
  session.ONLY,
  run = function(options, output)
    local manager <close>, err = session.connect(options)
    if not manager then return output:fail(exit.FAILED, err) end
    local list, failure = manager:list()
    if not list then return output:fail(exit.FAILED, failure) end
    local records, wanted = {}, glob.matcher(options.only)
    for _, info in ipairs(list) do
      if wanted(info.name) then records[#records + 1] = record(info) end
    end
    output:rows(COLUMNS, records)
    return exit.DONE
  end,
}
