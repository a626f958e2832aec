-- SPDX-License-Identifier: MIT
-- Random schemas with values that fit them, from a seed: a failing test prints the seed, and the
-- seed gives the same case again.
local json = require "docmsg.json"
local s = require "docmsg.schema"

---@class support.Random
---@field private state integer
local Random = {}
Random.__index = Random

local M = {}

---@param seed integer
---@return support.Random
function M.new(seed)
  return setmetatable({ state = seed * 0x9E3779B97F4A7C15 + 1 }, Random)
end

-- A number from 0 to n - 1 (xorshift64*).
function Random:below(n)
  local x = self.state
  x = x ~ (x >> 12)
  x = x ~ (x << 25)
  x = x ~ (x >> 27)
  self.state = x
  return ((x * 0x2545F4914F6CDD1D) >> 33) % n
end

function Random:pick(list)
  return list[self:below(#list) + 1]
end

local PIECES <const> = { "a", "Z", "0", " ", '"', "\\", "/", "\n", "\0", "\127", "ä", "€", "😀", "[]", "{}",
                         "12345678901234567890", ",", ":" }

function Random:text()
  local parts = {}
  for i = 1, self:below(6) do parts[i] = self:pick(PIECES) end
  return table.concat(parts)
end

function Random:integer()
  return self:pick { 0, 1, -1, 255, 1 << 53, (1 << 53) + 1, -(1 << 53) - 1, math.maxinteger, math.mininteger,
                     self:below(1000000), -self:below(1 << 30) }
end

function Random:float()
  return self:pick { 0.0, 0.1, -0.5, 1e300, -1e-300, 2.0 ^ 53, 2.0 ^ 63, 1e17, 123456789012345680.0, 5e-324,
                     self:below(1 << 30) / 7, 3.0 }
end

function Random:datetime()
  return ("%04d-%02d-%02dT%02d:%02d:%02d%sZ"):format(self:below(10000), self:below(12) + 1, self:below(28) + 1,
    self:below(24), self:below(60), self:below(60), self:pick { "", ".5", ".123456789" })
end

-- Any JSON value as json.decode gives it.
function Random:any(depth)
  local kind = self:below(depth > 0 and 8 or 5)
  if kind == 0 then return self:text() end
  if kind == 1 then return self:integer() end
  if kind == 2 then return self:below(100) + 0.5 end
  if kind == 3 then return self:below(2) == 0 end
  if kind == 4 then return json.null end
  local result = {}
  if kind == 5 then
    for i = 1, self:below(4) do result[i] = self:any(depth - 1) end
    return json.array(result)
  end
  for _ = 1, self:below(4) do result["k" .. self:text()] = self:any(depth - 1) end
  return result
end

local kinds = {
  string = function() return s.string, function(r) return r:text() end end,
  integer = function() return s.integer, function(r) return r:integer() end end,
  number = function() return s.number, function(r) return r:float() end end,
  boolean = function() return s.boolean, function(r) return r:below(2) == 0 end end,
  datetime = function() return s.datetime, function(r) return r:datetime() end end,
  enum = function() return s.enum { "a", "b\"", "ä" }, function(r) return r:pick { "a", "b\"", "ä" } end end,
  any = function() return s.any, function(r) return r:any(2) end end,
  object = function()
    return s.object, function(r) return { ["x" .. r:text()] = r:any(2) } end
  end,
}

local SIMPLE <const> = { "string", "integer", "number", "boolean", "datetime", "enum", "any", "object" }

function kinds.array(r, depth)
  local item, value = r:schema(depth - 1)
  return s.array(item), function(q)
    local items = {}
    for i = 1, q:below(4) do items[i] = value(q) end
    return items
  end
end

function kinds.tuple(r, depth)
  local items, values = {}, {}
  for i = 1, r:below(3) + 1 do items[i], values[i] = r:schema(depth - 1) end
  return s.tuple(table.unpack(items)), function(q)
    local result = {}
    for i, value in ipairs(values) do result[i] = value(q) end
    return result
  end
end

function kinds.map(r, depth)
  local item, value = r:schema(depth - 1)
  return s.map(item), function(q)
    local result = {}
    for _ = 1, q:below(4) do result["m" .. q:text()] = value(q) end
    return result
  end
end

function kinds.record(r, depth)
  local fields, values, optional = {}, {}, {}
  for i = 1, r:below(r:below(30) == 0 and 120 or 6) do
    local name = r:pick { "f", "end", "a b", "ä", "\"" } .. i
    fields[name], values[name] = r:schema(depth - 1)
    optional[name] = r:below(3) == 0
    if optional[name] then fields[name] = s.optional(fields[name]) end
  end
  return s.record(fields), function(q)
    local result = {}
    for name, value in pairs(values) do
      if not (optional[name] and q:below(2) == 0) then
        result[name] = value(q)
        if optional[name] and result[name] == json.null then result[name] = nil end
      end
    end
    if q:below(3) == 0 then result["not declared"] = q:any(2) end
    return result
  end
end

---A schema, and a function that makes values which fit it.
---@param depth integer
---@return docmsg.schema.Schema schema
---@return fun(r: support.Random): any value
function Random:schema(depth)
  local names = depth > 0 and { "array", "tuple", "map", "record", self:pick(SIMPLE) } or SIMPLE
  return kinds[self:pick(names)](self, depth)
end

---A record schema.
---@param depth integer
---@return docmsg.schema.Schema schema
---@return fun(r: support.Random): table value
function Random:record(depth)
  return kinds.record(self, depth)
end

return M
