-- SPDX-License-Identifier: MIT
-- The kinds of values without parts: how each describes itself, and the code that checks and
-- writes it. See docmsg.schema.generator for what the code may use.
local M = {}

---@class docmsg.schema.Kind
---@field name string
---@field limits? table<string, string> what a limit is: name -> type
---@field container? boolean compiled to a function of its own
---@field describe fun(schema: docmsg.schema.Schema): string "an integer >= 0"
---@field generate fun(g: docmsg.schema.Generator, schema: docmsg.schema.Schema) a whole function
---@field check? docmsg.schema.Emit `store` is code that puts a changed value back
---@field to_text? docmsg.schema.Emit makes the variable JSON text
---@field write? fun(g: table, schema: docmsg.schema.Schema, variable: string): string default: the variable

---@alias docmsg.schema.Emit fun(g: table, schema: docmsg.schema.Schema, variable: string, path: string, store?: string)

-- A function of one value: whatever is no container and stands alone.
local function generate(g, schema)
  g:check(schema, "v", '""')
  g:add("return %s", g.mode == "encode" and g:written(schema, "v") or "v")
end

---@param name string
---@param kind table
---@return docmsg.schema.Kind
local function define(name, kind)
  kind.name, kind.generate = name, kind.generate or generate
  M[name] = kind
  return kind
end

-- " >= 0", " from 1 to 5", or nothing.
local function range(limits, unit)
  local low, high = limits.min, limits.max
  if low and high then return (" from %s to %s%s"):format(low, high, unit) end
  if low or high then return (" %s %s%s"):format(low and ">=" or "<=", low or high, unit) end
  return ""
end

local function check_range(g, schema, variable, path)
  local limits = schema.limits
  if limits.min then
    g:expect_not(("%s < %q"):format(variable, limits.min), schema.what, variable, path)
  end
  if limits.max then
    g:expect_not(("%s > %q"):format(variable, limits.max), schema.what, variable, path)
  end
end

-- == Strings ==

local function describe_string(schema)
  local limits = schema.limits
  local words = { "a string" }
  if limits.min or limits.max then words[2] = "of" .. range(limits, " bytes"):gsub("^ from", "") end
  if limits.control == false then words[#words + 1] = "without control characters" end
  if limits.pattern then words[#words + 1] = ("that matches %q"):format(limits.pattern) end
  return table.concat(words, " ")
end

define("string", {
  limits = { min = "count", max = "count", pattern = "pattern", control = "boolean", check = "function" },
  describe = describe_string,
  check = function(g, schema, variable, path)
    local limits = schema.limits
    local wrong = { ('type(%s) ~= "string"'):format(variable) }
    if limits.min then wrong[#wrong + 1] = ("#%s < %d"):format(variable, limits.min) end
    if limits.max then wrong[#wrong + 1] = ("#%s > %d"):format(variable, limits.max) end
    if limits.control == false and g.mode == "check" then
      wrong[#wrong + 1] = ("has_control(%s)"):format(variable)
    end
    if limits.pattern then wrong[#wrong + 1] = ("not find(%s, %q)"):format(variable, limits.pattern) end
    g:expect_not(table.concat(wrong, " or "), schema.what, variable, path)
  end,
  to_text = function(g, schema, variable, path)
    if schema.limits.control == false then
      g:add("local written = write_string(%s)", variable)
      g:expect_not(("#written ~= #%s + 2 and has_control(%s)"):format(variable, variable), schema.what,
        variable, path)
      g:add("%s = written", variable)
    else
      g:add("%s = write_string(%s)", variable, variable)
    end
  end,
})

define("datetime", {
  limits = { check = "function" },
  describe = function() return 'a datetime such as "2026-01-31T12:00:00Z"' end,
  check = function(g, schema, variable, path)
    g:expect_not(('type(%s) ~= "string" or not is_datetime(%s)'):format(variable, variable),
      schema.what, variable, path)
  end,
  write = function(_, _, variable) return ([['"' .. %s .. '"']]):format(variable) end,
})

define("enum", {
  describe = function(schema)
    local quoted = {}
    for i, word in ipairs(schema.words) do quoted[i] = ("%q"):format(word) end
    return "one of " .. table.concat(quoted, ", ")
  end,
  check = function(g, schema, variable, path)
    g:expect_not(("%s[%s] == nil"):format(g:constant(schema.texts), variable), schema.what, variable, path)
  end,
  write = function(g, schema, variable)
    return ("%s[%s]"):format(g:constant(schema.texts), variable)
  end,
})

-- == Numbers and booleans ==

define("integer", {
  limits = { min = "integer", max = "integer", check = "function" },
  describe = function(schema) return "an integer" .. range(schema.limits, "") end,
  check = function(g, schema, variable, path, store)
    g:add('if math_type(%s) ~= "integer" then', variable)
    g:add('if math_type(%s) ~= "float" then return nil, expected(%q, %s), %s end', variable, schema.what,
      variable, path)
    g:add("if %s >= 0x1p53 or %s <= -0x1p53 then", variable, variable)
    g:add("if not settled then return nil, DOUBTFUL, \"\" end")
    g:add("return nil, V.inexact(%s), %s end", variable, path)
    g:expect_not(("%s // 1 ~= %s"):format(variable, variable), schema.what, variable, path)
    g:add("%s = %s // 1 | 0; %s", variable, variable, store)
    g:add('elseif not settled and (%s == math.maxinteger or %s == math.mininteger) then', variable, variable)
    g:add('return nil, DOUBTFUL, "" end')
    check_range(g, schema, variable, path)
  end,
})

define("number", {
  limits = { min = "number", max = "number", check = "function" },
  describe = function(schema) return "a number" .. range(schema.limits, "") end,
  check = function(g, schema, variable, path, store)
    g:add('if math_type(%s) == "float" then', variable)
    g:add("if not (%s < 0x1p53 and %s > -0x1p53) then", variable, variable)
    g:add('if not settled then return nil, DOUBTFUL, "" end')
    g:expect_not(("%s - %s ~= 0"):format(variable, variable), "a finite number", variable, path)
    g:add('end elseif math_type(%s) == "integer" then', variable)
    if g.mode == "check" then
      g:add("local float = to_float(%s)", variable)
      g:add("if float == nil then return nil, V.inexact(%s), %s end", variable, path)
      g:add("%s = float; %s", variable, store)
    end
    g:add("else return nil, expected(%q, %s), %s end", schema.what, variable, path)
    check_range(g, schema, variable, path)
  end,
  to_text = function(g, _, variable)
    g:add('if math_type(%s) == "float" then %s = format("%%.17g", %s) end', variable, variable, variable)
  end,
})

define("boolean", {
  limits = { check = "function" },
  describe = function() return "true or false" end,
  check = function(g, schema, variable, path)
    g:expect_not(("%s ~= true and %s ~= false"):format(variable, variable), schema.what, variable, path)
  end,
  write = function(_, _, variable) return ('(%s and "true" or "false")'):format(variable) end,
})

-- == Values without a schema ==

-- In place; an empty table is left alone, as whoever expects an object takes it for one.
local function settle(g, variable, path, store)
  if g.mode ~= "check" then return end
  g:add("if not settled then")
  g:add("local result, reason = json_settle(%s)", variable)
  g:add("if reason ~= nil then return nil, reason, %s end", path)
  g:add("%s = result; %s end", variable, store)
end

local function to_text(g, _, variable, path)
  g:add("do local text, reason = json_encode(%s)", variable)
  g:add("if text == nil then return nil, reason, %s end", path)
  g:add("%s = text end", variable)
end

define("any", {
  limits = { check = "function" },
  describe = function() return "a value" end,
  check = function(g, schema, variable, path, store)
    g:expect_not(variable .. " == nil", schema.what, variable, path)
    settle(g, variable, path, store)
  end,
  to_text = to_text,
})

define("object", {
  limits = { check = "function" },
  describe = function() return "an object" end,
  check = function(g, schema, variable, path)
    g:expect_not(('type(%s) ~= "table" or %s[1] ~= nil'):format(variable, variable), schema.what,
      variable, path)
    g:add("if next(%s) ~= nil then", variable)
    settle(g, variable, path, "")
    g:add("end")
  end,
  to_text = function(g, schema, variable, path)
    g:add('if next(%s) == nil then %s = "{}" else', variable, variable)
    to_text(g, schema, variable, path)
    g:add("end")
  end,
})

-- == Optional values ==

-- Stands alone here, or in a container that keeps null; a record treats its own (container.lua).
define("optional", {
  describe = function(schema) return schema.inner.what .. " or null" end,
  generate = function(g, schema)
    g:add("if v == nil or v == NULL then return %s end", g.mode == "encode" and '"null"' or "nil")
    g:check(schema.inner, "v", '""')
    g:add("return %s", g.mode == "encode" and g:written(schema.inner, "v") or "v")
  end,
  check = function(g, schema, variable, path, store)
    g:add("if %s ~= NULL then", variable)
    g:check(schema.inner, variable, path, store)
    if g.mode == "encode" then g:add("%s = %s", variable, g:written(schema.inner, variable)) end
    g:add(g.mode == "encode" and 'else %s = "null" end' or "end", variable)
  end,
})

-- A value that is absent has its default only where it can be absent: alone, and in a record.
define("default", {
  describe = function(schema) return schema.inner.what end,
  generate = function(g, schema)
    g:add("if v == nil then v = %s(v) end", g:constant(schema.default))
    g:check(schema.inner, "v", '""')
    g:add("return %s", g.mode == "encode" and g:written(schema.inner, "v") or "v")
  end,
  check = function(g, schema, variable, path, store)
    g:check(schema.inner, variable, path, store)
    if g.mode == "encode" then g:add("%s = %s", variable, g:written(schema.inner, variable)) end
  end,
})

return M
