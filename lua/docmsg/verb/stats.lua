-- SPDX-License-Identifier: MIT
-- docmsg-lua stats
local exit = require "docmsg.exit"

local COLUMNS <const> = { { "group", "GROUP" }, { "event", "EVENT" }, { "handled", "HANDLED" },
  { "retried", "RETRIED" }, { "dead", "DEAD" }, { "skipped", "SKIPPED" }, { "mean_ms", "MEAN MS" }, { "lag", "LAG" } }

local EMITTED <const> = { { "event", "EMITTED" }, { "sent", "SENT" }, { "failed", "FAILED" }, { "bytes", "BYTES" },
  { "mean_ms", "MEAN MS" }, { "p50_ms", "P50 MS" }, { "p95_ms", "P95 MS" }, { "p99_ms", "P99 MS" },
  { "max_ms", "MAX MS" } }

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

-- Durations with two decimals.
local function shorten(lines)
  for _, line in ipairs(lines) do
    for name, value in pairs(line) do
      if name:find "_ms$" then line[name] = ("%.2f"):format(value) end
    end
  end
end

-- Two tables, or the records of both, of which those about consumers have a group.
local function show(output, handled, emitted)
  if output.format ~= "table" then
    return output:rows({}, table.move(emitted, 1, #emitted, #handled + 1, handled))
  end
  shorten(handled)
  shorten(emitted)
  output:rows(COLUMNS, handled)
  if #emitted == 0 then return end
  output:line ""
  output:rows(EMITTED, emitted)
end

return {
  usage = "[ADDRESS] [options]",
  about = [[
Shows what a running application has handled, by consumer group and event type, and what its handlers
have emitted, with how long the broker took, since it was started. ADDRESS is that of its --http. The
lag is read from the broker.]],
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
    local handled, emitted = require("docmsg.figures").read(text)
    local ok, reason = add_lag(handled, options)
    if not ok then return output:fail(exit.FAILED, reason) end
    show(output, handled, emitted)
    return exit.DONE
  end,
}
