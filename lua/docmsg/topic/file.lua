-- SPDX-License-Identifier: MIT
-- Runs a topic file: text only, in an environment of its own, for a bounded number of
-- instructions. What comes out is still as the user wrote it; docmsg.topic.table makes sense of it.
local environment = require "docmsg.topic.environment"
local file = require "docmsg.file"
local source = require "docmsg.topic.source"
local sethook = require("docmsg.sandbox").sethook

local M = {}

-- Not methods of strings: they are away while a topic file runs.
local format = string.format

local MAX_BYTES <const> = 1 << 20
local MAX_INSTRUCTIONS <const> = 10000000

---@class docmsg.topic.Declared
---@field name string
---@field attributes table
---@field line? integer

---@class docmsg.topic.Raw
---@field path string
---@field topics docmsg.topic.Declared[] in the order of the file
---@field defaults table
---@field lines table<string, integer> lines of keys, see docmsg.topic.source
---@field errors {line?: integer, text: string}[] what was written twice

-- The line of the file that called the running function.
local function calling_line()
  return debug.getinfo(3, "l").currentline
end

-- topic "x" {…} and topic("x", {…}), kept in the order of the calls.
local function collector(raw)
  local seen = {}
  local function add(name, attributes, line)
    if type(attributes) ~= "table" then error(format('write topic "%s" { … }', name), 3) end
    raw.open[name] = nil
    if seen[name] then
      raw.errors[#raw.errors + 1] =
        { line = line, text = format("duplicate topic %q, first on line %d", name, seen[name]) }
      return
    end
    seen[name] = line
    raw.topics[#raw.topics + 1] = { name = name, attributes = attributes, line = line }
  end
  return function(name, attributes)
    if type(name) ~= "string" then error('topic takes a name: topic "orders" { … }', 2) end
    local line = calling_line()
    if attributes ~= nil then
      add(name, attributes, line)
      return
    end
    raw.open[name] = line
    return function(table_of_attributes) add(name, table_of_attributes, line) end
  end
end

local function take_defaults(raw)
  return function(attributes)
    if type(attributes) ~= "table" then error("write defaults { … }", 2) end
    if raw.defaults then error("defaults are declared twice", 2) end
    raw.defaults = attributes
  end
end

-- Runs the chunk in a coroutine: its hook is its own, and the program's, which answers Ctrl-C,
-- stays. Strings lose their methods meanwhile, as one call of them can run for ever.
local function run(chunk)
  local thread = coroutine.create(chunk)
  sethook(thread, function()
    error(format("stopped after %d instructions: is there an endless loop?", MAX_INSTRUCTIONS), 2)
  end, "", MAX_INSTRUCTIONS)
  local strings = getmetatable("")
  local methods = strings.__index
  strings.__index = nil
  local ok, result = coroutine.resume(thread)
  strings.__index = methods
  if not ok then return nil, tostring(result) end
  if coroutine.status(thread) ~= "dead" then return nil, "a topic file cannot yield" end
  return true, nil, result
end

-- Adds the topics of a returned table in the order in which they are written; those whose names
-- were computed come last, by name.
local function add_returned(raw, returned, order)
  local names, called = {}, {}
  for _, topic in ipairs(raw.topics) do called[topic.name] = topic.line end
  for name, attributes in pairs(returned) do
    if name == "defaults" then
      if raw.defaults then return nil, "defaults are declared twice" end
      raw.defaults = attributes
    elseif type(name) ~= "string" or type(attributes) ~= "table" then
      return nil, ('expected ["topic-name"] = { … }, found %s = %s')
        :format(tostring(name), type(attributes))
    elseif called[name] then
      raw.errors[#raw.errors + 1] = { line = raw.lines[name],
        text = ("duplicate topic %q, first on line %d"):format(name, called[name]) }
    else
      names[#names + 1] = name
    end
  end
  table.sort(names, function(a, b)
    local left, right = order[a] or math.maxinteger, order[b] or math.maxinteger
    if left ~= right then return left < right end
    return a < b
  end)
  for _, name in ipairs(names) do
    raw.topics[#raw.topics + 1] =
      { name = name, attributes = returned[name], line = raw.lines[name] }
  end
  return true
end

local function add_duplicates(raw, scanned)
  for _, duplicate in ipairs(scanned.duplicates) do
    local keys = { source.split(duplicate.path) }
    local what = #keys == 1 and ("topic %q"):format(keys[1])
      or ("attribute %q of %s"):format(keys[#keys], keys[1])
    raw.errors[#raw.errors + 1] = { line = duplicate.line,
      text = ("duplicate %s, first on line %d"):format(what, duplicate.first) }
  end
end

---Takes a table such as a topic file returns.
---@param path string its name in messages
---@param returned table
---@return docmsg.topic.Raw? raw
---@return string? reason
function M.wrap(path, returned)
  local raw = { path = path, topics = {}, errors = {}, lines = {} }
  local added, wrong = add_returned(raw, returned, {})
  if not added then return nil, path .. ": " .. wrong end
  raw.defaults = raw.defaults or {}
  return raw
end

---Runs the text of a topic file.
---@param path string its name in messages
---@param text string
---@param getenv fun(name: string): string?
---@return docmsg.topic.Raw? raw
---@return string? reason "file:line: what is wrong", one a line
function M.run(path, text, getenv)
  local raw = { path = path, topics = {}, open = {}, errors = {} }
  local env = environment.new {
    getenv = getenv, topic = collector(raw), defaults = take_defaults(raw),
  }
  local chunk, reason = load(text, "@" .. path, "t", env)
  if not chunk then return nil, reason end
  local scanned = source.scan(text)
  raw.lines = scanned.lines
  add_duplicates(raw, scanned)
  local ran, failure, returned = run(chunk)
  if not ran then return nil, failure end
  local name, line = next(raw.open)
  if name then return nil, ('%s:%d: write topic "%s" { … }'):format(path, line, name) end
  if returned ~= nil and type(returned) ~= "table" then
    return nil, ("%s: returns a %s, not a table of topics"):format(path, type(returned))
  end
  local added, wrong = add_returned(raw, returned or {}, scanned.order)
  if not added then return nil, path .. ": " .. wrong end
  raw.defaults = raw.defaults or {}
  return raw
end

---Reads and runs a topic file.
---@param path string
---@param getenv fun(name: string): string?
---@return docmsg.topic.Raw? raw
---@return string? reason
function M.read(path, getenv)
  local text, reason = file.read(path, MAX_BYTES)
  if not text then return nil, reason end
  return M.run(path, text, getenv)
end

return M
