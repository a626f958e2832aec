-- SPDX-License-Identifier: MIT
-- Reads document-received events and prints what arrived. A record is committed after it was
-- printed: what is interrupted comes again.
local document = require "lib.document"
local flags = require "docmsg.flags"
local kafka = require "docmsg.kafka"
local printable = require("docmsg.log").printable

local options = flags.read({
  usage = "docmsg-lua consumer.lua [options]",
  about = [[
Prints every document that arrives, until Ctrl-C. A record that is no document-received event ends
it with exit code 1 and stays uncommitted, so that nothing is lost unseen.]],
  { "--group", "NAME", default = "document_consumer_group", help = "consumer group" },
  { "--count", "N", kind = "integer", min = 1, help = "end after so many documents" },
  { "--idle", "DUR", kind = "duration", default = "forever",
    help = "end when nothing arrived for so long" },
  { "--skip-malformed", help = "report records that are no event, and go on" },
}, arg)

local function receive(message)
  local parsed, reason = document.read(message)
  if parsed then
    print(document.describe(parsed))
    return true
  end
  io.stderr:write("consumer: ", printable(reason), "\n")
  return options.skip_malformed
end

local function main()
  local received = 0
  local consumer <close> = assert(kafka.consumer {
    group = options.group,
    topics = { document.RECEIVED },
  })
  for message in consumer:messages(options.idle) do
    if not receive(message) then return 1 end
    io.stdout:flush()
    assert(consumer:commit { message })
    received = received + 1
    if received == options.count then return 0 end
  end
  return 0
end

os.exit(main(), true)
