-- SPDX-License-Identifier: MIT
-- What TAB offers at the prompt: Lua names, fields and methods; inside a string names of topics, groups
-- and events, in brackets those of configuration properties, too; after a dot what the command line
-- offers. It looks at values and at a cache, and never asks the network.
local dot = require "docmsg.repl.dot"

local M = {}

-- More than fit on a screen are counted.
local LISTED <const> = 100

local KEYWORDS <const> = { "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if",
  "in", "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while" }

local function add_names(names, value)
  for name in next, type(value) == "table" and value or {} do
    if type(name) == "string" then names[#names + 1] = name end
  end
end

-- The names that the fields of a value have. No code of the value's is run; a metatable's `__names` has
-- those that come to be when they are asked for.
local function fields_of(value)
  local names, seen = {}, 0
  while value ~= nil and seen < 10 do
    add_names(names, value)
    local meta = debug.getmetatable(value)
    local index = type(meta) == "table" and rawget(meta, "__index")
    add_names(names, type(meta) == "table" and rawget(meta, "__names"))
    value, seen = type(index) == "table" and index or nil, seen + 1
  end
  return names
end

-- The text of a string that is not closed yet, and what stands before it.
local function open_string(line)
  local mark, start, at = nil, nil, 1
  while at <= #line do
    local char = line:sub(at, at)
    if mark and char == "\\" then
      at = at + 1
    elseif mark and char == mark then
      mark = nil
    elseif not mark and char:find "[\"']" then
      mark, start = char, at + 1
    end
    at = at + 1
  end
  if mark then return line:sub(start), line:sub(1, start - 2) end
end

-- The value that a table or its metatables' tables have under a name.
local function member(holder, name)
  for _ = 1, 10 do
    local found = type(holder) == "table" and rawget(holder, name) or nil
    if found ~= nil then return found end
    local meta = debug.getmetatable(holder)
    holder = type(meta) == "table" and rawget(meta, "__index") or nil
    if holder == nil then return nil end
  end
end

-- The value of "a.b.c", read without running code.
local function value_of(path, globals)
  local value = globals
  for name in path:gmatch "[%a_][%w_]*" do
    value = member(value, name)
    if value == nil then return nil end
  end
  return value
end

-- Names inside a string. A key in brackets may be that of a configuration.
local function names_of(live, before)
  local kinds, names = { "topics", "groups", "events" }, {}
  if before:find "%[%s*$" then table.move({ "properties", "topic_properties" }, 1, 2, #kinds + 1, kinds) end
  for _, kind in ipairs(kinds) do
    local list = live(kind)
    table.move(list, 1, #list, #names + 1, names)
  end
  return names
end

-- The word that is typed, and what it may become.
local function candidates(line, globals, live)
  if dot.is(line .. "x") then
    local words = dot.typed(line)
    if not words then return "", {} end
    return words[#words], #words == 1 and dot.names() or require("docmsg.completion").complete(words, live)
  end
  local text, before = open_string(line)
  if text then return text, names_of(live, before) end
  local path, word = line:match "([%a_][%w_%.]*)[%.:]([%w_]*)$"
  if path then return word, fields_of(value_of(path, globals)) end
  word = line:match "([%a_][%w_]*)$"
  if not word then return "", {} end
  local names, offered = fields_of(globals), live "globals"
  table.move(offered, 1, #offered, #names + 1, names)
  return word, table.move(KEYWORDS, 1, #KEYWORDS, #names + 1, names)
end

local function common_prefix(words)
  local prefix = words[1]
  for i = 2, #words do
    while words[i]:sub(1, #prefix) ~= prefix do prefix = prefix:sub(1, -2) end
  end
  return prefix
end

local function list_of(words)
  local text = table.concat(words, "  ", 1, math.min(#words, LISTED))
  return #words > LISTED and ("%s  … %d more"):format(text, #words - LISTED) or text
end

---Completes a line.
---@param line string up to the cursor
---@param globals table
---@param live fun(kind: docmsg.repl.Kind): string[] names that are known
---@return string? insertion
---@return string? list what there is, when nothing is sure
function M.complete(line, globals, live)
  local word, all = candidates(line, globals, live)
  local found, seen = {}, {}
  for _, name in ipairs(all) do
    if name:sub(1, #word) == word and not seen[name] then found[#found + 1] = name end
    seen[name] = true
  end
  if #found == 0 then return nil end
  table.sort(found)
  local insertion = common_prefix(found):sub(#word + 1)
  if insertion ~= "" then return insertion end
  return nil, #found > 1 and list_of(found) or nil
end

return M
