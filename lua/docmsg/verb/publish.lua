-- SPDX-License-Identifier: MIT
-- docmsg-lua publish
local exit = require "docmsg.exit"

-- The event's data: an argument, else standard input.
local function read_data(text)
  text = text or io.stdin:read "a"
  local data, reason = require("docmsg.json").decode(text)
  if reason then return nil, reason end
  return data
end

local function unknown(events, event_type)
  local nearest = events:nearest(event_type)
  return ("unknown event type %s%s"):format(event_type, type(nearest) == "string" and nearest or "")
end

local function open_bus(events, options)
  local kafka = require "docmsg.kafka"
  return require("docmsg.bus").new {
    name = options.source, events = events, log = require("docmsg.log").new { level = "warn" },
    kafka = { ["message.timeout.ms"] = kafka.duration(options.timeout) },
  }
end

return {
  usage = "TYPE [JSON] [options]",
  about = [[
Publishes an event whose data fit the schema of its type, with the envelope that handlers expect, and
waits until the broker has it. Without JSON the data are read from standard input.

Exit code: 0 the broker has it · 1 it does not · 2 the data do not fit, or there is no such type]],
  examples = {
    { "docmsg-lua publish order-placed '{\"id\":\"o1\"}'", "checked by events.lua" },
    { "docmsg-lua publish order-placed --events shop/events.lua < order.json" },
  },
  prints = true,
  network = true,
  { "TYPE", required = true, help = "the type of the event" },
  { "JSON", help = "its data; default: standard input" },
  { "--events", "FILE", default = "events.lua", help = "what declares the types" },
  { "--key", "KEY", short = "-k", help = "default: as the type declares" },
  { "--source", "NAME", default = "docmsg-lua", help = "who says that it publishes" },
  run = function(options, output)
    local events, reason = require("docmsg.events_file").load(options.events)
    if not events then return output:fail(exit.USAGE, reason) end
    if not events:get(options.TYPE) then return output:fail(exit.USAGE, unknown(events, options.TYPE)) end
    local data, wrong = read_data(options.JSON)
    if wrong then return output:fail(exit.USAGE, wrong) end
    local bus <close> = open_bus(events, options)
    local report, err = bus:publish(options.TYPE, data, { key = options.key })
    if not report then return output:fail(err.name == "SCHEMA" and exit.USAGE or exit.FAILED, err) end
    output:rows({ { "topic", "TOPIC" }, { "partition", "PARTITION" }, { "offset", "OFFSET" } }, { report })
    return exit.DONE
  end,
}
