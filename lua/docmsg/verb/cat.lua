-- SPDX-License-Identifier: MIT
-- docmsg-lua cat
local place = require "docmsg.record.place"
local reading = require "docmsg.record.reading"

return reading.extend {
  usage = "TOPIC [options]",
  about = [[
Prints the records of a topic, and goes on with those that come unless it is told where to end.
Partitions come as the broker sends them; within one the order is kept.]],
  examples = {
    { "docmsg-lua cat orders -e", "all there is" },
    { "docmsg-lua cat orders -o -1h -f '%p/%o %k: %s\\n'", "of the last hour, and what comes" },
    { "docmsg-lua cat orders -o -10 -n 10 -J", "the last ten of each partition, ten at most" },
    { "docmsg-lua cat t -e --where 'header \"kind\" == \"paid\" and data.n'", "some of them" },
    { "docmsg-lua cat orders -e --map 'data.customer.name'", "something of each" },
  },
  network = true,
  { "--offset", "PLACE", short = "-o", read = place.read,
    help = "where to begin: start, end, an offset, -N before the end,\n"
      .. "-1h (so long ago), @2026-11-25T09:00:00Z; default start" },
  { "--end", short = "-e", help = "end at what is the end of the topic now" },
  run = function(options, output)
    return reading.run(options, output, { start = options.offset or { kind = "start" }, to_end = options["end"] })
  end,
}
