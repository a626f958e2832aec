-- SPDX-License-Identifier: MIT
-- Log lines for people, "TIME LEVEL message", on standard error. UTF-8 is left as it is; control
-- characters are escaped, so that nobody's data can forge a line.
local M = {}

local SEVERITY <const> = { debug = 1, info = 2, warn = 3, error = 4 }

---@class docmsg.Log
---@field private threshold integer
---@field private write fun(line: string)
---@field private clock fun(): integer
local Log = {}
Log.__index = Log
Log.__name = "docmsg.Log"

---@class docmsg.LogOptions
---@field level? "debug"|"info"|"warn"|"error" the least severe that is written; default "info"
---@field write? fun(line: string) takes a line with its newline; default: standard error
---@field clock? fun(): integer seconds since 1970; default `os.time`

local function to_stderr(line)
  io.stderr:write(line)
end

local function escape(char)
  return ("\\x%02X"):format(char:byte())
end

---Text with its control characters escaped, safe to print on a terminal.
---@param text string
---@return string
function M.printable(text)
  return (text:gsub("%c", escape))
end

---Makes a log.
---@param options? docmsg.LogOptions
---@return docmsg.Log
function M.new(options)
  options = options or {}
  local threshold = SEVERITY[options.level or "info"]
  if not threshold then error("level must be debug, info, warn or error", 2) end
  return setmetatable({
    threshold = threshold,
    write = options.write or to_stderr,
    clock = options.clock or os.time,
  }, Log)
end

---Writes a line, when its level is not below the log's.
---@param level "debug"|"info"|"warn"|"error"
---@param format string as for `string.format`; taken as it is when nothing follows
---@param ... any
function Log:line(level, format, ...)
  if SEVERITY[level] < self.threshold then return end
  local message = select("#", ...) > 0 and format:format(...) or format
  local time = os.date("!%Y-%m-%dT%H:%M:%SZ", self.clock())
  self.write(("%s %s %s\n"):format(time, level:upper(), M.printable(message)))
end

---@param format string
---@param ... any
function Log:debug(format, ...) self:line("debug", format, ...) end

---@param format string
---@param ... any
function Log:info(format, ...) self:line("info", format, ...) end

---@param format string
---@param ... any
function Log:warn(format, ...) self:line("warn", format, ...) end

---@param format string
---@param ... any
function Log:error(format, ...) self:line("error", format, ...) end

return M
