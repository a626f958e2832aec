-- SPDX-License-Identifier: MIT
-- docmsg-lua tail
local reading = require "docmsg.record.reading"

return reading.extend {
  usage = "TOPIC [options]",
  about = "Prints the last records of a topic and then those that come, until Ctrl-C.",
  examples = {
    { "docmsg-lua tail orders" },
    { "docmsg-lua tail orders --last 0 -f '%k\\n'", "the keys of what comes" },
    { "docmsg-lua tail orders -n 3", "until three were printed" },
  },
  network = true,
  { "--last", "N", kind = "integer", default = 10, help = "so many of each partition" },
  run = function(options, output)
    return reading.run(options, output, { start = { kind = "last", number = options.last }, to_end = false })
  end,
}
