-- SPDX-License-Identifier: MIT
-- Runs the program under test as a user would: as a process with its own streams.
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

---The program that runs these tests.
M.path = M.capture("readlink /proc/$PPID/exe"):gsub("\n$", "")

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

---@param words string[]
---@return string
local function join(words)
  local quoted = {}
  for index, word in ipairs(words) do
    quoted[index] = M.quote(word)
  end
  return table.concat(quoted, " ")
end

-- What the developer's environment must not change.
local CLEAN <const> = "-u LUA_INIT -u LUA_INIT_5_4 -u KAFKA_BOOTSTRAP_SERVERS -u DOCMSG_HISTORY "
  .. "-u NO_COLOR --default-signal=INT,TERM,PIPE "

---A shell command that becomes the program.
---@param arguments string[]
---@param environment? table<string, string> false unsets
---@return string
function M.command(arguments, environment)
  local words = {}
  for name, value in pairs(environment or {}) do
    words[#words + 1] = value and M.quote(name .. "=" .. value) or nil
    if not value then table.insert(words, 1, "-u " .. name) end
  end
  return ("exec env %s%s %s %s"):format(CLEAN, table.concat(words, " "), M.quote(M.path),
    join(arguments))
end

-- What hangs ends with status 124 or 137, with all of its children.
local LIMIT <const> = "timeout --kill-after=1 60 "

---@class docmsg.test.Run
---@field [integer] string arguments
---@field stdin? string
---@field env? table<string, string>
---@field cwd? string
---@field shell? string goes around the program; "@" stands for it

---Runs the program to its end.
---@param run docmsg.test.Run
---@return { status: integer, out: string, err: string }
function M.run(run)
  local folder = M.folder()
  M.write(folder .. "/in", run.stdin or "")
  local command = M.command(run, run.env)
  if run.shell then
    M.write(folder .. "/program", "#!/bin/sh\n" .. command .. ' "$@"\n')
    os.execute("chmod +x " .. folder .. "/program")
    command = run.shell:gsub("@", folder .. "/program")
  end
  local line = ("cd %s && { %s\n} <%s/in >%s/out 2>%s/err"):format(
    M.quote(run.cwd or folder), command, folder, folder, folder)
  local _, how, status = os.execute(LIMIT .. "bash -c " .. M.quote(line))
  local result = { status = how == "signal" and 128 + status or status,
                   out = M.read(folder .. "/out"), err = M.read(folder .. "/err") }
  M.remove(folder)
  return result
end

return M
