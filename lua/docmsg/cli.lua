-- SPDX-License-Identifier: MIT
-- The command line of docmsg-lua: reads the options and runs scripts, code and the REPL.
-- Everything that not every start needs is required where it is used.
local host = require "docmsg.host"
local options = require "docmsg.options"
local script = require "docmsg.script"

local M = {}

local USAGE = 2

---@param message string
local function complain(message)
  io.stderr:write("docmsg-lua: ", message, "\n")
end

---@param message string
---@return integer status
local function refuse(message)
  complain(message)
  complain("'docmsg-lua --help' lists the options")
  return USAGE
end

local bare_kafka

---The module as it is, without configuration; opened at most once.
---@return docmsg.kafka
local function open_kafka()
  bare_kafka = bare_kafka or host.open_kafka()
  return bare_kafka
end

---Lets `require "docmsg.kafka"` open the module and configure it, when and if a script asks. What
---the command line itself says about the connection is checked at once.
---@param parsed docmsg.cli.Options
---@return integer? status
local function preload_kafka(parsed)
  local settings
  local function resolve()
    settings = settings or require("docmsg.connection").resolve(open_kafka(), parsed)
    return settings
  end
  package.preload["docmsg.kafka"] = function()
    require("docmsg.connection").apply(open_kafka(), resolve())
    return open_kafka()
  end
  function host.getenv(name)
    return resolve().environment[name]
  end
  if #parsed.properties > 0 or parsed.bootstrap_servers or parsed.env_file then
    return script.finish(host.call(resolve))
  end
end

---@return string
local function version()
  local versions = open_kafka().version()
  return ("docmsg-lua %s  %s  librdkafka %s"):format(host.version, host.lua,
    versions.librdkafka)
end

---LUA_INIT, as lua runs it.
---@return integer? status nil when all is well
local function run_init()
  local name = "LUA_INIT" .. _VERSION:gsub("Lua (%d+)%.(%d+)", "_%1_%2")
  local code = os.getenv(name)
  if not code then
    name = "LUA_INIT"
    code = os.getenv(name)
  end
  if not code then
    return nil
  end
  if code:sub(1, 1) == "@" then
    return script.run_file(code:sub(2))
  end
  return script.run_code(code, "=" .. name)
end

---@param action docmsg.cli.Action
---@return integer? status
local function perform(action)
  if action.kind == "code" then
    return script.run_code(action.value, "=(command line)")
  end
  return script.run_library(action.value)
end

---What follows the options: a script, standard input, or nothing.
---@param parsed docmsg.cli.Options
---@param argv string[]
---@return integer? status
local function run_script(parsed, argv)
  if not parsed.script then
    return nil
  end
  local path, reason = script.find(argv[parsed.script], host.share)
  if not path then
    complain(reason)
    return USAGE
  end
  _G.arg = script.arguments(argv, parsed.script, path)
  script.resolve_beside(path)
  return script.run_file(path ~= "-" and path or nil, table.unpack(_G.arg))
end

---Nothing was named: a REPL for a person, a script from a pipe.
---@param parsed docmsg.cli.Options
---@return integer? status
local function run_interactive(parsed)
  local idle = not parsed.script and #parsed.actions == 0 and not parsed.show_version
  if parsed.interactive or (idle and host.isatty(0)) then
    if not parsed.interactive then
      print(version())
    end
    return require("docmsg.repl").run()
  elseif idle then
    return script.run_file(nil)
  end
end

---@param parsed docmsg.cli.Options
---@param argv string[]
---@return integer status
local function run(parsed, argv)
  if parsed.ignore_environment then
    host.ignore_environment()
  end
  if parsed.warnings then
    warn("@on")
  end
  if parsed.show_version or parsed.interactive then
    print(version())
  end
  local status = preload_kafka(parsed)
  _G.arg = script.arguments(argv, parsed.script or 0)
  collectgarbage("restart")
  status = status or (not parsed.ignore_environment and run_init() or nil)
  for _, action in ipairs(parsed.actions) do
    status = status or perform(action)
  end
  return status or run_script(parsed, argv) or run_interactive(parsed) or 0
end

---@param fd integer
---@return boolean
local function is_colourful(fd)
  local term, no_color = os.getenv("TERM"), os.getenv("NO_COLOR")
  return host.isatty(fd) and term ~= nil and term ~= "dumb" and (no_color == nil or no_color == "")
end

---Runs the program.
---@param argv string[] argv[0] is the program
---@return integer status exit code
function M.main(argv)
  local parsed, reason = options.parse(argv)
  if not parsed then
    return refuse(reason)
  elseif parsed.help then
    io.stdout:write(require("docmsg.usage").text(is_colourful(1)))
    return 0
  end
  return run(parsed, argv)
end

return M
