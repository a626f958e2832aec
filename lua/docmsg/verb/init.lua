-- SPDX-License-Identifier: MIT
-- The verbs of docmsg-lua: a name, a line of help, and by their name a module that is required when
-- the verb is used. A new verb is a line here and a file lua/docmsg/verb/<name>.lua.
--
-- The module of a verb is one table, its arguments in the array part as docmsg.flags takes them:
--
--   return {
--     usage = "FILE [options]",
--     about = "What it does.",
--     examples = { { "docmsg-lua lint topics.lua", "why one would" } },
--     prints = true,       -- it takes -F: what it prints goes through output:rows or output:document
--     network = true,      -- it takes --timeout
--     confirms = true,     -- it takes --yes: it asks with output:confirm
--     { "FILE", required = true, help = "…" },
--     run = function(options, output) return exit.DONE end,
--   }
--
-- or that of a group, whose verbs are lua/docmsg/verb/<group>/<name>.lua:
--
--   return { about = "…", verbs = { { "list", "lists …" } } }
--
-- `run` returns an exit code (docmsg.exit). It may raise: a docmsg.usage_error ends with 2, anything
-- else with 1 and a traceback; Ctrl-C unwinds it. What the broker refuses is no reason to raise:
-- `return output:fail(exit.FAILED, err)`. Clients are made by `require "docmsg.kafka"` inside `run`,
-- and know by then what --bootstrap-servers, -X, the environment and .env say.

---@class docmsg.Verb : docmsg.Usage
---@field prints? boolean
---@field network? boolean
---@field confirms? boolean
---@field run fun(options: table<string, any>, output: docmsg.Output): integer

---@class docmsg.VerbGroup
---@field about string
---@field examples? [string, string?][]
---@field verbs [string, string][] names and what they do, in the order of the help

---@type docmsg.VerbGroup
return {
  about = "Apache Kafka at hand.",
  verbs = {
    { "run", "runs the consumers of an application" },
    { "topics", "topics as code: list, show, plan, apply, verify, export, delete" },
    { "cat", "prints the records of a topic" },
    { "tail", "prints the last records of a topic and those that come" },
    { "put", "sends lines to a topic" },
    { "publish", "publishes an event that its schema has checked" },
    { "groups", "consumer groups: list, show, lag, seek, delete" },
    { "dlq", "dead letters: list, show, redrive" },
    { "stats", "what a running application has handled, and its lag" },
    { "health", "asks a running application whether it is ready, or alive" },
    { "graph", "draws the way of events through an application" },
    { "lint", "checks a topic table without a broker" },
    { "broker", "runs a broker inside this process until Ctrl-C" },
    { "doctor", "looks at what may be wrong: configuration, connection, broker" },
    { "completion", "teaches a shell to complete" },
    { "version", "shows the versions at work" },
  },
}
