-- SPDX-License-Identifier: MIT
-- docmsg-lua broker
local exit = require "docmsg.exit"

-- Creates the topics of a file on the broker. Returns an exit code unless all went well.
local function create(path, servers, output)
  local topics = require "docmsg.topics"
  local declared, reason = require("docmsg.topic.find").load(path)
  if not declared then return output:fail(exit.USAGE, reason) end
  local manager <close>, err = topics.connect { bootstrap_servers = servers, attempts = 1 }
  if not manager then return output:fail(exit.FAILED, err) end
  local results, refused = manager:ensure(declared)
  if not results then return output:fail(exit.FAILED, refused) end
  for _, result in ipairs(results) do
    if result.error then
      return output:fail(exit.FAILED, ("%s: %s"):format(result.name, tostring(result.error)))
    end
  end
end

return {
  usage = "[FILE] [options]",
  about = [[
Runs a broker inside this process and prints its address, until Ctrl-C. It is for the first minute
and for tests: it keeps nothing after its end, holds at most 5 MiB or 100,000 records a partition,
and proves nothing about transactions. Other processes can send and receive, but not create topics:
name them in FILE.]],
  examples = {
    { "docmsg-lua broker topics.lua", "the topics of a table, for another terminal" },
    { "docmsg-lua broker --brokers 3", "three brokers" },
  },
  { "FILE", help = "a topic table, whose topics are created" },
  { "--brokers", "N", kind = "integer", min = 1, default = 1, help = "how many" },
  run = function(options, output)
    local kafka = require "docmsg.kafka"
    local broker <close>, err = kafka.embedded { brokers = options.brokers }
    if not broker then return output:fail(exit.FAILED, err) end
    local code = options.FILE and create(options.FILE, broker.bootstrap_servers, output)
    if code then return code end
    output:line("%s", broker.bootstrap_servers)
    io.stdout:flush()
    kafka.sleep "forever"
    return exit.DONE
  end,
}
