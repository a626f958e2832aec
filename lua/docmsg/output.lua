-- SPDX-License-Identifier: MIT
-- What a verb prints. Standard output is data in the chosen format and nothing else; what is said
-- about it goes to standard error.
--
--   output:rows({ { "name", "TOPIC" }, { "partitions", "PARTITIONS" } }, topics)
--   output:document(plan)          -- JSON, when that is the format
--   return output:fail(exit.FAILED, err)
local json = require "docmsg.json"
local printable = require("docmsg.log").printable

local M = {}

---@class docmsg.Output
---@field format "table"|"json"|"jsonl"
---@field private colour boolean
---@field private write fun(text: string)
---@field private complain fun(text: string)
---@field private read? fun(): string? nil when nobody can be asked
local Output = { __name = "docmsg.Output" }
Output.__index = Output

---@class docmsg.OutputOptions
---@field format? "table"|"json"|"jsonl" default "table"
---@field colour? boolean
---@field write? fun(text: string) default: standard output
---@field complain? fun(text: string) default: standard error
---@field read? fun(): string? reads an answer; nil when nobody can be asked

local STYLES <const> = { bold = "1", red = "31", green = "32", yellow = "33", dim = "2" }

---Shall what goes there be coloured? NO_COLOR says no, then CLICOLOR_FORCE says yes, then it must
---be a terminal that is not dumb.
---@param getenv fun(name: string): string?
---@param is_terminal boolean
---@return boolean
function M.is_colourful(getenv, is_terminal)
  local function is_set(name)
    local value = getenv(name)
    return value ~= nil and value ~= ""
  end
  if is_set "NO_COLOR" then return false end
  if is_set "CLICOLOR_FORCE" and getenv "CLICOLOR_FORCE" ~= "0" then return true end
  return is_terminal and is_set "TERM" and getenv "TERM" ~= "dumb"
end

---"1 topic", "2 topics".
---@param number integer
---@param word string in the singular
---@return string
function M.count(number, word)
  return ("%d %s%s"):format(number, word, number == 1 and "" or "s")
end

---Makes an output.
---@param options? docmsg.OutputOptions
---@return docmsg.Output
function M.new(options)
  options = options or {}
  return setmetatable({
    format = options.format or "table",
    colour = options.colour or false,
    write = options.write or function(text) io.stdout:write(text) end,
    complain = options.complain or function(text)
      io.stdout:flush()
      io.stderr:write(text)
    end,
    read = options.read,
  }, Output)
end

---Text in a style, when colours are wanted.
---@param style "bold"|"dim"|"red"|"green"|"yellow"
---@param text string
---@return string
function Output:paint(style, text)
  return self.colour and ("\27[%sm%s\27[0m"):format(STYLES[style], text) or text
end

---A line of data for people.
---@param format string as for `string.format`; taken as it is when nothing follows
---@param ... any
function Output:line(format, ...)
  self.write((select("#", ...) > 0 and format:format(...) or format) .. "\n")
end

---A line about the data, on standard error.
---@param format string as for `string.format`; taken as it is when nothing follows
---@param ... any
function Output:note(format, ...)
  self.complain((select("#", ...) > 0 and format:format(...) or format) .. "\n")
end

---Says on standard error why it ends.
---@param code integer the exit code
---@param reason any text or an error
---@return integer code
function Output:fail(code, reason)
  self:note("docmsg-lua: %s", tostring(reason))
  return code
end

---One value as JSON on a line.
---@param value any as `docmsg.json` takes it
function Output:document(value)
  self.write(assert(json.encode(value)) .. "\n")
end

-- What fits into a cell, safe on a terminal.
local function cell(value)
  if value == nil or value == json.null then return "" end
  if type(value) == "table" then return printable(table.concat(value, ",")) end
  return printable(tostring(value))
end

local function is_right(column, records)
  local first = records[1]
  return first ~= nil and type(first[column[1]]) == "number"
end

local function width_of(text)
  return utf8.len(text) or #text
end

local function pad(text, width, right)
  local padding = (" "):rep(width - width_of(text))
  return right and padding .. text or text .. padding
end

local function write_table(self, columns, records)
  local lines, widths = { {} }, {}
  for i, column in ipairs(columns) do lines[1][i] = column[2] end
  for _, record in ipairs(records) do
    local line = {}
    for i, column in ipairs(columns) do line[i] = cell(record[column[1]]) end
    lines[#lines + 1] = line
  end
  for i in ipairs(columns) do
    widths[i] = 0
    for _, line in ipairs(lines) do widths[i] = math.max(widths[i], width_of(line[i])) end
  end
  for number, line in ipairs(lines) do
    for i, column in ipairs(columns) do
      line[i] = pad(line[i], widths[i], is_right(column, records))
    end
    local text = table.concat(line, "  "):gsub(" +$", "")
    self:line("%s", number == 1 and self:paint("bold", text) or text)
  end
end

---Records as a table with a heading, as an array, or as one object a line.
---@param columns [string, string][] a record's field and its heading; only a table is limited to them
---@param records table[]
function Output:rows(columns, records)
  if self.format == "table" then return write_table(self, columns, records) end
  local items = {}
  for i, record in ipairs(records) do items[i] = assert(json.encode(record)) end
  if self.format == "jsonl" then
    for _, item in ipairs(items) do self.write(item .. "\n") end
  else
    self.write(#items == 0 and "[]\n" or "[" .. table.concat(items, ",\n") .. "]\n")
  end
end

---Asks before something that cannot be undone. Nobody is asked when standard input is no terminal.
---@param question string
---@param yes boolean? --yes was given
---@return boolean
function Output:confirm(question, yes)
  if yes then return true end
  if not self.read then
    self:note("docmsg-lua: %s Say so with --yes", question)
    return false
  end
  self.complain(question .. " [y/N] ")
  local answer = (self.read() or ""):lower()
  return answer == "y" or answer == "yes"
end

---The output of a verb, as its options and the environment want it.
---@param options {format?: string}
---@return docmsg.Output
function M.standard(options)
  local host = require "docmsg.host"
  return M.new {
    format = options.format,
    colour = M.is_colourful(os.getenv, host.isatty(1)),
    read = host.isatty(0) and function() return io.stdin:read() end or nil,
  }
end

return M
