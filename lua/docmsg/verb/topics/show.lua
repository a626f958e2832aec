-- SPDX-License-Identifier: MIT
-- docmsg-lua topics show
local count = require("docmsg.output").count
local exit = require "docmsg.exit"
local keys = require "docmsg.keys"
local property = require "docmsg.topic.property"
local session = require "docmsg.topic.session"

local COLUMNS <const> = { { "partition", "PARTITION" }, { "leader", "LEADER" }, { "replicas", "REPLICAS" },
  { "isr", "IN SYNC" }, { "low", "FIRST" }, { "high", "NEXT" } }

local function partitions_of(info_of_topic, statistics)
  local records = {}
  for i, info in ipairs(info_of_topic.partitions) do
    local offsets = statistics.partitions[i]
    records[i] = { partition = info.partition, leader = info.leader, replicas = info.replicas,
      isr = info.isr, low = offsets.low, high = offsets.high }
  end
  return records
end

-- The overrides, or with `all` every property.
local function config_of(configs, all)
  local chosen = {}
  for name, entry in pairs(configs) do
    if all or entry.source == "topic" then chosen[name] = { value = entry.value, source = entry.source } end
  end
  return chosen
end

local function describe(manager, names, all)
  local statistics, err = manager:statistics(names, {})
  if not statistics then return nil, err end
  local observed, refused = manager:observe(names)
  if not observed then return nil, refused end
  local records = {}
  for _, one in ipairs(statistics) do
    local seen = observed[one.name]
    if seen.info then -- it may have gone away just now
      records[#records + 1] = { name = one.name, records = one.records,
        partitions = partitions_of(seen.info, one), config = config_of(seen.configs, all) }
    end
  end
  return records
end

local function show_config(config, output)
  for _, name in ipairs(keys.sorted(config)) do
    local entry = config[name]
    local source = entry.source == "topic" and "" or "  # " .. entry.source
    output:line("  %s=%s%s", name, property.describe(name, entry.value or ""), source)
  end
end

local function show(records, output)
  if output.format ~= "table" then return output:rows({}, records) end
  for i, record in ipairs(records) do
    if i > 1 then output:line "" end
    output:line("%s", output:paint("bold", ("%s: %s, %s"):format(record.name,
      count(#record.partitions, "partition"), count(record.records, "record"))))
    output:rows(COLUMNS, record.partitions)
    show_config(record.config, output)
  end
end

return {
  usage = "TOPIC… [options]",
  about = [[
Shows some topics: the leader, replicas and offsets of each partition, and the overrides of their
configuration.]],
  examples = {
    { "docmsg-lua topics show document-received" },
    { "docmsg-lua topics show document-received --all -F json", "every property, and where it comes from" },
  },
  prints = true,
  network = true,
  { "TOPIC", required = true, repeated = true, help = "names of topics" },
  { "--all", help = "every property, not only the overrides" },
  run = function(options, output)
    local manager <close>, err = session.connect(options)
    if not manager then return output:fail(exit.FAILED, err) end
    local records, failure = describe(manager, session.unique(options.TOPIC), options.all)
    if not records then return output:fail(exit.FAILED, failure) end
    show(records, output)
    return exit.DONE
  end,
}
