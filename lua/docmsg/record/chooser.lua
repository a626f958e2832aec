-- SPDX-License-Identifier: MIT
-- --where and --map: Lua about a record. An expression, or statements that end in `return`. It sees
-- the record's fields by their names (topic, partition, offset, key, value, headers, timestamp), the
-- record itself as `message`, `header "name"`, `data` (the value as JSON, nil when it is none), and
-- Lua's own functions.
local json = require "docmsg.json"

local M = {}

local FIELDS <const> = { topic = true, partition = true, offset = true, key = true, value = true, headers = true,
  timestamp = true, timestamp_type = true }

-- What the code sees, and a function that says which record it is about.
local function environment()
  local message
  local env = { header = function(name) return (message:header(name)) end }
  local function look_up(_, name)
    if FIELDS[name] then return message[name] end
    if name == "message" then return message end
    if name == "data" then return message.value and json.decode(message.value) end
    return _G[name]
  end
  return setmetatable(env, { __index = look_up }), function(record) message = record end
end

---Compiles Lua about a record.
---@param text string
---@param option string such as "--where", for errors
---@return (fun(message: docmsg.Message): any)? call raises what the code raises, with the record's place
---@return string? reason
function M.compile(text, option)
  local env, set = environment()
  local chunk = load("return " .. text, "=" .. option, "t", env)
  local reason
  if not chunk then chunk, reason = load(text, "=" .. option, "t", env) end
  if not chunk then return nil, reason end
  return function(message)
    set(message)
    return chunk()
  end
end

-- What --map gave, as a line.
local function line_of(value)
  if value == nil or type(value) == "string" then return value end
  if type(value) ~= "table" then return tostring(value) end
  local text, reason = json.encode(value)
  return text or error("a table that is no JSON: " .. reason, 0)
end

local function chain(where, map)
  if not map then return function(message) return where(message) and true or false end end
  return function(message)
    if where and not where(message) then return false end
    return line_of(map(message))
  end
end

-- A failure of the code, which says which record it is about.
local Failure = { __name = "docmsg.record.Failure", __tostring = function(failure) return failure.text end }

-- Other values than text are no errors of the code: the one of a signal stays what it is.
local function fail(err, message)
  if type(err) ~= "string" then error(err, 0) end
  local text = ("%s (at %s/%d/%d)"):format(err, message.topic, message.partition, message.offset)
  error(setmetatable({ text = text }, Failure), 0)
end

local function placed(choose)
  return function(message)
    local ok, result = pcall(choose, message)
    if ok then return result end
    fail(result, message)
  end
end

---Is it the failure of a --where or --map?
---@param err any
---@return boolean
function M.is_failure(err)
  return getmetatable(err) == Failure
end

---What `consumer:print` takes as `choose`, from the options --where and --map.
---@param options {where?: string, map?: string}
---@return (fun(message: docmsg.Message): boolean|string|nil)? choose nil when there is neither
---@return string? reason
function M.new(options)
  if not options.where and not options.map then return nil end
  local where, map, reason
  if options.where then
    where, reason = M.compile(options.where, "--where")
    if not where then return nil, reason end
  end
  if options.map then
    map, reason = M.compile(options.map, "--map")
    if not map then return nil, reason end
  end
  return placed(chain(where, map))
end

return M
