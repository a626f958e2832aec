-- SPDX-License-Identifier: MIT
-- Schemas: what the data of an event looks like. A schema checks values in place, reads them from
-- JSON and writes them as JSON; it is compiled when it is first used.
--
--   local s = require "docmsg.schema"
--   local Upload = s.record {
--     document_id = s.string { min = 1, max = 256, control = false },
--     file_type = s.enum { "pdf", "docx" },
--     file_size = s.integer { min = 0 },
--     pages = s.array(s.tuple(s.integer, s.integer), { min = 1 }),
--     note = s.optional(s.string),
--     status = s.default(s.string, "new"),
--   }
--   local value, reason = Upload:decode(text)
--   local json, wrong = Upload:encode(value)
--
-- Schemas as they stand, which can also be called with limits:
--
--   s.string      text in UTF-8: min, max (bytes), pattern (Lua's), control = false, check
--   s.integer     a whole number of 64 bits, a Lua integer: min, max, check
--   s.number      a finite number, a Lua float: min, max, check
--   s.boolean     check
--   s.datetime    as RFC 3339 writes it, in UTC, "2026-01-31T12:00:00.5Z": check
--   s.object      any object: check
--   s.any         any value, also null: check
--
-- Fields that a record does not declare are kept. A `check` gets the checked value and returns nil
-- or what is wrong with it. An empty array and an empty object are the same to whoever expects
-- one of them.
local json = require "docmsg.json"
local kind = require "docmsg.schema.kind"
local program = require "docmsg.schema.program"
local value = require "docmsg.schema.value"

---@class docmsg.schema
---@field string docmsg.schema.Schema
---@field integer docmsg.schema.Schema
---@field number docmsg.schema.Schema
---@field boolean docmsg.schema.Schema
---@field datetime docmsg.schema.Schema
---@field object docmsg.schema.Schema
---@field any docmsg.schema.Schema
local M = {}

---@class docmsg.schema.Schema
---@field what string what it expects, in messages
---@field kind docmsg.schema.Kind
---@field private limits table
---@field private compiled? {check: function, encode: function, decode: function}
---@field private check_function? fun(value: any): string?
---@field private inner? docmsg.schema.Schema
---@field private item? docmsg.schema.Schema
---@field private items? docmsg.schema.Schema[]
---@field private fields? table<string, docmsg.schema.Schema>
---@field private default? any
---@field private call? boolean the default is a function
---@field private computed? boolean of the user's, that looks at the record
---@field private words? string[]
---@field private texts? table<string, string>
local Schema = { __name = "docmsg.schema.Schema" }
Schema.__index = Schema

---Is the value a schema?
---@param thing any
---@return boolean
function M.is(thing)
  return getmetatable(thing) == Schema
end

-- == Making schemas ==

local LIMIT_TYPES <const> = {
  count = function(limit) return math.type(limit) == "integer" and limit >= 0 end,
  integer = function(limit) return math.type(limit) == "integer" end,
  number = function(limit) return type(limit) == "number" and limit == limit end,
  boolean = function(limit) return type(limit) == "boolean" end,
  ["function"] = function(limit) return type(limit) == "function" end,
  pattern = function(limit) return type(limit) == "string" and pcall(string.find, "", limit) end,
}

local function check_limit(of, name, limit, level)
  local expected = type(name) == "string" and of.limits and of.limits[name]
  if not expected then
    local names = {}
    for known in pairs(of.limits or {}) do names[#names + 1] = known end
    table.sort(names)
    error(("a schema of kind %s has no limit %s; it has %s"):format(of.name, value.show(name),
      #names > 0 and table.concat(names, ", ") or "none"), level + 1)
  end
  if not LIMIT_TYPES[expected](limit) then
    error(("the limit %s of a schema of kind %s must be a %s, not %s"):format(name, of.name, expected,
      value.show(limit)), level + 1)
  end
end

local function check_limits(of, limits, level)
  if limits == nil then return {} end
  if type(limits) ~= "table" then
    error(("limits are a table, not %s"):format(value.show(limits)), level + 1)
  end
  for name, limit in pairs(limits) do check_limit(of, name, limit, level + 1) end
  if limits.min and limits.max and limits.min > limits.max then
    error(("the limit min %s is above max %s"):format(limits.min, limits.max), level + 1)
  end
  return limits
end

-- Called in tail position only: errors are the caller's caller's.
local function new(of, limits, parts)
  limits = check_limits(of, limits, 2)
  local schema = parts or {}
  schema.kind, schema.limits = of, limits
  schema.check_function = limits.check
  schema.what = of.describe(schema)
  return setmetatable(schema, Schema)
end

-- A schema as it stands can be called with limits, also with more of them.
function Schema:__call(limits)
  if not (self.kind.limits and not self.kind.container) then
    error(("a schema of kind %s cannot be called"):format(self.kind.name), 2)
  end
  if type(limits) == "table" and next(self.limits) then
    local more = limits
    limits = value.shallow(self.limits)
    for name, limit in pairs(more) do limits[name] = limit end
  end
  return new(self.kind, limits)
end

function Schema:__tostring()
  return ("%s: %s"):format(Schema.__name, self.what)
end

local function expect_schema(thing, where, level)
  if M.is(thing) then return thing end
  error(("%s must be a schema, not %s"):format(where, value.show(thing)), level + 1)
end

for _, name in ipairs { "string", "integer", "number", "boolean", "datetime", "object", "any" } do
  M[name] = new(kind[name])
end

---An object with these fields.
---@param fields table<string, docmsg.schema.Schema>
---@param limits? {check: fun(record: table): string?}
---@return docmsg.schema.Schema
function M.record(fields, limits)
  if type(fields) ~= "table" or M.is(fields) then
    error("s.record takes a table of fields: s.record { id = s.string }", 2)
  end
  for name, schema in pairs(fields) do
    if type(name) ~= "string" or not utf8.len(name) then
      error(("a field has a name in UTF-8, not %s"):format(value.show(name)), 2)
    end
    expect_schema(schema, ("the field %q"):format(name), 2)
  end
  return new(kind.record, limits, { fields = value.shallow(fields) })
end

---A list of values of one kind.
---@param item docmsg.schema.Schema
---@param limits? {min?: integer, max?: integer, check?: fun(items: any[]): string?}
---@return docmsg.schema.Schema
function M.array(item, limits)
  return new(kind.array, limits, { item = expect_schema(item, "the item of an array", 2) })
end

---A list of so many values, each of its own kind.
---@param ... docmsg.schema.Schema
---@return docmsg.schema.Schema
function M.tuple(...)
  local items = table.pack(...)
  for i = 1, items.n do expect_schema(items[i], ("item %d of a tuple"):format(i), 2) end
  return new(kind.tuple, nil, { items = items })
end

---An object with any names and values of one kind.
---@param item docmsg.schema.Schema
---@param limits? {check: fun(map: table): string?}
---@return docmsg.schema.Schema
function M.map(item, limits)
  return new(kind.map, limits, { item = expect_schema(item, "the value of a map", 2) })
end

---One of these words.
---@param words string[]
---@return docmsg.schema.Schema
function M.enum(words)
  local texts = {}
  if type(words) ~= "table" or #words == 0 then
    error('s.enum takes a list of words: s.enum { "pdf", "docx" }', 2)
  end
  for _, word in ipairs(words) do
    if type(word) ~= "string" then error(("a word is a string, not %s"):format(value.show(word)), 2) end
    local text, reason = json.encode(word)
    if not text then error(reason, 2) end
    texts[word] = text
  end
  return new(kind.enum, nil, { words = table.move(words, 1, #words, 1, {}), texts = texts })
end

---A value that may be absent or null; in a record null becomes absent.
---@param schema docmsg.schema.Schema
---@return docmsg.schema.Schema
function M.optional(schema)
  return new(kind.optional, nil, { inner = expect_schema(schema, "what is optional", 2) })
end

---A field with a value for when it is absent.
---@param schema docmsg.schema.Schema
---@param default any a value, copied each time, or a function of the record that makes it
---@return docmsg.schema.Schema
function M.default(schema, default)
  expect_schema(schema, "what has a default", 2)
  local computed = type(default) == "function"
  if default == nil then error("s.default needs a value", 2) end
  if not computed then
    local _, reason = schema:check(value.copy(default))
    if reason then error("the default does not fit its schema: " .. reason, 2) end
  end
  local parts = { inner = schema, default = default, computed = computed, call = computed }
  if type(default) == "table" then
    local original = value.copy(default)
    parts.default, parts.call = function() return value.copy(original) end, true
  end
  return new(kind.default, nil, parts)
end

-- == Using schemas ==

---The function behind `check`: for those who check many values.
---@return fun(value: any): any, string?
function Schema:checker()
  return program.compile(self).check
end

-- A text whose values are doubtful, after they were settled.
local function decode_settled(check, text)
  local parsed, trouble = json.decode(text)
  if trouble then return nil, trouble, "undecodable" end
  local result, reason = check(parsed)
  return result, reason, reason and "schema"
end

---What `decode` tries first: nil when the text has to be looked at.
---@return fun(text: string): any
function Schema:reader()
  return program.compile(self).decode
end

---The function behind `decode`: for those who read many texts.
---@return fun(text: string): any, string?, ("undecodable"|"schema")?
function Schema:decoder()
  local compiled, parse, doubtful = program.compile(self), json.parse, json.DOUBTFUL
  local decode, check = compiled.decode, compiled.check
  return function(text)
    local read = decode(text)
    if read ~= nil then return read end
    local parsed, trouble = parse(text)
    if trouble then return nil, trouble, "undecodable" end
    local result, reason = check(parsed, true)
    if reason == nil then return result end
    if reason == doubtful then return decode_settled(check, text) end
    return nil, reason, "schema"
  end
end

---The function behind `encode`: for those who write many values.
---@return fun(value: any): string?, string?
function Schema:encoder()
  return program.compile(self).encode
end

---Checks a value in place: whole floats of integer fields become integers, absent fields get their
---defaults, null becomes absent in optional fields.
---@param thing any
---@return any value the same table
---@return string? reason "metadata.file_size: expected an integer >= 0, got nothing"
function Schema:check(thing)
  return self:checker()(thing)
end

---Reads a value from JSON.
---@param text string
---@return any value
---@return string? reason
---@return ("undecodable"|"schema")? wrong with the text, or with what it says
function Schema:decode(text)
  return self:decoder()(text)
end

---Writes a value as JSON, with its defaults; the value itself is not changed.
---@param thing any
---@return string? text
---@return string? reason
function Schema:encode(thing)
  return self:encoder()(thing)
end

---The names of the fields of a record, or nil for another schema.
---@return string[]? names sorted
function Schema:names()
  local schema = self
  while schema.inner do schema = schema.inner end
  if not schema.fields then return nil end
  local names = {}
  for name in pairs(schema.fields) do names[#names + 1] = name end
  table.sort(names)
  return names
end

return M
