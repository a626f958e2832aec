-- SPDX-License-Identifier: MIT
-- The whole way in one process: a broker, the topics, a document through all of its 13, a question
-- about it and the answer.
local ask = require "lib.ask"
local data = require "lib.data"
local docmsg = require "docmsg"
local document = require "lib.document"
local file = require "docmsg.file"
local flags = require "docmsg.flags"
local kafka = require "docmsg.kafka"
local log = require "docmsg.log"
local producers = require "lib.producers"
local runner = require "docmsg.runner"
local setup = require "lib.setup"
local topics = require "docmsg.topics"

local folder = file.folder()
local options = flags.read({
  usage = "docmsg-lua demo.lua [FILE] [QUESTION]",
  about = [[
Starts a broker inside this process, creates the topics, runs the pipeline, sends FILE through all of its
steps and asks QUESTION. Nothing of it is kept.]],
  { "FILE", default = "README.md", help = "a txt or md file" },
  { "QUESTION", default = "Where does real data belong?", help = "about what is in it" },
}, arg)

local DEADLINE <const> = 60 -- seconds

local function send(bus)
  local parsed, wrong = document.from_file(file.find(options.FILE, folder .. "../"), "demo")
  if not parsed then return nil, wrong end
  local report, err = producers.document(bus):send_document_received(parsed)
  if not report then return nil, err end
  print(("Published to %s:%d:%d"):format(report.topic, report.partition, report.offset))
  return parsed
end

-- Runs the pipeline until the store has the document complete.
local function await_completion(running, store, id)
  local deadline = os.time() + DEADLINE
  while os.time() <= deadline do
    running:step "50ms"
    local kept = store:document(id)
    if kept and kept.status == "completed" then return true end
    if kept and kept.status == "failed" then return nil, kept.reason end
  end
  return nil, ("the document is not through within %d s"):format(DEADLINE)
end

local function question(bus, running)
  local result, reason = ask.ask(bus, {
    text = options.QUESTION, type = "hybrid", user_id = "demo", timeout = DEADLINE,
    step = function() running:step "10ms" end,
  })
  if not result then return nil, reason end
  print("\n" .. options.QUESTION .. "\n" .. ask.describe("hybrid", result) .. "\n")
  return true
end

local function run()
  local bus <close> = docmsg.bus { name = "docmsg-lua/demo", events = folder .. "events.lua" }
  local parsed, wrong = send(bus)
  if not parsed then return nil, wrong end
  local running <close>, refused = runner.start(dofile(folder .. "pipeline.lua"), { workers = 0 })
  if not running then return nil, refused end
  local store <close> = require("lib.store").open()
  for _, step in ipairs { function() return await_completion(running, store, parsed.document_id) end,
                          function() return question(bus, running) end } do
    local ok, reason = step()
    if not ok then return nil, reason end
  end
  print(document.describe(parsed))
  return true
end

-- A data folder that goes away.
local function scratch()
  local path = os.tmpname()
  os.remove(path)
  data.use(path)
  return setmetatable({}, { __close = function() os.execute("rm -rf " .. require("lib.shell").quote(path)) end })
end

local function main()
  local broker <close> = assert(kafka.embedded())
  kafka.defaults { bootstrap_servers = broker.bootstrap_servers }
  local declared = assert(topics.load(folder .. "topics.lua"))
  local code = setup.run(declared, { log = log.new() })
  if code ~= 0 then return code end
  local _ <close> = scratch()
  local ok, reason = run()
  if ok then return 0 end
  io.stderr:write("demo: ", tostring(reason), "\n")
  return 1
end

os.exit(main(), true)
