-- SPDX-License-Identifier: MIT
-- The whole way in one process: a broker, the topics, a document sent and received.
local document = require "lib.document"
local file = require "docmsg.file"
local flags = require "docmsg.flags"
local kafka = require "docmsg.kafka"
local log = require "docmsg.log"
local setup = require "lib.setup"
local topics = require "docmsg.topics"

local folder = file.folder()
local options = flags.read({
  usage = "docmsg-lua demo.lua [FILE]",
  about = "Starts a broker inside this process, creates the topics, sends FILE and receives it.",
  { "FILE", default = "README.md", help = "a txt or md file of at most 256 KiB" },
}, arg)

local function send(path)
  local parsed, wrong = document.from_file(path, "demo")
  if not parsed then return nil, wrong end
  local producer <close> = assert(kafka.producer {})
  local report, err = producer:publish(assert(document.record(parsed, "docmsg-lua/demo")), "30s")
  if not report then return nil, err end
  print(("Published to %s:%d:%d"):format(report.topic, report.partition, report.offset))
  return true
end

local function receive()
  local consumer <close> = assert(kafka.consumer { group = "demo", topics = { document.RECEIVED } })
  local message, err = consumer:poll("30s")
  if not message then return nil, err or "nothing arrived within 30 s" end
  local parsed, wrong = document.read(message)
  if not parsed then return nil, wrong end
  print(document.describe(parsed))
  return consumer:commit { message }
end

local function main()
  local broker <close> = assert(kafka.embedded())
  kafka.defaults { bootstrap_servers = broker.bootstrap_servers }
  local declared = assert(topics.load(folder .. "topics.lua"))
  local code = setup.run(declared, { log = log.new() })
  if code ~= 0 then return code end
  for _, step in ipairs { send, receive } do
    local ok, reason = step(file.find(options.FILE, folder .. "../"))
    if not ok then
      io.stderr:write("demo: ", tostring(reason), "\n")
      return 1
    end
  end
  return 0
end

os.exit(main(), true)
