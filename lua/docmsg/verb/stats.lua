-- SPDX-License-Identifier: MIT
-- docmsg-lua stats
local exit = require "docmsg.exit"

local COLUMNS <const> = { { "group", "GROUP" }, { "event", "EVENT" }, { "handled", "HANDLED" },
  { "retried", "RETRIED" }, { "dead", "DEAD" }, { "skipped", "SKIPPED" }, { "mean_ms", "MEAN MS" }, { "lag", "LAG" } }

-- Asks the broker how far each group is behind.
local function add_lag(lines, options)
  local lag = require "docmsg.group.lag"
  local admin <close>, err = require("docmsg.topic.session").admin(options)
  if not admin then return nil, err end
  for _, line in ipairs(lines) do
    if not line.event then
      local info, reason = lag.describe(admin, line.group, options.timeout)
      local places, failure
      if info then places, failure = lag.places(admin, info, options.timeout) end
      if not places then return nil, reason or failure end
      line.lag = lag.total(places)
    end
  end
  return true
end

return {
  usage = "[ADDRESS] [options]",
  about = [[
Shows what a running application has handled, by consumer group and event type, since it was started;
ADDRESS is that of its --http. The lag is read from the broker.]],
  examples = {
    { "docmsg-lua stats", "of an application that runs with --http :9464" },
    { "docmsg-lua stats 127.0.0.1:9465 -F json", "another one, for a program" },
  },
  prints = true,
  network = true,
  { "ADDRESS", default = ":9464", help = "host:port, or :port of this machine" },
  run = function(options, output)
    local text, code = require("docmsg.http").get(options.ADDRESS, "/metrics", options.timeout)
    if not text then
      return output:fail(exit.FAILED, ("%s: does it run with --http %s?"):format(code, options.ADDRESS))
    elseif code ~= 200 then
      return output:fail(exit.FAILED, ("%s: /metrics is answered with %d"):format(options.ADDRESS, code))
    end
    local lines = require("docmsg.figures").read(text)
    local ok, reason = add_lag(lines, options)
    if not ok then return output:fail(exit.FAILED, reason) end
    for _, line in ipairs(lines) do
      if output.format == "table" and line.mean_ms then line.mean_ms = ("%.2f"):format(line.mean_ms) end
    end
    output:rows(COLUMNS, lines)
    return exit.DONE
  end,
}
