-- SPDX-License-Identifier: MIT
-- Writes annotations as a Markdown page.
local M = {}

---@class reference.Module
---@field name string "docmsg.kafka"
---@field file annotations.File

local INTRODUCTION <const> = [[
# Reference

Made by `tools/reference.lua` from the annotations in `lua/docmsg/`: change those, not this page.
A `?` behind a type or a name means that it may be nil.
]]

---@param text string
---@return string one line
local function one_line(text)
  return (text:gsub("%s*\n%s*", " "))
end

-- A parameter, field or result as a list item.
local function item(value, role)
  local words = { "-" }
  if role then words[#words + 1] = role end
  if value.name then
    words[#words + 1] = ("`%s%s`"):format(value.name, value.optional and "?" or "")
  end
  words[#words + 1] = ("`%s`"):format(value.type)
  local line = table.concat(words, " ")
  return value.description ~= "" and line .. " — " .. one_line(value.description) or line
end

local function add(out, ...)
  for _, line in ipairs { ... } do out[#out + 1] = line end
end

-- Comment lines as paragraphs and code: what is indented by two or more is code.
local function add_comment(out, lines)
  local code = false
  for _, line in ipairs(lines) do
    local is_code = line:find("^  +%S") ~= nil or (code and line == "")
    if is_code and not code then add(out, "", "```") end
    if code and not is_code then add(out, "```") end
    add(out, is_code and line:gsub("^  ", "") or line)
    code = is_code
  end
  if code then add(out, "```") end
  add(out, "")
end

---@param fn annotations.Function
---@param owner string
---@param level "###"|"####"
local function add_function(out, fn, owner, level)
  add(out, ("%s `%s%s%s(%s)`"):format(level, owner, fn.separator, fn.name,
    table.concat(fn.arguments, ", ")), "")
  if fn.description ~= "" then add(out, fn.description, "") end
  for _, param in ipairs(fn.params) do add(out, item(param)) end
  for _, result in ipairs(fn.returns) do add(out, item(result, "returns")) end
  if #fn.params + #fn.returns > 0 then add(out, "") end
end

local function heading_of(class)
  local parents = {}
  for i, parent in ipairs(class.parents or {}) do parents[i] = ("`%s`"):format(parent) end
  local tail = #parents > 0 and (" (also what %s has)"):format(table.concat(parents, ", ")) or ""
  return ("### %s%s"):format(class.name, tail)
end

---@param class annotations.Class
---@param methods annotations.Function[]
local function add_class(out, class, methods)
  local fields = {}
  for _, field in ipairs(class.fields) do
    if not field.hidden then fields[#fields + 1] = item(field) end
  end
  if #fields + #methods == 0 and class.description == "" then return end
  add(out, heading_of(class), "")
  if class.description ~= "" then add(out, class.description, "") end
  add(out, table.unpack(fields))
  if #fields > 0 then add(out, "") end
  local variable = class.name:match("[%w_]+$"):gsub("^%u", string.lower)
  for _, method in ipairs(methods) do
    add_function(out, method, method.separator == ":" and variable or class.name, "####")
  end
end

---@param file annotations.File
---@param class annotations.Class?
---@return annotations.Function[]
local function functions_of(file, class)
  local found = {}
  for _, fn in ipairs(file.functions) do
    if fn.class == class and not fn.hidden and (class or fn.owner == "M") then
      found[#found + 1] = fn
    end
  end
  return found
end

-- Of a file that only holds annotations, the comment begins with what concerns its readers.
local function introduction_of(file)
  for i, line in ipairs(file.header) do
    if line == "" and file.path:find("/meta/") then return table.move(file.header, i + 1, #file.header, 1, {}) end
  end
  return file.header
end

---@param module reference.Module
local function add_module(out, module)
  local file, own = module.file, nil
  add(out, ("## %s"):format(module.name), "")
  add_comment(out, introduction_of(file))
  for _, class in ipairs(file.classes) do
    if class.name == module.name then own = class end
  end
  local short = module.name:match("[%w_]+$")
  for _, fn in ipairs(functions_of(file, own)) do add_function(out, fn, short, "###") end
  for _, alias in ipairs(file.aliases) do
    add(out, ("### %s"):format(alias.name), "", item(alias):gsub("`[^`]*` ", "", 1), "")
  end
  for _, class in ipairs(file.classes) do
    if class ~= own then add_class(out, class, functions_of(file, class)) end
  end
end

---@param modules reference.Module[]
---@return string page
function M.page(modules)
  local out = { INTRODUCTION }
  for _, module in ipairs(modules) do
    add(out, ("- [%s](#%s)"):format(module.name, module.name:gsub("%.", "")))
  end
  add(out, "")
  for _, module in ipairs(modules) do add_module(out, module) end
  return (table.concat(out, "\n"):gsub("\n\n\n+", "\n\n"):gsub("%s*$", "\n"))
end

return M
