-- SPDX-License-Identifier: MIT
-- Other programs in tests: start them, read what they print, signal them, and see how they ended.
-- Each has a time limit after which it is killed with all its children.
--
--   local result = process.run { process.program, "-e", "print(1)", env = { NAME = "value" } }
--   local child <close> = process.start { "docmsg-lua", "FILE.lua" }
--
-- Built on a shell and coreutils: timeout keeps the limit, env the environment and the signals'
-- default actions, and a small sh tells its process id before it becomes the command.
local await = require "support.await"
local system = require "system"

local M = {}

---A path that stays right in another folder.
---@param path string
---@return string
local function absolute(path)
  return path:find("^[^/]+/") and os.getenv("PWD") .. "/" .. path or path
end

---The program under test.
M.program = absolute(os.getenv("DOCMSG_BIN") or arg[-1] or "docmsg-lua")

local DEFAULT_LIMIT = 60 -- seconds

-- The shell's line: limit, env's words, the command, its standard input, output and error.
local LINE = [[ulimit -c 0; exec timeout -s KILL %g %s sh -c 'echo $$ >&3; exec "$@" 3>&-' sh %s ]]
  .. "3>&1 <%s >%s 2>%s"

---@class support.Command
---@field [integer] string the command and its arguments
---@field env? table<string, string|false> variables to set, or with false to unset
---@field stdin? string what it reads; default: nothing
---@field cwd? string
---@field limit? number seconds after which it is killed; default 60

---@class support.Result
---@field ok boolean exit code 0
---@field code? integer exit code
---@field signal? integer the signal that ended it
---@field timed_out boolean
---@field stdout string
---@field stderr string
---@field seconds number how long it ran

---@class support.Process
---@field pid integer
---@field package handle file*? nil once it has ended
---@field package files table<string, string>
---@field package began string? nil: it had ended before that was known
---@field package started number
---@field package limit number
---@field package words string
---@field package result support.Result?
local Process = {}
Process.__index = Process
Process.__name = "support.Process"

---@type table<support.Process, true>
local running = {}

---@param word string
---@return string
local function quote(word)
  return "'" .. tostring(word):gsub("'", "'\\''") .. "'"
end

---@param path string
---@return string
local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

---@param path string
---@param content string
local function write(path, content)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(content))
end

-- In /proc/PID/stat: the state, and when the process began.
local STATE <const> = "^.*%) (%a)" .. (" %S+"):rep(18) .. " (%d+)"

---@param pid integer
---@return string? state nil: there is no such process
---@return string? began in ticks of the system's clock
local function state_of(pid)
  local file = io.open(("/proc/%d/stat"):format(pid))
  if not file then
    return nil
  end
  local line = file:read("a") -- nil when it was collected since the file was opened
  file:close()
  return (line or ""):match(STATE)
end

---@param command support.Command
---@return string
local function env_words(command)
  local words = { "env", "--default-signal" }
  if command.cwd then
    table.insert(words, "--chdir=" .. quote(command.cwd))
  end
  for name, value in pairs(command.env or {}) do
    if value == false then
      table.insert(words, 2, "-u " .. quote(name))
    else
      table.insert(words, quote(name .. "=" .. value))
    end
  end
  return table.concat(words, " ")
end

---@param command support.Command
---@return string
local function quoted(command)
  local words = {}
  for i, word in ipairs(command) do
    words[i] = quote(word)
  end
  return table.concat(words, " ")
end

---@return table<string, string>
local function temporary_files()
  local base = os.tmpname()
  return { base = base, stdin = base .. ".in", stdout = base .. ".out", stderr = base .. ".err" }
end

---Starts a command.
---@param command support.Command
---@return support.Process
function M.start(command)
  local files = temporary_files()
  local limit = command.limit or DEFAULT_LIMIT
  write(files.stdin, command.stdin or "")
  local self = setmetatable({ files = files, limit = limit, words = quoted(command) }, Process)
  self.started = system.monotime()
  self.handle = assert(io.popen(LINE:format(limit, env_words(command), self.words, files.stdin,
    files.stdout, files.stderr)))
  running[self] = true
  self.pid = self.handle:read("n")
  if not self.pid then
    local result = self:wait()
    error(("could not start %s: %s"):format(self.words, result.stderr), 2)
  end
  self.began = select(2, state_of(self.pid))
  return self
end

---Runs a command to its end.
---@param command support.Command
---@return support.Result
function M.run(command)
  return M.start(command):wait()
end

---What it has printed so far.
---@return string
function Process:stdout()
  return self.result and self.result.stdout or read(self.files.stdout)
end

---What it has printed to standard error so far.
---@return string
function Process:stderr()
  return self.result and self.result.stderr or read(self.files.stderr)
end

---How many threads it has; more than one when it has a client of Kafka.
---@return integer
function Process:threads()
  local status <close> = io.open(("/proc/%d/status"):format(self.pid))
  return status and tonumber(status:read("a"):match("Threads:%s*(%d+)")) or 0
end

---Is a process running? One that has ended and was not collected is not.
---@param pid integer
---@param began? string the one that began then, and not a later one with its number
---@return boolean
function M.is_running(pid, began)
  local state, since = state_of(pid)
  return state ~= nil and state ~= "Z" and state ~= "X" and (not began or began == since)
end

---Is it still running?
---@return boolean
function Process:is_running()
  return not self.result and self.began ~= nil and M.is_running(self.pid, self.began)
end

---Sends a signal, if it is still running.
---@param signal string "INT", "TERM", "KILL", ...
function Process:kill(signal)
  if self:is_running() then
    os.execute(("kill -s %s %d 2>&-"):format(signal, self.pid))
  end
end

---Waits until standard output contains the pattern, and returns its captures.
---@param pattern string
---@param timeout? string|number
function Process:await_stdout(pattern, timeout)
  return self:await_output("stdout", pattern, timeout)
end

---Waits until standard error contains the pattern, and returns its captures.
---@param pattern string
---@param timeout? string|number
function Process:await_stderr(pattern, timeout)
  return self:await_output("stderr", pattern, timeout)
end

---@package
---@param stream "stdout"|"stderr"
---@param pattern string
---@param timeout? string|number
function Process:await_output(stream, pattern, timeout)
  local what = ("'%s' on the %s of %s"):format(pattern, stream, self.words)
  return await(function()
    local ended = not self:is_running()
    local text = self[stream](self)
    if text:find(pattern) then
      return text:match(pattern)
    elseif ended then
      error(("%s ended without %s. It printed:\n%s%s"):format(self.words, what,
        self:stdout(), self:stderr()), 0)
    end
  end, timeout, what)
end

---@package
---@param kind "exit"|"signal"
---@param number integer
---@return support.Result
function Process:finish(kind, number)
  local elapsed = system.monotime() - self.started
  local result = {
    ok = kind == "exit" and number == 0,
    code = kind == "exit" and number or nil,
    signal = kind == "signal" and number or nil,
    timed_out = elapsed >= self.limit,
    stdout = read(self.files.stdout),
    stderr = read(self.files.stderr),
    seconds = elapsed,
  }
  for _, path in pairs(self.files) do
    os.remove(path)
  end
  return result
end

---Waits for its end.
---@return support.Result
function Process:wait()
  if not self.result then
    local _, kind, number = self.handle:close()
    self.result = self:finish(kind, number)
    self.handle = nil
    running[self] = nil
  end
  return self.result
end

---Kills it unless it has ended.
function Process:close()
  self:kill("KILL")
  self:wait()
end

Process.__close = Process.close

---Kills what is still running and says what that was.
---@return string? words
function M.end_all()
  local words = {}
  for child in pairs(running) do
    words[#words + 1] = ("the process %d, %s"):format(child.pid, child.words)
  end
  while next(running) do
    next(running):close()
  end
  return words[1] and table.concat(words, "; ")
end

return M
