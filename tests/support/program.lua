-- SPDX-License-Identifier: MIT
-- Runs the program under test as a user would: as a process with its own streams.
local process = require "support.process"

local M = {}

---@param text string
---@return string
function M.quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

---@param command string
---@return string output
function M.capture(command)
  local pipe <close> = assert(io.popen(command))
  return pipe:read("a")
end

---@param path string
---@return string
function M.read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

---@param path string
---@param text string
function M.write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
end

---The program under test.
M.path = process.program

---A folder of its own for a test; `M.remove` takes it away.
---@return string
function M.folder()
  return (M.capture("mktemp -d"):gsub("\n$", ""))
end

---@param folder string
function M.remove(folder)
  assert(folder:find("^/tmp/"), folder)
  os.execute("chmod -R u+w " .. M.quote(folder) .. "; rm -rf " .. M.quote(folder))
end

-- What the developer's environment must not change.
local CLEAN <const> = { "-u", "LUA_INIT", "-u", "LUA_INIT_5_4", "-u", "KAFKA_BOOTSTRAP_SERVERS",
  "-u", "DOCMSG_HISTORY", "-u", "NO_COLOR", "--default-signal=INT,TERM,PIPE" }

---The words of a command that becomes the program.
---@param arguments string[]
---@param environment? table<string, string|false> false unsets
---@return string[]
local function words(arguments, environment)
  local list, set = { "env", table.unpack(CLEAN) }, {}
  for name, value in pairs(environment or {}) do
    if value then
      set[#set + 1] = name .. "=" .. value
    else
      table.move({ "-u", name }, 1, 2, #list + 1, list)
    end
  end
  table.move(set, 1, #set, #list + 1, list)
  list[#list + 1] = M.path
  return table.move(arguments, 1, #arguments, #list + 1, list)
end

---A shell command that becomes the program.
---@param arguments string[]
---@param environment? table<string, string|false> false unsets
---@return string
function M.command(arguments, environment)
  local list = words(arguments, environment)
  for index, word in ipairs(list) do
    list[index] = M.quote(word)
  end
  return "exec " .. table.concat(list, " ")
end

---@class docmsg.test.Run
---@field [integer] string arguments
---@field stdin? string
---@field env? table<string, string|false>
---@field cwd? string
---@field shell? string a bash script around the program; "@" stands for it

---Runs the program to its end.
---@param run docmsg.test.Run
---@return { status: integer, out: string, err: string }
function M.run(run)
  local folder = M.folder()
  local command = words(run, run.env)
  if run.shell then
    M.write(folder .. "/program", "#!/bin/sh\n" .. M.command(run, run.env) .. ' "$@"\n')
    os.execute("chmod +x " .. folder .. "/program")
    command = { "bash", "-c", (run.shell:gsub("@", folder .. "/program")) }
  end
  command.stdin, command.cwd = run.stdin, run.cwd or folder
  local result = process.run(command)
  M.remove(folder)
  return { status = result.signal and 128 + result.signal or result.code,
           out = result.stdout, err = result.stderr }
end

return M
