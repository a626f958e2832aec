-- SPDX-License-Identifier: MIT
-- The text of docmsg-lua --help.
local flags = require "docmsg.flags"
local options = require "docmsg.options"
local verb = require "docmsg.verb"

local M = {}

local WIDTH <const> = 26

local TEXT <const> = [==[
# Usage
  docmsg-lua [options] VERB [arguments]
  docmsg-lua [options] [FILE.lua [arguments]]

Runs a verb, or a Lua script with Apache Kafka at hand. FILE is looked up in the
current folder, then in scripts/, then among the installed scripts; a word that
is no verb is a script too: `docmsg-lua setup` runs setup.lua. Without arguments:
a session on a terminal, else standard input as a script. `-` is standard input;
`--` ends the options.

@VERBS@
@OPTIONS@
# Environment
  KAFKA_BOOTSTRAP_SERVERS, KAFKA_<PROPERTY>   as above
  DOCMSG_HISTORY              the session's history file; empty for none
                              default: ~/.local/state/docmsg/history
  LUA_INIT, LUA_PATH, LUA_CPATH   as lua has them
  NO_COLOR                    no colour

# Examples
  docmsg-lua --embedded setup.lua
  docmsg-lua --bootstrap-servers broker:9092 setup.lua
  docmsg-lua -e 'print(require("docmsg").version().librdkafka)'

# Exit codes
  0  done, or nothing to do
  1  runtime error: connection, authentication, time-out
  2  usage or file error
  3  something differs from what is declared
  4  refused by a guard, nothing was changed
  5  partly done
  6  the plan is stale, or of another cluster
  7  done, but not to be seen in time
  130, 143  interrupted, terminated
]==]

local function section(title, rows)
  return ("# %s\n%s"):format(title, flags.columns(rows, WIDTH))
end

local function options_section()
  local rows = flags.describe(options.LEADING)
  rows[#rows + 1] = { "-h, --help", "show this text; of a verb, after it" }
  return section("Options before a script or verb", rows) .. "\n"
    .. section("Options also after a verb", flags.describe(options.GLOBAL))
end

---@param colour boolean
---@return string
function M.text(colour)
  local parts = { VERBS = section("Verbs", verb.verbs), OPTIONS = options_section() }
  local text = TEXT:gsub("@(%u+)@", parts)
  local heading = colour and "\27[1m%1\27[0m" or "%1"
  return (("\n" .. text):gsub("\n# ([^\n]+)", "\n" .. heading):sub(2))
end

return M
