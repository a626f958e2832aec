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

---Lets `require "docmsg.kafka"` open the module and configure it, when and if a script asks.
local function preload_kafka()
  package.preload["docmsg.kafka"] = host.open_kafka
end

---@return string
local function version()
  local kafka = host.open_kafka()
  return ("docmsg-lua %s  %s  librdkafka %s"):format(host.version, _VERSION,
    kafka.version and kafka.version().librdkafka or "?")
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
  preload_kafka()
  _G.arg = script.arguments(argv, parsed.script or 0)
  collectgarbage("restart")
  local status = not parsed.ignore_environment and run_init() or nil
  for _, action in ipairs(parsed.actions) do
    status = status or perform(action)
  end
  return status or run_script(parsed, argv) or run_interactive(parsed) or 0
end

---Runs the program.
---@param argv string[] argv[0] is the program
---@return integer status exit code
function M.main(argv)
  local parsed, reason = options.parse(argv)
  if not parsed then
    return refuse(reason)
  elseif parsed.help then
    io.stdout:write(require("docmsg.usage").text(host.isatty(1)))
    return 0
  end
  return run(parsed, argv)
end

return M
