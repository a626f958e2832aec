-- SPDX-License-Identifier: MIT
-- Creates the topics of the document workflow and verifies them.
local file = require "docmsg.file"
local flags = require "docmsg.flags"
local log = require "docmsg.log"
local setup = require "lib.setup"
local topics = require "docmsg.topics"

local options = flags.read({
  usage = "docmsg-lua setup.lua [options]",
  about = [[
Creates the topics that are missing and verifies all of them: existence, partitions, replication
factor and configuration. Topics that exist are never changed.

Exit code: 0 done · 1 no broker, or a refused request · 2 wrong usage or topic file ·
3 a topic differs from its declaration · 5 some topics could not be created ·
7 topics were created but not ready in time]],
  { "--topics", "FILE", default = "topics.lua", help = "topic table, here or beside this script" },
  { "--attempts", "N", kind = "integer", min = 1, default = 30,
    help = "how often to try to connect" },
  { "--retry-delay", "DUR", kind = "duration", default = "2s", help = "between two attempts" },
  { "--timeout", "DUR", kind = "duration", default = "30s",
    help = "of a request, and for new topics to be ready" },
}, arg)

local declared, reason = topics.load(file.find(options.topics, file.folder()))
if not declared then os.exit(setup.fail(2, reason), true) end

local logger = log.new()
for _, warning in ipairs(declared.warnings) do logger:warn("%s", warning) end

os.exit(setup.run(declared, {
  attempts = options.attempts,
  retry_delay = options.retry_delay,
  timeout = options.timeout,
  log = logger,
}), true)
