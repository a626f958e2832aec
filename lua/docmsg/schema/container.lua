-- SPDX-License-Identifier: MIT
-- The kinds of values with parts: records, arrays, tuples, maps. See docmsg.schema.generator.
local json = require "docmsg.json"
local value = require "docmsg.schema.value"

local M = {}

-- Lua has room for 200 local variables in a function.
local FIELDS_AT_ONCE <const> = 50

local function define(name, kind)
  kind.name, kind.container = name, true
  M[name] = kind
end

local function expect_table(g, schema)
  g:expect_not('type(v) ~= "table"', schema.what, "v", '""')
end

-- == Records ==

---@class docmsg.schema.Field
---@field name string
---@field schema docmsg.schema.Schema without what makes it optional
---@field optional boolean
---@field default? fun(record: table): any
---@field computed? boolean the default looks at the record

local function unwrap(name, schema)
  local field = { name = name, schema = schema, optional = false }
  while schema.inner do
    if schema.kind.name == "optional" then
      field.optional = true
    elseif field.default == nil then
      field.default, field.computed = schema.default, schema.computed
    end
    schema = schema.inner
  end
  field.schema = schema
  return field
end

local function rank(field)
  if field.computed then return 4 end
  if field.default then return 2 end
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

local function known_names(fields)
  local known = {}
  for _, field in ipairs(fields) do known[field.name] = true end
  return known
end

local function check_field(g, field)
  local place = ("t[%q]"):format(field.name)
  local path = ("%q"):format(value.step(field.name))
  g:add("do local v = %s", place)
  if field.optional then g:add("if v == NULL then v = nil; %s = nil end", place) end
  if field.default then
    g:add("if v == nil then v = %s(t); %s = v end", g:constant(field.default), place)
  end
  if field.optional then g:add("if v ~= nil then") end
  g:check(field.schema, "v", path, place .. " = v")
  g:add(field.optional and "end end" or "end")
end

local function check_record(g, schema)
  local fields = fields_of(schema)
  for _, field in ipairs(fields) do check_field(g, field) end
  local known = g:constant(known_names(fields))
  g:add("for name in next, t do if not %s[name] then", known)
  g:add("local reason, path = settle_others(t, %s, settled)", known)
  g:add("if reason ~= nil then return nil, reason, path end break end end")
  g:user_check(schema, "t", '""')
  g:add("return t")
end

-- Makes the variable the text of the field.
local function encode_field(g, field, variable, comma)
  local name = ("%q"):format(field.name)
  local path = ("%q"):format(value.step(field.name))
  local label = ("%q"):format(comma .. json.encode(field.name) .. ":")
  g:add("local %s = t[%s]", variable, name)
  if field.optional then g:add("if %s == NULL then %s = nil end", variable, variable) end
  if field.default then
    g:add("if %s == nil then if not copied then t, copied = shallow(t), true end", variable)
    g:add("%s = %s(t); t[%s] = %s end", variable, g:constant(field.default), name, variable)
  end
  if field.optional then g:add("if %s ~= nil then", variable) end
  g:check(field.schema, variable, path)
  if field.optional then
    g:add('%s = %s .. %s else %s = "" end', variable, label, g:written(field.schema, variable), variable)
    return variable
  end
  return ("%s .. %s"):format(label, g:written(field.schema, variable))
end

-- The fields as one expression, in groups.
local function encode_fields(g, fields, has_first)
  for from = 1, #fields, FIELDS_AT_ONCE do
    g:add("do")
    local parts = { "text" }
    for i = from, math.min(from + FIELDS_AT_ONCE - 1, #fields) do
      local comma = (i > 1 or not has_first) and "," or ""
      parts[#parts + 1] = encode_field(g, fields[i], "v" .. i, comma)
    end
    g:add("text = %s", table.concat(parts, " .. "))
    g:add("end")
  end
end

local function encode_record(g, schema)
  local fields = fields_of(schema)
  local first = fields[1]
  local has_first = first ~= nil and not first.optional
  g:add('local text, copied = "{", false')
  encode_fields(g, fields, has_first)
  local known = g:constant(known_names(fields))
  g:add("for name in next, t do if not %s[name] then", known)
  g:add("local others, reason, path = write_others(t, %s)", known)
  g:add("if others == nil then return nil, reason, path end text = text .. others break end end")
  g:user_check(schema, "t", '""')
  g:add(has_first and 'return text .. "}"' or 'return "{" .. text:sub(3) .. "}"')
end

define("record", {
  limits = { check = "function" },
  describe = function() return "an object" end,
  generate = function(g, schema)
    expect_table(g, schema)
    g:add("local t = v")
    if g.mode == "check" then check_record(g, schema) else encode_record(g, schema) end
  end,
})

-- == Arrays and tuples ==

local function counted(limits)
  local low, high = limits.min, limits.max
  if low and high then return (" of %d to %d items"):format(low, high) end
  if low then return (" of at least %d item%s"):format(low, low == 1 and "" or "s") end
  if high then return (" of at most %d item%s"):format(high, high == 1 and "" or "s") end
  return ""
end

-- Adds the checks of a list and of its length; t is the list, n its length.
local function expect_list(g, schema, low, high)
  expect_table(g, schema)
  g:add("local t, n = v, rawlen(v)")
  g:expect_not("next(t, n > 0 and n or nil) ~= nil and not is_list(t)", schema.what, "v", '""')
  if low then g:add("if n < %d then return nil, V.counted(%q, n), \"\" end", low, schema.what) end
  if high then g:add("if n > %d then return nil, V.counted(%q, n), \"\" end", high, schema.what) end
  if g.mode == "encode" then g:add("local parts = {}") end
end

local function item(g, schema)
  g:add("local v = t[i]")
  g:check(schema, "v", "step(i)", "t[i] = v")
  if g.mode == "encode" then g:add("parts[i] = %s", g:written(schema, "v")) end
end

local function finish_list(g, schema)
  g:user_check(schema, "t", '""')
  g:add(g.mode == "encode" and 'return "[" .. concat(parts, ",") .. "]"' or "return t")
end

define("array", {
  limits = { min = "count", max = "count", check = "function" },
  describe = function(schema) return "an array" .. counted(schema.limits) end,
  generate = function(g, schema)
    expect_list(g, schema, schema.limits.min, schema.limits.max)
    g:add("for i = 1, n do")
    item(g, schema.item)
    g:add("end")
    finish_list(g, schema)
  end,
})

define("tuple", {
  describe = function(schema) return ("an array of %d items"):format(#schema.items) end,
  generate = function(g, schema)
    expect_list(g, schema, #schema.items, #schema.items)
    for i, inner in ipairs(schema.items) do
      g:add("do local i = %d", i)
      item(g, inner)
      g:add("end")
    end
    finish_list(g, schema)
  end,
})

-- == Maps ==

local function encode_map(g, schema)
  g:add("local parts, names = {}, {}")
  g:add("for name in next, t do")
  g:expect_not('type(name) ~= "string"', "a string as name", "name", '""')
  g:add("names[#names + 1] = name end table.sort(names)")
  g:add("for i, name in ipairs(names) do local v = t[name]")
  g:check(schema.item, "v", "step(name)")
  g:add('parts[i] = write_string(name) .. ":" .. %s', g:written(schema.item, "v"))
  g:add("end")
  g:user_check(schema, "t", '""')
  g:add('return "{" .. concat(parts, ",") .. "}"')
end

define("map", {
  limits = { check = "function" },
  describe = function() return "an object" end,
  generate = function(g, schema)
    expect_table(g, schema)
    g:add("local t = v")
    if g.mode == "encode" then return encode_map(g, schema) end
    g:add("for name, v in next, t do")
    g:expect_not('type(name) ~= "string"', schema.what, "t", '""')
    g:check(schema.item, "v", "step(name)", "t[name] = v")
    g:add("end")
    g:user_check(schema, "t", '""')
    g:add("return t")
  end,
})

return M
