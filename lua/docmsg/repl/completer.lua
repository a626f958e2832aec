-- SPDX-License-Identifier: MIT
-- What TAB offers at the prompt: Lua names, fields and methods; names of the cluster inside a string;
-- verbs after a dot. It looks at values and at a cache, and never asks the network.
local M = {}

local KEYWORDS <const> = { "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if",
  "in", "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while" }

-- The names that the fields of a value have. Code of the value's is not run, but __index tables are.
local function fields_of(value)
  local names, seen = {}, 0
  while value ~= nil and seen < 10 do
    if type(value) == "table" then
      for name in next, value do
        if type(name) == "string" then names[#names + 1] = name end
      end
    end
    local meta = debug.getmetatable(value)
    local index = type(meta) == "table" and rawget(meta, "__index")
    value, seen = type(index) == "table" and index or nil, seen + 1
  end
  return names
end

-- The text of a string that is not closed yet.
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
  return mark and line:sub(start)
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

-- The word that is typed, and what it may become.
local function candidates(line, globals, cache)
  local verb = line:match "^%s*%.(%a*)$"
  if verb then return verb, cache.verbs end
  local argument = line:match "^%s*%.%a+%s.-(%S*)$"
  if argument then return argument, cache.names end
  local text = open_string(line)
  if text then return text, cache.names end
  local path, word = line:match "([%a_][%w_%.]*)[%.:]([%w_]*)$"
  if path then return word, fields_of(value_of(path, globals)) end
  word = line:match "([%a_][%w_]*)$"
  if not word then return "", {} end
  local names = fields_of(globals)
  return word, table.move(KEYWORDS, 1, #KEYWORDS, #names + 1, names)
end

local function common_prefix(words)
  local prefix = words[1]
  for i = 2, #words do
    while words[i]:sub(1, #prefix) ~= prefix do prefix = prefix:sub(1, -2) end
  end
  return prefix
end

---Completes a line.
---@param line string up to the cursor
---@param globals table
---@param cache {names: string[], verbs: string[]} names of topics, groups and events; verbs
---@return string? insertion
---@return string? list what there is, when nothing is sure
function M.complete(line, globals, cache)
  local word, all = candidates(line, globals, cache)
  local found, seen = {}, {}
  for _, name in ipairs(all) do
    if name:sub(1, #word) == word and not seen[name] then found[#found + 1] = name end
    seen[name] = true
  end
  if #found == 0 then return nil end
  table.sort(found)
  local insertion = common_prefix(found):sub(#word + 1)
  if insertion ~= "" then return insertion end
  return nil, #found > 1 and table.concat(found, "  ") or nil
end

return M
