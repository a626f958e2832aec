-- SPDX-License-Identifier: MIT
-- Compiles a schema to a program of docmsg.schema.core, which does the work in C:
--
--   check(value [, parsed])  -> value | nil, reason    checks in place, makes integers, sets defaults
--   encode(value)            -> text | nil, reason     checks, and writes JSON
--   decode(text)             -> value | nil            reads JSON and checks it; nil: find out apart
--
-- 'parsed' is true for a value that json.parse gave: reason is json.DOUBTFUL when its text must be
-- read again. What is rare is done here and in docmsg.schema.value, called from C.
--
-- A program is a list of nodes, children before parents, the root last; one that is used twice is
-- there once. A node has the fields
--
--   kind, what, check   of the schema
--   min, max            its limits
--   no_control          of a string: control characters are refused
--   extra               of a string its pattern, of an enum word -> JSON, of a record the set of names
--   items               numbers of the nodes in it; of a record: fields
--   default, call       the value when it is absent, or with 'call' the function that makes it
--   observed            of a record: a function looks at the whole of it
local core = require "docmsg.schema.core"
local json = require "docmsg.json"
local value = require "docmsg.schema.value"

local M = {}

-- What C calls or pushes, in the order of dm_helper in csrc/schema/program.h.
local HELPERS <const> = {
  value.counted,
  json.DOUBTFUL,
  json.encode,
  value.expected,
  string.find,
  function(number) return value.expected("a finite number", number) end,
  value.inexact,
  json.invalid_utf8,
  value.names,
  value.reason,
  json.settle,
  value.settle_others,
  value.shallow,
  value.step,
  value.write_others,
  json.write_string,
}

local add

-- == Records ==

---@class docmsg.schema.Field
---@field name string
---@field schema docmsg.schema.Schema without what makes it optional
---@field optional boolean
---@field default? any
---@field call? boolean the default is a function
---@field computed? boolean the default looks at the record

local function unwrap(name, schema)
  local field = { name = name, schema = schema, optional = false }
  while schema.inner do
    if schema.kind.name == "optional" then
      field.optional = true
    elseif field.default == nil then
      field.default, field.call, field.computed = schema.default, schema.call, schema.computed
    end
    schema = schema.inner
  end
  field.schema = schema
  return field
end

local function rank(field)
  if field.computed then return 4 end
  if field.default ~= nil then return 2 end
  return field.optional and 3 or 1
end

-- Those that are always there come first; defaults that look at the record come last.
local function fields_of(schema)
  local fields = {}
  for name, inner in next, schema.fields do fields[#fields + 1] = unwrap(name, inner) end
  table.sort(fields, function(a, b)
    if rank(a) ~= rank(b) then return rank(a) < rank(b) end
    return a.name < b.name
  end)
  return fields
end

local function add_fields(program, node, schema)
  node.fields, node.extra, node.observed = fields_of(schema), {}, schema.check_function ~= nil
  for _, field in ipairs(node.fields) do
    field.label = ("%s:"):format("," .. json.encode(field.name))
    field.node = add(program, field.schema)
    node.extra[field.name] = true
    node.observed = node.observed or field.computed
  end
end

-- == Nodes ==

local function add_parts(program, node, schema)
  if schema.fields then return add_fields(program, node, schema) end
  node.items = {}
  for i, item in ipairs(schema.items or { schema.item or schema.inner }) do
    node.items[i] = add(program, item)
  end
end

---Adds a schema's node, unless it is there.
---@param program {nodes: table[], numbers: table<docmsg.schema.Schema, integer>}
---@param schema docmsg.schema.Schema
---@return integer number
function add(program, schema)
  local number = program.numbers[schema]
  if number then return number end
  local limits = schema.limits
  local node = {
    kind = schema.kind.name, what = schema.what, check = schema.check_function,
    min = limits.min, max = limits.max, no_control = limits.control == false,
    extra = schema.texts or limits.pattern, default = schema.default, call = schema.call,
  }
  add_parts(program, node, schema)
  number = #program.nodes + 1
  program.nodes[number], program.numbers[schema] = node, number
  return number
end

---The functions of a schema, see above; compiled when they are first asked for.
---@param schema docmsg.schema.Schema
---@return {check: function, encode: function, decode: function}
function M.compile(schema)
  local compiled = schema.compiled
  if not compiled then
    local program = { nodes = {}, numbers = {} }
    add(program, schema)
    compiled = {}
    compiled.check, compiled.encode, compiled.decode =
      core.compile(program.nodes, HELPERS, table.unpack(json.parts))
    schema.compiled = compiled
  end
  return compiled
end

return M
