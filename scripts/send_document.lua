-- SPDX-License-Identifier: MIT
-- Announces a file: publishes a document-received event and waits for the acknowledgement.
local document = require "lib.document"
local flags = require "docmsg.flags"
local kafka = require "docmsg.kafka"
local log = require "docmsg.log"

local options = flags.read({
  usage = "docmsg-lua send_document.lua FILE [options]",
  about = "Publishes a document-received event for a text file and waits until Kafka has it.",
  { "FILE", required = true, help = "a txt or md file of at most 256 KiB" },
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
  local record, refused = document.record(parsed, "docmsg-lua/send_document")
  if not record then return fail(2, refused) end
  local producer <close> = assert(kafka.producer {
    kafka = { ["message.timeout.ms"] = kafka.duration(options.timeout) },
  })
  local report, err = producer:publish(record)
  if not report then return fail(1, err) end
  log.new():info("Document received event sent: %s", parsed.document_id)
  print(("Published to %s:%d:%d"):format(report.topic, report.partition, report.offset))
  return 0
end

os.exit(main(), true)
