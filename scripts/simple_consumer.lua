-- SPDX-License-Identifier: MIT
-- The simplest consumer of documents: it prints the line with the file's name, and nothing else.
local docmsg = require "docmsg"
local flags = require "docmsg.flags"
local printable = require("docmsg.log").printable

local options = flags.read({
  usage = "docmsg-lua simple_consumer.lua [options]",
  about = "Prints the name of every document that arrives, until Ctrl-C.",
  { "--group", "NAME", default = "simple_document_consumer_group", help = "consumer group" },
  { "--count", "N", kind = "integer", min = 1, help = "end after so many documents" },
}, arg)

local function simple_document_consumer()
  local seen = 0
  local bus <close> = docmsg.bus { name = "docmsg-lua/simple_consumer", events = "events.lua" }
  local documents <close> = bus:subscribe({ "document-received" }, { group = options.group }, function(event)
    print("📄 Document filename: " .. printable(event.data.parsed_document.metadata.filename))
    io.stdout:flush()
    seen = seen + 1
  end)
  local started, reason = documents:start()
  if not started then
    io.stderr:write("simple_consumer: ", tostring(reason), "\n")
    return 1
  end
  while documents:step "100ms" do
    if seen == options.count then return 0 end
  end
  return 1
end

os.exit(simple_document_consumer(), true)
