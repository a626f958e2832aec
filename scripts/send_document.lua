-- SPDX-License-Identifier: MIT
-- Announces a file: publishes a document-received event and waits for the acknowledgement.
local docmsg = require "docmsg"
local document = require "lib.document"
local flags = require "docmsg.flags"
local kafka = require "docmsg.kafka"
local producers = require "lib.producers"

local options = flags.read({
  usage = "docmsg-lua send_document.lua FILE [options]",
  about = [[
Publishes a document-received event for a file and waits until Kafka has it. What is no text, or more
than 256 KiB of it, is kept in the data folder, and the event refers to it.]],
  { "FILE", required = true, help = "txt or md of at most 8 MiB; pdf, docx, doc of at most 64 MiB" },
  { "--user-id", "ID", default = "default_user", help = "who sends it" },
  { "--timeout", "DUR", kind = "duration", default = "30s", help = "until Kafka must have it" },
}, arg)

local function fail(code, reason)
  io.stderr:write("send_document: ", tostring(reason), "\n")
  return code
end

local function main()
  local parsed, wrong = document.from_file(options.FILE, options.user_id)
  if not parsed then return fail(2, wrong) end
  local bus <close> = docmsg.bus {
    name = "docmsg-lua/send_document", events = "events.lua",
    kafka = { ["message.timeout.ms"] = kafka.duration(options.timeout) },
  }
  local report, err = producers.document(bus):send_document_received(parsed)
  if not report then return fail(err.name == "SCHEMA" and 2 or 1, err) end
  print(("Published to %s:%d:%d"):format(report.topic, report.partition, report.offset))
  return 0
end

os.exit(main(), true)
