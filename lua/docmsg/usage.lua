-- SPDX-License-Identifier: MIT
-- The text of docmsg-lua --help.
local M = {}

local TEXT <const> = [==[
# Usage
  docmsg-lua [options] [FILE.lua [arguments]]

Runs a Lua script with Apache Kafka at hand. FILE is looked up in the current
folder, then in scripts/, then among the installed scripts; `docmsg-lua setup`
runs setup.lua. Without arguments: a session on a terminal, else standard input
as a script. `-` is standard input; `--` ends the options.

# Options
  -e CODE                     run CODE
  -l MODULE, -l NAME=MODULE   require MODULE into a global
  -i                          a session after the script
  -E                          ignore LUA_INIT, LUA_PATH and LUA_CPATH
  -W                          turn warnings on
  -v, --version               show the versions
  -h, --help                  show this text

  --bootstrap-servers LIST    host:port,host:port, ["host:port"] or embedded
                              default: $KAFKA_BOOTSTRAP_SERVERS, else .env,
                              else localhost:9092
  --embedded                  a broker inside this process; it keeps nothing
  -X KEY=VALUE                a librdkafka property, such as -X linger.ms=5
                              default: $KAFKA_LINGER_MS and so on, else .env
  --insecure-tls              any certificate of the broker will do; warns
  --env-file FILE             default: .env of the current folder, if any

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
  0 done   1 runtime error   2 usage or file error   130 SIGINT   143 SIGTERM
]==]

---@param colour boolean
---@return string
function M.text(colour)
  local heading = colour and "\27[1m%1\27[0m" or "%1"
  return (("\n" .. TEXT):gsub("\n# ([^\n]+)", "\n" .. heading):sub(2))
end

return M
