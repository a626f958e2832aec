-- SPDX-License-Identifier: MIT
-- Reads the LuaCATS annotations of a Lua file: its classes with their fields, its aliases, its
-- functions with parameters and results. Knows the tags this project uses, no more.
local M = {}

---@class annotations.Place
---@field path string
---@field line integer

---@class annotations.Value a parameter, a result or a field
---@field name string? results may have none
---@field optional boolean
---@field type string
---@field description string
---@field hidden? boolean a field that is private or of the package

---@class annotations.Class : annotations.Place
---@field name string
---@field parents string[]
---@field description string
---@field fields annotations.Value[]

---@class annotations.Function : annotations.Place
---@field owner string the variable before the separator
---@field separator "."|":"
---@field name string
---@field arguments string[]
---@field params annotations.Value[]
---@field returns annotations.Value[]
---@field description string
---@field documented boolean is there an annotation at all
---@field hidden boolean private or of the package
---@field class? annotations.Class whose method it is

---@class annotations.File
---@field path string
---@field header string[] the lines of its first comment, without the licence
---@field classes annotations.Class[]
---@field aliases {name: string, type: string, description: string}[]
---@field functions annotations.Function[] without local ones
---@field types table<string, annotations.Place> where each name such as docmsg.Error is used

---@param text string
---@return string
local function trim(text)
  return (text:match("^%s*(.-)%s*$"))
end

local OPENING <const> = { ["("] = true, ["["] = true, ["{"] = true, ["<"] = true }
local CLOSING <const> = { [")"] = true, ["]"] = true, ["}"] = true, [">"] = true }

-- The index after what goes on at a blank: "fun(): T" and "A, B" do.
local function after_joint(text, index)
  if text:sub(index - 1, index - 1):find("[:,|]") then
    return (text:find("%S", index))
  end
end

---Splits a type from what follows it.
---@param text string
---@return string type
---@return string rest
local function take_type(text)
  local depth, index = 0, 1
  while index <= #text do
    local char = text:sub(index, index)
    if OPENING[char] then
      depth = depth + 1
    elseif CLOSING[char] then
      depth = depth - 1
    elseif char == '"' then
      index = text:find('"', index + 1, true) or #text
    elseif char == " " and depth == 0 then
      local joint = after_joint(text, index)
      if not joint then break end
      index = joint - 1
    end
    index = index + 1
  end
  return text:sub(1, index - 1), trim(text:sub(index))
end

-- Words that say who may use a field.
local SCOPES <const> = { private = true, package = true, protected = true, public = false }

local tags = {}

function tags.class(block, text)
  local head, rest = text:match("^([%w_.]+%s*:%s*[%w_.,%s]-)%s%s+(.*)$")
  local name, parents
  if not head then
    name, rest = text:match("^([%w_.]+)%s*(.*)$")
    local parent, more = rest:match("^:%s*([%w_.]+)%s*(.*)$")
    parents, rest = { parent }, parent and more or rest
  end
  block.class = { name = name, parents = parents, description = rest, fields = {},
                  path = block.path, line = block.line }
end

function tags.field(block, text)
  local word, rest = text:match("^(%a+)%s+([%w_%[].*)$")
  local hidden = SCOPES[word]
  if hidden ~= nil then text = rest end
  local name, optional, tail = text:match("^(%[.-%])(%??)%s+(.*)$")
  if not name then name, optional, tail = text:match("^([%w_]+)(%??)%s+(.*)$") end
  if not name then return end
  local kind, description = take_type(tail)
  table.insert(block.class.fields, {
    name = name, optional = optional == "?", type = kind, description = description, hidden = hidden,
  })
end

function tags.alias(block, text)
  local name, rest = text:match("^([%w_.]+)%s*(.*)$")
  local kind, description = take_type(rest)
  block.alias = { name = name, type = kind, description = description }
end

function tags.param(block, text)
  local name, optional, rest = text:match("^([%w_.]+)(%??)%s*(.*)$")
  local kind, description = take_type(rest)
  table.insert(block.params,
    { name = name, optional = optional == "?", type = kind, description = description })
end

tags["return"] = function(block, text)
  local kind, rest = take_type(text)
  local name, description = rest:match("^([%a_][%w_]*)%s*(.*)$")
  table.insert(block.returns,
    { name = name, optional = false, type = kind, description = description or rest })
end

function tags.private(block) block.hidden = true end
tags.package, tags.protected = tags.private, tags.private

local function new_block(path, line)
  return { path = path, line = line, text = {}, params = {}, returns = {} }
end

---@param block table
---@param text string a line without its "---"
---@param types table<string, annotations.Place>
local function add_line(block, text, types)
  local tag, rest = text:match("^%s*@(%a+)%s*(.*)$")
  if not tag then
    table.insert(block.text, trim(text))
    return
  end
  for name in rest:gmatch("docmsg%.[%w_.]*%w") do
    types[name] = types[name] or { path = block.path, line = block.line }
  end
  if tags[tag] then tags[tag](block, rest) end
end

---@param text string "a, b, ..."
---@return string[]
local function split_arguments(text)
  local names = {}
  for name in text:gmatch("[^,%s]+") do names[#names + 1] = name end
  return names
end

-- The shapes of a function's first line; the parameters may go on in the next one.
local SHAPES <const> = {
  "^function%s+([%w_]+)([.:])([%w_]+)%s*%(([^)]*)%)",
  "^([%w_]+)(%.)([%w_]+)%s*=%s*function%s*%(([^)]*)%)",
}

local function match_function(code)
  for _, shape in ipairs(SHAPES) do
    local owner, separator, name, arguments = code:match(shape)
    if owner then return owner, separator, name, split_arguments(arguments) end
  end
end

---@param file annotations.File
---@param block table? the annotations just above
---@param code string the line, with the next ones
---@param line integer
---@param owners table<string, annotations.Class>
local function add_function(file, block, code, line, owners)
  local owner, separator, name, arguments = match_function(code)
  if not owner or name:find("^__") then return end
  local documented = block ~= nil
  block = block or new_block(file.path, line)
  table.insert(file.functions, {
    owner = owner, separator = separator, name = name, arguments = arguments,
    params = block.params, returns = block.returns, description = table.concat(block.text, "\n"),
    documented = documented, hidden = block.hidden or false, class = owners[owner],
    path = file.path, line = line,
  })
end

---@param file annotations.File
---@param block table
---@param code string? the line below
---@param owners table<string, annotations.Class>
local function close_block(file, block, code, owners)
  local text = table.concat(block.text, "\n")
  if block.class then
    local class = block.class
    class.description = trim(text .. "\n" .. class.description)
    table.insert(file.classes, class)
    local variable = code and code:match("^local%s+([%w_]+)")
    if variable then owners[variable] = class end
  elseif block.alias then
    table.insert(file.aliases, block.alias)
  end
end

---@param lines string[]
---@return string[] header
local function read_header(lines)
  local header = {}
  for _, line in ipairs(lines) do
    local text = line:match("^%-%- ?(.*)$")
    if not text or line:find("^%-%-%-") then break end
    if not text:find("^SPDX") then header[#header + 1] = text end
  end
  return header
end

---Reads the annotations in a text.
---@param text string
---@param path string for messages
---@return annotations.File
function M.parse(text, path)
  local lines = {}
  for line in (text .. "\n"):gmatch("(.-)\r?\n") do lines[#lines + 1] = line end
  local file = { path = path, header = read_header(lines), classes = {}, aliases = {},
                 functions = {}, types = {} }
  local owners, block = {}, nil
  for number, line in ipairs(lines) do
    local comment = line:match("^%s*%-%-%-([^-].*)$") or line:match("^%s*%-%-%-()$")
    if comment then
      block = block or new_block(path, number)
      add_line(block, type(comment) == "string" and comment or "", file.types)
    else
      if block then close_block(file, block, line, owners) end
      local code = table.concat(lines, " ", number, math.min(number + 3, #lines))
      add_function(file, block, code, number, owners)
      block = nil
    end
  end
  return file
end

---Reads the annotations of a file.
---@param path string
---@return annotations.File
function M.read(path)
  local source <close> = assert(io.open(path, "rb"))
  return M.parse(source:read("a"), path)
end

---Adds what another file annotates, as if it stood at the end of the first.
---@param file annotations.File
---@param part annotations.File
function M.add(file, part)
  for _, kind in ipairs { "classes", "aliases", "functions" } do
    table.move(part[kind], 1, #part[kind], #file[kind] + 1, file[kind])
  end
  for name, place in pairs(part.types) do file.types[name] = file.types[name] or place end
end

---The Lua files below a folder, in order.
---@param folder string
---@return string[] paths
function M.list(folder)
  local pipe <close> = assert(io.popen(("find '%s' -name '*.lua' | LC_ALL=C sort"):format(folder)))
  local paths = {}
  for path in pipe:lines() do paths[#paths + 1] = path end
  return paths
end

return M
