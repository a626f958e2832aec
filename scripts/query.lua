-- SPDX-License-Identifier: MIT
-- Asks the documents a question, and prints the answer with its source.
local ask = require "lib.ask"
local docmsg = require "docmsg"
local flags = require "docmsg.flags"
local kafka = require "docmsg.kafka"

local options = flags.read({
  usage = "docmsg-lua query.lua QUESTION [options]",
  about = [[
Publishes a query-received event and waits for the answer of the pipeline. Answers quote what the
documents say; no model writes them.]],
  { "QUESTION", required = true, help = "in words that the documents have" },
  { "--type", "TYPE", default = "hybrid",
    help = "hybrid, rag_only (from the text) or structured_only (from the fields)" },
  { "--document", "ID", help = "ask this document alone" },
  { "--user-id", "ID", default = "default_user", help = "who asks" },
  { "--timeout", "DUR", kind = "duration", default = "30s", help = "until there must be an answer" },
}, arg)

local TYPES <const> = { hybrid = true, rag_only = true, structured_only = true }

local function fail(code, reason)
  io.stderr:write("query: ", tostring(reason), "\n")
  return code
end

local function main()
  if not TYPES[options.type] then return fail(2, "--type is hybrid, rag_only or structured_only") end
  local bus <close> = docmsg.bus { name = "docmsg-lua/query", events = "events.lua" }
  local result, reason = ask.ask(bus, {
    text = options.QUESTION, type = options.type, user_id = options.user_id,
    filters = { document_id = options.document }, timeout = kafka.duration(options.timeout) // 1000,
  })
  if not result then return fail(type(reason) == "table" and reason.name == "SCHEMA" and 2 or 1, reason) end
  print(ask.describe(options.type, result))
  return 0
end

os.exit(main(), true)
