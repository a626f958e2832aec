-- SPDX-License-Identifier: MIT
-- docmsg-lua groups show
local exit = require "docmsg.exit"
local lag = require "docmsg.group.lag"
local session = require "docmsg.topic.session"

local COLUMNS <const> = { { "topic", "TOPIC" }, { "partition", "PARTITION" }, { "committed", "COMMITTED" },
  { "last_end", "END" }, { "lag", "LAG" }, { "behind", "BEHIND" }, { "client", "MEMBER" } }
local RATES <const> = { { "in_rate", "IN/S" }, { "out_rate", "OUT/S" } }

-- Looks twice when rates are asked for.
local function look(admin, info, options)
  local places, err = lag.places(admin, info, options.timeout)
  if not places or not options.sample then return places, err end
  local kafka = require "docmsg.kafka"
  kafka.sleep(options.sample)
  local later, failure = lag.places(admin, info, options.timeout)
  if not later then return nil, failure end
  lag.add_rates(later, places, kafka.duration(options.sample) / 1000)
  return later
end

local function for_people(place)
  local row = { behind = lag.span(place.behind_ms) }
  for _, rate in ipairs { "in_rate", "out_rate" } do
    row[rate] = place[rate] and ("%.1f"):format(place[rate])
  end
  return setmetatable(row, { __index = place })
end

local function show(places, info, options, output)
  if output.format ~= "table" then return output:rows({}, places) end
  local columns, rows = table.move(COLUMNS, 1, #COLUMNS, 1, {}), {}
  if options.sample then table.move(RATES, 1, #RATES, #columns + 1, columns) end
  for i, place in ipairs(places) do rows[i] = for_people(place) end
  output:rows(columns, rows)
  output:note("%s: %s, %s, lag %d", info.group, info.state, require("docmsg.output").count(#info.members, "member"),
    lag.total(places))
end

return {
  usage = "GROUP [options]",
  about = [[
Shows where a group is in each partition, and how far behind: in records, and in the age of the oldest
one that it has not handled.

Exit code: 0 shown · 1 there is no such group · 3 the lag is more than --max]],
  examples = {
    { "docmsg-lua groups show document_consumer_group" },
    { "docmsg-lua groups show document_consumer_group --sample 5s", "also records a second, in and out" },
    { "docmsg-lua groups show document_consumer_group --max 1000", "for a check: exit code 3 when it is more" },
  },
  prints = true,
  network = true,
  { "GROUP", required = true, help = "a consumer group" },
  { "--max", "N", kind = "integer", help = "exit code 3 when the sum of the lags is more" },
  { "--sample", "DUR", kind = "duration", help = "look again after so long, for rates" },
  run = function(options, output)
    local admin <close>, err = session.admin(options)
    if not admin then return output:fail(exit.FAILED, err) end
    local info, reason = lag.describe(admin, options.GROUP, options.timeout)
    if not info then return output:fail(exit.FAILED, reason) end
    local places, failure = look(admin, info, options)
    if not places then return output:fail(exit.FAILED, failure) end
    local ok, wrong = lag.add_age(places, os.time() * 1000)
    if not ok then return output:fail(exit.FAILED, wrong) end
    show(places, info, options, output)
    return options.max and lag.total(places) > options.max and exit.PENDING or exit.DONE
  end,
}
