-- SPDX-License-Identifier: MIT
-- What a topic file says about itself and Lua forgets once it has run: on which line each key
-- stands, in which order the keys were written, and which were written twice.
--
-- A lexer and a stack of what is open are enough, because Lua has compiled the text before. Keys
-- that a constructor computes ([prefix .. "x"]) are not seen.
local M = {}

---@class docmsg.topic.Source
---@field order table<string, integer> the position of each key in the file, by its path
---@field lines table<string, integer> the line of each key, by its path
---@field duplicates {path: string, line: integer, first: integer}[]

---@class docmsg.topic.Token
---@field kind "name"|"string"|"symbol"
---@field text string
---@field line integer

-- Paths of keys are joined with a byte that no topic name contains.
local SEPARATOR <const> = "\0"

local function skip_space(text, at)
  local _, last = text:find("^[%s]*", at)
  while text:find("^%-%-", last + 1) do
    local level = text:match("^%-%-%[(=*)%[", last + 1)
    if level then
      _, last = text:find("]" .. level .. "]", last + 1, true)
    else
      _, last = text:find("^[^\n]*", last + 1)
    end
    _, last = text:find("^[%s]*", last + 1)
  end
  return last + 1
end

local function read_long_string(text, at)
  local level = text:match("^%[(=*)%[", at)
  local _, last = text:find("]" .. level .. "]", at, true)
  return text:sub(at + #level + 2, last - #level - 2), last
end

-- Escapes stay as they are written: no legal name needs one.
local function read_short_string(text, at)
  local quote, last = text:sub(at, at), at
  repeat
    last = text:find("[\\" .. quote .. "]", last + 1)
    local escaped = text:sub(last, last) == "\\"
    if escaped then last = last + 1 end
  until not escaped
  return text:sub(at + 1, last - 1), last
end

-- The token at `at`: its kind, text and last byte.
local function read_token(text, at)
  local char = text:sub(at, at)
  if char == '"' or char == "'" then return "string", read_short_string(text, at) end
  if text:find("^%[=*%[", at) then return "string", read_long_string(text, at) end
  local _, last, word = text:find("^([%a_][%w_]*)", at)
  if word then return "name", word, last end
  _, last = text:find("^[=~<>]=", at)
  if not last then _, last = text:find("^%d[%w.]*", at) end
  last = last or at
  return "symbol", text:sub(at, last), last
end

local function tokenize(text)
  local tokens, line, seen, at = {}, 1, 1, skip_space(text, 1)
  while at <= #text do
    local _, breaks = text:sub(seen, at - 1):gsub("\n", "")
    line, seen = line + breaks, at
    local kind, word, last = read_token(text, at)
    tokens[#tokens + 1] = { kind = kind, text = word, line = line }
    at = skip_space(text, last + 1)
  end
  return tokens
end

local function is(token, kind, text)
  return token ~= nil and token.kind == kind and (text == nil or token.text == text)
end

-- The key that begins at tokens[i], when one does: name =, or ["name"] =.
local function key_at(tokens, i)
  if is(tokens[i], "name") and is(tokens[i + 1], "symbol", "=") then return tokens[i], i + 2 end
  if is(tokens[i], "symbol", "[") and is(tokens[i + 1], "string")
      and is(tokens[i + 2], "symbol", "]") and is(tokens[i + 3], "symbol", "=") then
    return tokens[i + 1], i + 4
  end
end

-- The path of the constructor that opens at tokens[i] and is no key's value: topic "name" {…} and
-- topic("name", {…}) are the topic's, defaults {…} is "defaults", any other is the file's own.
local function path_of_call(tokens, i)
  local before = i - 1
  if is(tokens[before], "symbol", ",") or is(tokens[before], "symbol", ")") then
    before = before - 1
  end
  if is(tokens[before], "string") then
    local callee = is(tokens[before - 1], "symbol", "(") and before - 2 or before - 1
    if is(tokens[callee], "name", "topic") then return tokens[before].text end
  end
  if is(tokens[before], "symbol", "(") then before = before - 1 end
  return is(tokens[before], "name", "defaults") and "defaults" or ""
end

local function join(path, key)
  return path == "" and key or path .. SEPARATOR .. key
end

-- A constructor may hold a function, whose commas and assignments are no keys.
local OPENS <const> = { ["function"] = true, ["do"] = true, ["if"] = true }

local function note_key(source, frame, token)
  local path = join(frame.path, token.text)
  local first = frame.keys[token.text]
  if first then
    source.duplicates[#source.duplicates + 1] = { path = path, line = token.line, first = first }
    return path
  end
  frame.keys[token.text] = token.line
  if not source.lines[path] then
    source.count = source.count + 1
    source.order[path], source.lines[path] = source.count, token.line
  end
  return path
end

local function walk(tokens, source)
  local stack, i, pending = {}, 1, nil
  while tokens[i] do
    local token, following = tokens[i], i + 1
    local word = token.kind ~= "string" and token.text
    if word == "{" then
      stack[#stack + 1] = { path = pending or path_of_call(tokens, i), keys = {} }
    elseif word == "}" or (word == "end" and token.kind == "name") or word == ")" then
      stack[#stack] = nil
    elseif word == "(" or OPENS[word] then
      stack[#stack + 1] = {}
    end
    pending = nil
    local top = stack[#stack]
    if top and top.keys and (word == "{" or word == "," or word == ";") then
      local key, value = key_at(tokens, i + 1)
      if key then pending, following = note_key(source, top, key), value end
    end
    i = following
  end
end

---Reads a topic file's text, which Lua must have compiled without error.
---@param text string
---@return docmsg.topic.Source
function M.scan(text)
  local source = { order = {}, lines = {}, duplicates = {}, count = 0 }
  walk(tokenize(text), source)
  return source
end

---A path as `order` and `lines` have it.
---@param ... string
---@return string
function M.path(...)
  return table.concat({ ... }, SEPARATOR)
end

---The parts of a path.
---@param path string
---@return string ...
function M.split(path)
  local parts = {}
  for part in path:gmatch("[^" .. SEPARATOR .. "]+") do parts[#parts + 1] = part end
  return table.unpack(parts)
end

return M
