-- SPDX-License-Identifier: MIT
-- Log lines on standard error: for people "TIME LEVEL message", for machines JSON. UTF-8 is left as
-- it is; control characters are escaped, so that nobody's data can forge a line.
local core = require "docmsg.schema.core"

local M = {}

local has_control = core.has_control

local SEVERITY <const> = { debug = 1, info = 2, warn = 3, error = 4 }

---@class docmsg.Log
---@field private threshold integer
---@field private render fun(time: string, level: string, message: string, log: docmsg.Log): string
---@field private write fun(line: string)
---@field private clock fun(): integer
---@field private prefix string
---@field private fields? table<string, any>
local Log = {}
Log.__index = Log
Log.__name = "docmsg.Log"

---@class docmsg.LogOptions
---@field level? "debug"|"info"|"warn"|"error" the least severe that is written; default "info", or as `defaults` says
---@field format? "text"|"json" default "text", or as `defaults` says
---@field write? fun(line: string) takes a line with its newline; default: standard error
---@field clock? fun(): integer seconds since 1970; default `os.time`

local function to_stderr(line)
  io.stderr:write(line)
end

-- Clears the status line that may stand where the cursor is.
local function over_status_line(line)
  io.stderr:write("\r\27[K" .. line)
end

local function escape(char)
  return ("\\x%02X"):format(char:byte())
end

---Text with its control characters escaped, safe to print on a terminal.
---@param text string
---@return string
function M.printable(text)
  return has_control(text) and text:gsub("%c", escape) or text
end

local render = {
  text = function(time, level, message, log)
    return ("%s %s %s%s\n"):format(time, level:upper(), log.prefix, M.printable(message))
  end,
  json = function(time, level, message, log)
    local json = require "docmsg.json"
    message = utf8.len(message) and message or message:gsub("[\x80-\xFF]", escape)
    local entry = { time = time, level = level, message = message }
    for name, value in pairs(log.fields or {}) do entry[name] = value end
    return json.encode(entry) .. "\n"
  end,
}

---@class docmsg.LogDefaults
---@field level string
---@field format string
---@field over_status_line boolean lines are written to a terminal that has a status line

---@type docmsg.LogDefaults
local current = { level = "info", format = "text", over_status_line = false }

---Sets what `new` takes when an option is left out: --verbose and --log-format of the program.
---@param options {level?: string, format?: string, over_status_line?: boolean}
---@return docmsg.LogDefaults defaults as they are now
function M.defaults(options)
  local over = options.over_status_line
  if over == nil then over = current.over_status_line end
  current = {
    level = options.level or current.level, format = options.format or current.format,
    over_status_line = over,
  }
  return current
end

local told_seconds, told = nil, ""

-- The time of a line; many lines come within a second.
local function time_of(seconds)
  if seconds ~= told_seconds then
    told_seconds, told = seconds, os.date("!%Y-%m-%dT%H:%M:%SZ", seconds) --[[@as string]]
  end
  return told
end

---Makes a log.
---@param options? docmsg.LogOptions
---@return docmsg.Log
function M.new(options)
  options = options or {}
  local threshold = SEVERITY[options.level or current.level]
  if not threshold then error("level must be debug, info, warn or error", 2) end
  local renderer = render[options.format or current.format]
  if not renderer then error("format must be text or json", 2) end
  return setmetatable({
    threshold = threshold,
    render = renderer,
    write = options.write or current.over_status_line and over_status_line or to_stderr,
    clock = options.clock or os.time,
    prefix = "",
  }, Log)
end

---A log whose lines say what they are about.
---@param about string before each message, for people: "orders/3/1207"
---@param fields table<string, string|number|boolean> beside each message, for machines
---@return docmsg.Log
function Log:about(about, fields)
  return setmetatable({
    threshold = self.threshold, render = self.render, write = self.write, clock = self.clock,
    prefix = self.prefix .. M.printable(about) .. ": ", fields = fields,
  }, Log)
end

---Writes a line, when its level is not below the log's.
---@param level "debug"|"info"|"warn"|"error"
---@param format string as for `string.format`; taken as it is when nothing follows
---@param ... any
function Log:line(level, format, ...)
  if SEVERITY[level] < self.threshold then return end
  local message = select("#", ...) > 0 and format:format(...) or format
  self.write(self.render(time_of(self.clock()), level, message, self))
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
