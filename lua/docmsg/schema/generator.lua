-- SPDX-License-Identifier: MIT
-- Compiles a schema to Lua functions. Each container becomes a function of its own, what is in it
-- is checked in place; a schema without containers is one function.
--
--   check(value, settled)  -> value, reason, path      checks in place, makes integers, sets defaults
--   encode(value)          -> text, reason, path       checks, and writes JSON
--
-- 'settled' is false for a value that json.parse gave: reason is json.DOUBTFUL when its text must
-- be read again. A value, a constant or a function of the schema is only ever reached as K[n], and
-- a name only stands in the code as a %q string: no text of a schema is run.
local json = require "docmsg.json"
local value = require "docmsg.schema.value"

local M = {}

local PRELUDE <const> = [[
local K, V, DOUBTFUL, NULL, json_encode, json_settle, write_string = ...
local type, next, rawlen, ipairs, math, table = type, next, rawlen, ipairs, math, table
local math_type, format, find, concat = math.type, string.format, string.find, table.concat
local expected, is_datetime, is_list = V.expected, V.is_datetime, V.is_list
local step, settle_others, write_others = V.step, V.settle_others, V.write_others
local shallow, to_float, has_control = V.shallow, V.to_float, V.has_control
]]

-- The generated code has these names and no others; it sets none.
local ENVIRONMENT <const> = setmetatable({
  type = type, next = next, rawlen = rawlen, ipairs = ipairs, math = math, string = string, table = table,
}, {
  __index = function(_, name) error("generated code reads " .. tostring(name)) end,
  __newindex = function(_, name) error("generated code sets " .. tostring(name)) end,
})

---@alias docmsg.schema.Mode "check"|"encode"

---One function in the making.
---@class docmsg.schema.Generator
---@field mode docmsg.schema.Mode
---@field private lines string[]
---@field private constants any[]
local Generator = { __name = "docmsg.schema.Generator" }
Generator.__index = Generator

---@param mode docmsg.schema.Mode
---@return docmsg.schema.Generator
local function new(mode)
  return setmetatable({ mode = mode, lines = {}, constants = {} }, Generator)
end

---Adds lines of code, as string.format.
---@param format string
---@param ... any
function Generator:add(format, ...)
  self.lines[#self.lines + 1] = format:format(...)
end

---@param constant any
---@return string expression
function Generator:constant(constant)
  self.constants[#self.constants + 1] = constant
  return ("K[%d]"):format(#self.constants)
end

---Adds the return of a failure.
---@param reason string expression
---@param path string expression
function Generator:fail(reason, path)
  self:add("return nil, %s, %s", reason, path)
end

---Adds `if condition then fail end`.
---@param condition string expression
---@param what string what was expected
---@param variable string
---@param path string expression
function Generator:expect_not(condition, what, variable, path)
  self:add("if %s then", condition)
  self:fail(("expected(%q, %s)"):format(what, variable), path)
  self:add("end")
end

---Adds the call of the schema's own check, if it has one.
---@param schema docmsg.schema.Schema
---@param variable string
---@param path string expression
function Generator:user_check(schema, variable, path)
  if not schema.check_function then return end
  self:add("do local why = %s(%s)", self:constant(schema.check_function), variable)
  self:add("if why ~= nil then return nil, V.reason(why), %s end end", path)
end

---Adds the call of another container's function; the result replaces the variable.
---@param schema docmsg.schema.Schema a container
---@param variable string
---@param path string expression
function Generator:call(schema, variable, path)
  local compiled = self:constant(M.compile(schema, self.mode))
  self:add("do local result, reason, path = %s(%s, settled)", compiled, variable)
  self:add("if reason ~= nil then return nil, reason, %s .. path end", path)
  self:add(self.mode == "encode" and "%s = result end" or "end", variable)
end

---@param name string of the chunk, in messages
---@return function
function Generator:load(name)
  local code = ("%sreturn function(v, settled)\n%s\nend\n"):format(PRELUDE, table.concat(self.lines, "\n"))
  local chunk = assert(load(code, "=schema " .. name, "t", ENVIRONMENT))
  return chunk(self.constants, value, json.DOUBTFUL, json.null, json.encode, json.settle,
    json.write_string)
end

---Adds the check of a value, of whatever kind.
---@param schema docmsg.schema.Schema not optional, no default
---@param variable string which is set when the value changes
---@param path string expression
---@param store? string code that puts a changed value back
function Generator:check(schema, variable, path, store)
  local kind = schema.kind
  if kind.container then
    self:call(schema, variable, path)
  else
    kind.check(self, schema, variable, path, store or "")
    self:user_check(schema, variable, path)
    if kind.to_text and self.mode == "encode" then kind.to_text(self, schema, variable, path) end
  end
end

---The expression that writes a checked value as JSON.
---@param schema docmsg.schema.Schema
---@param variable string
---@return string expression
function Generator:written(schema, variable)
  local write = schema.kind.write
  return write and write(self, schema, variable) or variable
end

---The function of a schema, compiled when it is first asked for.
---@param schema docmsg.schema.Schema
---@param mode docmsg.schema.Mode
---@return function
function M.compile(schema, mode)
  local compiled = schema.compiled[mode]
  if compiled then return compiled end
  local g = new(mode)
  if mode == "encode" then g:add("settled = true") end
  schema.kind.generate(g, schema)
  compiled = g:load(schema.kind.name)
  schema.compiled[mode] = compiled
  return compiled
end

return M
