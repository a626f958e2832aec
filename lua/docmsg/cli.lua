-- SPDX-License-Identifier: MIT
-- The command line of docmsg-lua: reads the options and runs scripts, code and the REPL.
-- Everything that not every start needs is required where it is used.
local exit = require "docmsg.exit"
local host = require "docmsg.host"
local options = require "docmsg.options"
local script = require "docmsg.script"

local M = {}

---@param message string
local function complain(message)
  io.stderr:write("docmsg-lua: ", message, "\n")
end

---@param message string
---@param words? string of the verb, when it is one's
---@return integer status
local function refuse(message, words)
  complain(message)
  complain(("'docmsg-lua %s--help' lists the options"):format(words and words .. " " or ""))
  return exit.USAGE
end

---The module as it is, without configuration; opened at most once.
---@return docmsg.kafka
local function open_kafka()
  return require "docmsg.bare"
end

---Lets `require "docmsg.kafka"` open the module and configure it, when and if a script asks. A verb's
---module may ask before its options are read: then it is configured as soon as they are.
---@param parsed docmsg.cli.Options
---@return fun(): integer? begin is called when the options are read; checks at once what they say about the connection
local function offer_kafka(parsed)
  local settings, is_read, is_loaded
  local function resolve()
    settings = settings or require("docmsg.connection").resolve(open_kafka(), parsed)
    return settings
  end
  local function configure()
    require("docmsg.connection").apply(open_kafka(), resolve())
  end
  package.preload["docmsg.kafka"] = function()
    is_loaded = true
    if is_read then configure() end
    return open_kafka()
  end
  package.preload["docmsg.runtime"] = function()
    require "docmsg.kafka"
    return require("docmsg.protection").guard(host.open_runtime())
  end
  function host.variables()
    return resolve().environment
  end
  function host.getenv(name)
    return host.variables()[name]
  end
  return function()
    is_read = true
    if is_loaded then
      return script.finish(host.call(configure))
    elseif #parsed.properties > 0 or parsed.bootstrap_servers or parsed.env_file or parsed.named_context then
      return script.finish(host.call(resolve))
    end
  end
end

---@return string
local function version()
  return require("docmsg.verb.version").text()
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

---No script of that name is there, and no verb: which may have been meant?
---@param word string
---@param reason string why there is no script
---@return integer status
local function refuse_word(word, reason)
  complain(reason)
  if not word:find("[./]") then
    local nearest = require("docmsg.command").nearest(word)
    complain(("'%s' is no verb either; %s"):format(word,
      nearest and ("did you mean '%s'?"):format(nearest) or "'docmsg-lua --help' lists them"))
  end
  return exit.USAGE
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
    return refuse_word(argv[parsed.script], reason)
  end
  _G.arg = script.arguments(argv, parsed.script, path)
  script.resolve_beside(path)
  return script.run_file(path ~= "-" and path or nil, table.unpack(_G.arg))
end

-- The context that was named, for the prompt.
local function context_of(parsed)
  if not parsed.named_context then return nil end
  return require("docmsg.contexts").get(parsed.named_context, os.getenv)
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
    return require("docmsg.repl").run(context_of(parsed))
  elseif idle then
    return script.run_file(nil)
  end
end

---@param found docmsg.command.Found
---@param parsed docmsg.cli.Options
---@return integer status
local function run_verb(found, parsed)
  local command = require "docmsg.command"
  local ok, code, traceback, signal = host.call(command.run, found, parsed)
  return ok and code or script.report(code, traceback, signal)
end

---@param parsed docmsg.cli.Options
local function apply(parsed)
  if parsed.ignore_environment then
    host.ignore_environment()
  end
  if parsed.log_format or parsed.verbose then
    require("docmsg.log").defaults { format = parsed.log_format, level = parsed.verbose and "debug" }
  end
  if parsed.warnings then
    warn("@on")
  end
  if parsed.show_version or parsed.interactive then
    print(version())
  end
end

---@param parsed docmsg.cli.Options
---@param argv string[]
---@param begin fun(): integer?
---@param found? docmsg.command.Found the verb, when it is one
---@return integer status
local function run(parsed, argv, begin, found)
  apply(parsed)
  local status = begin()
  _G.arg = script.arguments(argv, parsed.script or 0)
  collectgarbage("restart")
  collectgarbage("incremental", 400) -- the program's own modules are most of what a small script marks
  status = status or (not parsed.ignore_environment and run_init() or nil)
  for _, action in ipairs(parsed.actions) do
    status = status or perform(action)
  end
  if found then
    return status or run_verb(found, parsed)
  end
  return status or run_script(parsed, argv) or run_interactive(parsed) or exit.DONE
end

---@param parsed docmsg.cli.Options
---@param argv string[]
---@return integer status
local function main_of_verb(parsed, argv)
  local command = require "docmsg.command"
  local begin = offer_kafka(parsed)
  local found, reason = command.find(argv, parsed.script, parsed)
  if not found then
    return refuse(reason, argv[parsed.script])
  end
  reason = command.read(found, argv, parsed)
  if parsed.help then
    io.stdout:write(command.help(found.words, found.verb))
    return exit.DONE
  elseif reason then
    return refuse(reason, found.words)
  end
  return run(parsed, argv, begin, found)
end

---@return string
local function usage()
  local colour = require("docmsg.output").is_colourful(os.getenv, host.isatty(1))
  return require("docmsg.usage").text(colour)
end

---Runs the program.
---@param argv string[] argv[0] is the program
---@return integer status exit code
function M.main(argv)
  local parsed, reason = options.parse(argv)
  if not parsed then
    return refuse(reason)
  end
  local word = argv[parsed.script]
  if word and not word:find("[./]") and require("docmsg.command").is_verb(word) then
    return main_of_verb(parsed, argv)
  elseif parsed.help then
    io.stdout:write(usage())
    return exit.DONE
  end
  return run(parsed, argv, offer_kafka(parsed))
end

return M
