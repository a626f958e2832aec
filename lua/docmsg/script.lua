-- SPDX-License-Identifier: MIT
-- Finds, loads and runs scripts, and reports how they failed.
local exit = require "docmsg.exit"
local host = require "docmsg.host"

local M = {}

local SIGPIPE = 13
local ENDED_BY = { [2] = "interrupted", [15] = "terminated" }

---Shows an error value. An endless __tostring can be interrupted.
---@param value any an error value, however hostile
---@return string
local function describe(value)
  local kind = type(value)
  local meta = kind == "table" and debug.getmetatable(value)
  local shown = kind == "string" or kind == "number" or kind == "userdata"
    or (meta and rawget(meta, "__tostring"))
  local ok, text = false, nil
  if shown then
    ok, text = host.call(tostring, value)
  elseif kind == "table" then
    ok, text = host.call(require("docmsg.inspect").inspect, value)
    text = ok and "(error object is a table) " .. text
  end
  return ok and text or ("(error object is a %s value)"):format(kind)
end

---The part of a traceback that is the script's own.
---@param traceback string?
---@return string
local function own_part(traceback)
  local own = (traceback or ""):gsub("\n\t%[C%]: in function 'docmsg%.host%.call'.*$", "")
  return own == "stack traceback:" and "" or own
end

---Says on standard error why a chunk ended, and with which exit code the program shall.
---@param value any the error value
---@param traceback string?
---@param signal integer?
---@return integer status
function M.report(value, traceback, signal)
  if signal then
    if signal ~= SIGPIPE then
      io.stderr:write("docmsg-lua: ", ENDED_BY[signal], "\n")
    end
    return exit.SIGNALLED + signal
  end
  local usage = type(value) == "table" and require("docmsg.usage_error").is(value)
  local own = usage and "" or own_part(traceback)
  io.stderr:write("docmsg-lua: ", describe(value), own ~= "" and "\n" or "", own, "\n")
  return usage and (value.code or exit.USAGE) or exit.FAILED
end

---Takes the results of host.call and reports a failure.
---@param ok boolean
---@param ... any what the call returned, or the error and its traceback
---@return integer? status nil when the call went well
function M.finish(ok, ...)
  if not ok then
    return M.report(...)
  end
end

---@param chunk function?
---@param reason string? why there is no chunk
---@return integer? status
local function run(chunk, reason, ...)
  if not chunk then
    io.stderr:write("docmsg-lua: ", reason, "\n")
    return exit.USAGE
  end
  return M.finish(host.call(chunk, ...))
end

---Runs a script file, or standard input.
---@param path string? nil is standard input
---@param ... any its arguments
---@return integer? status nil when it ran to its end
function M.run_file(path, ...)
  local chunk, reason = loadfile(path)
  return run(chunk, reason, ...)
end

---@param code string
---@param name string chunk name
---@return integer? status
function M.run_code(code, name)
  return run(load(code, name))
end

---Requires a module into a global of its name, as `lua -l` does: "mod" or "global=mod".
---@param word string
---@return integer? status
function M.run_library(word)
  local global, name = word:match("^([^=]*)=(.*)$")
  name = name or word
  local ok, value, traceback, signal = host.call(require, name)
  if ok then
    _G[global or name] = value
    return nil
  elseif not signal and tostring(value):find("^module '.-' not found") then
    io.stderr:write("docmsg-lua: ", value, "\n")
    return exit.USAGE
  end
  return M.report(value, traceback, signal)
end

---@param word string
---@param share string
---@return string[] paths in the order they are tried
local function candidates(word, share)
  if word:find("^%.?%.?/") then
    return { word }
  end
  local paths = {}
  for _, folder in ipairs { "", "scripts/", share .. "/scripts/" } do
    paths[#paths + 1] = folder .. word
    if not word:find("%.lua$") then
      paths[#paths + 1] = folder .. word .. ".lua"
    end
  end
  return paths
end

---Finds a script in the current folder, then in scripts/, then among the installed ones.
---@param word string a path, or the name of a script with or without ".lua"; "-" is standard input
---@param share string the folder of the installed files
---@param what? string for the reason; default "script"
---@return string? path
---@return string? reason
function M.find(word, share, what)
  if word == "-" then
    return "-"
  end
  local folder
  for _, path in ipairs(candidates(word, share)) do
    local kind = host.stat(path)
    if kind == "folder" then
      folder = folder or path
    elseif kind then
      return path
    end
  end
  if folder then
    return nil, ("'%s' is a folder, not a %s"):format(folder, what or "script")
  end
  return nil, ("cannot find the %s '%s' here, in scripts/ or in %s/scripts")
    :format(what or "script", word, share)
end

---The table `arg`: the script at 0, its arguments after it, what came before it below.
---@param argv string[]
---@param script integer index of the script in argv
---@param path string? where the script was found
---@return table<integer, string>
function M.arguments(argv, script, path)
  local arguments = {}
  for index = 0, #argv do
    arguments[index - script] = argv[index]
  end
  arguments[0] = path or arguments[0]
  return arguments
end

---Lets `require` find modules beside the script, after docmsg's own and before all others.
---@param path string
function M.resolve_beside(path)
  local folder = path:match("^(.*)/") or "."
  local own = host.share .. "/lua/?.lua;" .. host.share .. "/lua/?/init.lua;"
  local rest = package.path:sub(#own + 1)
  package.path = ("%s%s/?.lua;%s/?/init.lua;%s"):format(own, folder, folder, rest)
end

return M
