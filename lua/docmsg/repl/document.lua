-- SPDX-License-Identifier: MIT
-- `?name` and `??name` at the prompt: what stands above a function's definition, and the definition.
-- What is written in C is documented in lua/docmsg/meta, by class.
local exit = require "docmsg.exit"
local host = require "docmsg.host"

local M = {}

-- == Files ==

local function lines_of(path)
  local lines = {}
  local file <close> = io.open(path, "rb")
  for line in file and file:lines() or function() end do lines[#lines + 1] = line end
  return lines
end

-- Where the comment that ends before a line begins; the line itself when there is none.
local function comment_start(lines, at)
  while at > 1 and lines[at - 1]:find "^%s*%-%-" do at = at - 1 end
  return at
end

local KINDS <const> = { param = "  %s", field = "  %s", ["return"] = "  → %s" }

-- An annotation for people; nil for those that are for tools alone.
local function annotation(kind, text)
  if not KINDS[kind] then return nil end
  return (KINDS[kind]:format(text))
end

-- The comment between two lines, without its dashes.
local function comment_of(lines, first, last)
  local texts = {}
  for i = first, last do
    local text = lines[i]:gsub("^%s*%-%-%-?%s?", "")
    local kind, rest = text:match "^@(%l+)%s*(.*)$"
    if kind then text = annotation(kind, rest) end
    if text and not text:find "^SPDX" then texts[#texts + 1] = text end
  end
  return texts
end

-- The comment that a file begins with.
local function header_of(path)
  local lines, last = lines_of(path), 0
  while lines[last + 1] and lines[last + 1]:find "^%-%-" do last = last + 1 end
  return comment_of(lines, 1, last)
end

-- == What is written in C ==

---A class of lua/docmsg/meta.
---@class docmsg.repl.MetaClass
---@field parent? string
---@field about string[]
---@field methods table<string, string[]> signature and comment by name
---@field names string[] in the order of the file

---@type table<string, docmsg.repl.MetaClass>?
local classes

-- The class or the module that a comment declares, and the class that it extends.
local function declared_by(lines, first, last)
  for i = first, last do
    local name, parent = lines[i]:match "^%-%-%-@class ([%w_.]+)%s*:?%s*([%w_.]*)"
    name = name or lines[i]:match "^%-%-%-@meta ([%w_.]+)"
    if name then return name, parent ~= "" and parent or nil end
  end
end

local function add_class(names, lines, i, variable)
  local first = comment_start(lines, i)
  local name, parent = declared_by(lines, first, i - 1)
  if not name then return end
  local class = { parent = parent, about = comment_of(lines, first, i - 1), methods = {}, names = {} }
  classes[name], names[variable] = class, class
end

local function add_method(names, lines, i, variable, name)
  local class = names[variable]
  if not class then return end
  local signature = lines[i]:gsub("^function ", ""):gsub(" end$", "")
  class.methods[name] = table.move(comment_of(lines, comment_start(lines, i), i - 1), 1, i, 2, { signature })
  class.names[#class.names + 1] = name
end

local function read_meta(path)
  local lines, names = lines_of(path), {}
  for i, line in ipairs(lines) do
    local variable = line:match "^local (%w+) = {}"
    local owner, name = line:match "^function (%w+)[.:]([%w_]+)%("
    if variable then add_class(names, lines, i, variable) end
    if owner then add_method(names, lines, i, owner, name) end
  end
end

-- The files below lua/docmsg/meta.
local CONTRACTS <const> = {
  "engine", "host", "http", "kafka", "kafka/admin", "kafka/consumer", "kafka/embedded", "kafka/printer",
  "kafka/producer", "runtime", "sqlite",
}

local function class_of(name)
  if not classes then
    classes = {}
    for _, part in ipairs(CONTRACTS) do
      read_meta(("%s/lua/docmsg/meta/%s.lua"):format(host.share, part))
    end
  end
  return classes[name]
end

local function method_of(class_name, name)
  local class = class_of(class_name)
  while class do
    if class.methods[name] then return class.methods[name] end
    class = class.parent and class_of(class.parent)
  end
end

-- == What a name stands for ==

-- The module that a table is, or the class of an object.
local function kind_of(value)
  local meta = debug.getmetatable(value)
  if type(value) ~= "string" and type(meta) == "table" and type(rawget(meta, "__name")) == "string" then
    return rawget(meta, "__name"), rawget(meta, "module")
  end
  local found
  for name, module in next, package.loaded do
    if rawequal(module, value) and name ~= "_G" and (not found or class_of(name)) then found = name end
  end
  return found, found
end

-- A function of a module that the prompt has wrapped: its place, by its name.
local function place_by_name(module, name)
  local path = package.searchpath(module, package.path)
  for i, line in ipairs(path and lines_of(path) or {}) do
    if line:find("^function %w+[.:]" .. name .. "%(") then return path, i end
  end
end

-- The last line of a definition that begins there, as this project indents.
local function end_of(lines, first)
  if lines[first]:find "%f[%w]end%s*$" then return first end
  local last = first + 1
  while lines[last] and not lines[last]:find "^end" do last = last + 1 end
  return math.min(last, #lines)
end

-- Where a function is written: path, first and last line. Nil for C.
local function place_of(value, holder, name)
  local _, module = kind_of(holder)
  if type(holder) == "table" and module and rawget(debug.getmetatable(holder) or {}, "module") then
    local path, first = place_by_name(module, name)
    if path then return path, first, end_of(lines_of(path), first) end
  end
  local info = debug.getinfo(value, "S")
  if info.source:sub(1, 1) == "@" then return info.source:sub(2), info.linedefined, info.lastlinedefined end
end

local function about_function(it)
  local path, first = place_of(it.value, it.holder, it.name)
  if path then
    local lines = lines_of(path)
    local texts = comment_of(lines, comment_start(lines, first), first - 1)
    table.insert(texts, 1, ("%s    %s:%d"):format((lines[first] or ""):gsub("^%s+", ""), path, first))
    return texts
  end
  local class = kind_of(it.holder)
  return class and method_of(class, it.name)
end

-- The file of an object's methods.
local function file_of(value)
  local meta = debug.getmetatable(value)
  for _, member in next, meta or {} do
    if type(member) == "function" then
      local info = debug.getinfo(member, "S")
      if info.source:sub(1, 1) == "@" then return info.source:sub(2) end
    end
  end
end

local function about_value(it)
  local kind, module = kind_of(it.value)
  local class = kind and class_of(kind)
  if class then
    local texts = table.move(class.about, 1, #class.about, 2, { kind })
    texts[#texts + 1] = "  " .. table.concat(class.names, "  ")
    return texts
  end
  local path = module and package.searchpath(module, package.path) or kind and file_of(it.value)
  if not path then return nil end
  local texts = header_of(path)
  table.insert(texts, 1, ("%s    %s"):format(kind, path))
  return texts
end

-- == The lines ==

local function complain(text, ...)
  io.stderr:write("docmsg-lua: ", text:format(...), "\n")
  return exit.USAGE
end

local function show_verb(words)
  local command = require "docmsg.command"
  if not command.is_verb(words[1]) then return nil end
  local found, reason = command.find(words, 1, { help = true })
  if not found then return complain("%s", reason) end
  io.stdout:write(command.help(found.words, found.verb))
  return exit.DONE
end

local function has_fields(value)
  local meta = debug.getmetatable(value)
  return type(value) == "table" or type(meta) == "table" and rawget(meta, "__index") ~= nil
end

-- What "a.b:c" stands for; or why what is there by need cannot be. Who asks wants it to be there.
local function look_up(path)
  local it = { value = _G }
  for name in path:gmatch "[%w_]+" do
    local holder = it.value
    if not has_fields(holder) then return {} end
    local there, value = pcall(function() return holder[name] end)
    if not there and type(value) ~= "string" then error(value, 0) end
    if not there then return { wrong = value } end
    it = { holder = holder, name = name, value = value }
  end
  return it
end

local function show_source(path, it)
  if type(it.value) ~= "function" then return complain("%s is no function: ?%s says what it is", path, path) end
  local file, first, last = place_of(it.value, it.holder, it.name)
  if not file then
    local typed = debug.getinfo(it.value, "S").what ~= "C"
    return complain(typed and "%s was typed: the history has it" or "%s is written in C", path)
  end
  print(("%s:%d"):format(file, first))
  print(table.concat(lines_of(file), "\n", first, last))
  return exit.DONE
end

---Is it a line for this module?
---@param line string
---@return boolean
function M.is(line)
  return line:find "^%s*%?" ~= nil
end

---Answers a line.
---@param line string
---@return integer code
function M.run(line)
  local marks, path = line:match "^%s*(%?%??)%s*(.-)%s*$"
  local words = {}
  for word in path:gsub("^%.", ""):gmatch "%S+" do words[#words + 1] = word end
  if words[1] and (path:find "^%." or #words > 1) then
    return show_verb(words) or complain("there is no verb %s", words[1])
  elseif not path:find "^[%a_][%w_.:]*$" then
    return complain("?name shows what is known about a name, ??name its source; .help lists the rest")
  end
  local it = look_up(path)
  if it.value == nil then
    return show_verb(words) or complain("%s", it.wrong or "there is no " .. path)
  end
  if marks == "??" then return show_source(path, it) end
  local texts = (type(it.value) == "function" and about_function or about_value)(it)
  if texts then print(table.concat(texts, "\n"))
  else print(("%s is a %s of which nothing is written here"):format(path, type(it.value))) end
  return exit.DONE
end

return M
