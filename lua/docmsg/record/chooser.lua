-- SPDX-License-Identifier: MIT
-- --where and --map: Lua about a record. An expression, or statements that end in `return`. It sees
-- the record's fields by their names (topic, partition, offset, key, value, headers, timestamp), the
-- record itself as `message`, `header "name"`, `data` (the value as JSON, nil when it is none), and
-- Lua's own functions.
local json = require "docmsg.json"

local M = {}

local FIELDS <const> = { topic = true, partition = true, offset = true, key = true, value = true, headers = true,
  timestamp = true, timestamp_type = true }

---@class docmsg.record.Chooser
---@field choose fun(message: docmsg.Message): boolean|string|nil as `consumer:print` takes it
---@field describe fun(err: any): string an error of `choose`, with the record it is about, whose consumer is open

-- What the code sees, and functions that set and get the record it is about.
local function environment()
  local message
  local env = { header = function(name) return (message:header(name)) end }
  local function look_up(_, name)
    if FIELDS[name] then return message[name] end
    if name == "message" then return message end
    if name == "data" then return message.value and json.decode(message.value) end
    return _G[name]
  end
  return setmetatable(env, { __index = look_up }), function(record) message = record end, function() return message end
end

-- An expression or statements. Nil when there is neither.
local function compile(text, option, env)
  if not text then return nil end
  local chunk = load("return " .. text, "=" .. option, "t", env)
  if chunk then return chunk end
  return load(text, "=" .. option, "t", env)
end

-- What --map gave, as a line.
local function line_of(value)
  if value == nil or type(value) == "string" then return value end
  if type(value) ~= "table" then return tostring(value) end
  local text, reason = json.encode(value)
  return text or error("a table that is no JSON: " .. reason, 0)
end

local function chain(where, map, set)
  if not map then
    return function(message)
      set(message)
      return where() and true or false
    end
  end
  return function(message)
    set(message)
    return (not where or where()) and line_of(map())
  end
end

---Makes a chooser from the options --where and --map.
---@param options {where?: string, map?: string}
---@return docmsg.record.Chooser? chooser nil when there is neither option
---@return string? reason
function M.new(options)
  if not options.where and not options.map then return nil end
  local env, set, get = environment()
  local where, wrong_where = compile(options.where, "--where", env)
  local map, wrong_map = compile(options.map, "--map", env)
  if wrong_where or wrong_map then return nil, wrong_where or wrong_map end
  return {
    choose = chain(where, map, set),
    describe = function(err)
      local message = get()
      if not message then return tostring(err) end
      return ("%s (at %s/%d/%d)"):format(tostring(err), message.topic, message.partition, message.offset)
    end,
  }
end

return M
