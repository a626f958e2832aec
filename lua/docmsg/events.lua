-- SPDX-License-Identifier: MIT
-- The events of an application: each type with its topic, its key and the schema of its data.
--
--   -- events.lua
--   local s = require "docmsg.schema"
--   return {
--     ["document-received"] = { topic = "document-received", key = "document_id",
--       data = s.record { document_id = s.string, timestamp = s.datetime } },
--   }
--
--   local events = assert(require("docmsg.events").load "events.lua")
--   events.EventType.DOCUMENT_RECEIVED          --> "document-received"
local schema = require "docmsg.schema"
local settings = require "docmsg.settings"
local value = require "docmsg.schema.value"

local M = {}

---What an events table says of a type.
---@class docmsg.EventDeclaration
---@field topic? string default: the type
---@field key? string|fun(data: any): string? the field that is the record's key, or what makes it
---@field data? docmsg.schema.Schema default: any

---One type of event.
---@class docmsg.EventSpec
---@field type string
---@field topic string
---@field schema docmsg.schema.Schema
---@field key? fun(data: any): string?, string? the key of an event with this data, or nil and what is wrong
---@field key_field? string where the key is that field of the data
---@field read fun(text: string): any nil: `decode` says what is wrong
---@field decode fun(text: string): any, string?, ("undecodable"|"schema")?
---@field check fun(value: any): any, string?
---@field encode fun(value: any): string?, string?

---@class docmsg.Events
---@field path? string the file
---@field types string[] sorted
---@field topics string[] sorted
---@field EventType table<string, string> DOCUMENT_RECEIVED = "document-received"; an unknown name raises
---@field private specs table<string, docmsg.EventSpec>
---@field private by_topic table<string, string[]>
local Events = { __name = "docmsg.Events" }
Events.__index = Events

local ATTRIBUTES <const> = { "data", "key", "topic" }
local MAX_TYPE <const>, MAX_TOPIC <const> = 256, 249

-- == EventType ==

---@param name string
---@return string
local function constant_name(name)
  return (name:upper():gsub("[^%w]", "_"))
end

---Constants that know what they do not have.
---@param constants table<string, string>
---@return table<string, string>
local function guarded(constants)
  return setmetatable(constants, {
    __name = "docmsg.EventType",
    __index = function(_, name)
      local names = {}
      for known in next, constants do names[#names + 1] = known end
      table.sort(names)
      error(("EventType has no %s%s"):format(value.show(name), settings.nearest(name, names)), 2)
    end,
  })
end

---The constants of all events that were loaded in this state.
---@type table<string, string>
M.EventType = guarded {}

-- == One event ==

-- The key is a field of the data.
local function field_key(name)
  return function(data)
    if type(data) ~= "table" then return nil end
    local key = data[name]
    if type(key) == "string" or key == nil then return key end
    if math.type(key) == "integer" then return ("%d"):format(key) end
    return nil, ("the key %s must be a string, not %s"):format(name, value.show(key))
  end
end

-- The key is what a function makes of the data.
local function computed_key(make)
  return function(data)
    local key = make(data)
    if type(key) == "string" or key == nil then return key end
    return nil, ("the key must be a string, not %s"):format(value.show(key))
  end
end

local function check_attributes(attributes, note)
  for name in pairs(attributes) do
    if name ~= "data" and name ~= "key" and name ~= "topic" then
      note("unknown attribute %s%s", value.show(name), settings.nearest(name, ATTRIBUTES))
    end
  end
end

local function check_topic(topic, note)
  local legal = type(topic) == "string" and #topic > 0 and #topic <= MAX_TOPIC
    and not topic:find("[^%w._-]") and topic ~= "." and topic ~= ".."
  if not legal then note("topic must be the name of a topic, not %s", value.show(topic)) end
end

-- The function that makes the key.
local function read_key(key, data, note)
  if key == nil then return nil end
  if type(key) == "function" then return computed_key(key) end
  if type(key) ~= "string" then
    note("key must be the name of a field or a function, not %s", value.show(key))
    return nil
  end
  local names = data and data:names()
  if not names then
    note("key is the field %q, but data is no record; use a function", key)
    return nil
  end
  for _, name in ipairs(names) do
    if name == key then return field_key(key) end
  end
  note("key is the field %q, which data does not have%s", key, settings.nearest(key, names))
end

local function read_spec(event_type, attributes, note)
  if type(attributes) ~= "table" then
    return note("must be a table { topic = …, key = …, data = … }, not %s", value.show(attributes))
  end
  check_attributes(attributes, note)
  local topic, data = attributes.topic, attributes.data
  if topic == nil then topic = event_type end
  check_topic(topic, note)
  if data ~= nil and not schema.is(data) then
    note("data must be a schema, not %s", value.show(data))
    data = nil
  end
  local of = data or schema.any
  return {
    type = event_type, topic = topic, schema = of,
    key = read_key(attributes.key, data, note),
    key_field = type(attributes.key) == "string" and attributes.key or nil,
    read = of:reader(), decode = of:decoder(), check = of:checker(), encode = of:encoder(),
  }
end

-- == The table ==

local function sorted_types(declared, errors)
  local types = {}
  for event_type in pairs(declared) do
    local legal = type(event_type) == "string" and #event_type > 0 and #event_type <= MAX_TYPE
      and not event_type:find("%c")
    if legal then
      types[#types + 1] = event_type
    else
      errors[#errors + 1] = ("an event's type is a name of 1 to %d bytes, not %s")
        :format(MAX_TYPE, value.show(event_type))
    end
  end
  table.sort(types)
  return types
end

local function add_constant(constants, event_type, note)
  local name = constant_name(event_type)
  local other = rawget(constants, name)
  if other then note("EventType.%s is already %q", name, other) end
  constants[name] = event_type
end

local function add_topic(self, topic, event_type)
  if not self.by_topic[topic] then
    self.by_topic[topic] = {}
    self.topics[#self.topics + 1] = topic
  end
  table.insert(self.by_topic[topic], event_type)
end

---Makes sense of an events table.
---@param declared table<string, docmsg.EventDeclaration> by type
---@param path? string in messages
---@return docmsg.Events? events
---@return string? reason everything that is wrong, one a line
function M.build(declared, path)
  path = path or "events"
  if type(declared) ~= "table" then
    return nil, ("%s: must give a table of events, not %s"):format(path, value.show(declared))
  end
  local errors, constants = {}, {}
  local self = setmetatable({ types = sorted_types(declared, errors), topics = {}, specs = {}, by_topic = {} },
    Events)
  for _, event_type in ipairs(self.types) do
    local function note(format, ...)
      errors[#errors + 1] = ("%s: %s"):format(value.show(event_type), format:format(...))
    end
    local spec = read_spec(event_type, declared[event_type], note)
    self.specs[event_type] = spec
    add_constant(constants, event_type, note)
    if spec then add_topic(self, spec.topic, event_type) end
  end
  if #self.types == 0 and #errors == 0 then errors[1] = "declares no event" end
  if #errors > 0 then return nil, path .. ": " .. table.concat(errors, "\n" .. path .. ": ") end
  table.sort(self.topics)
  self.EventType = guarded(constants)
  for name, event_type in next, constants do M.EventType[name] = event_type end
  return self
end

---Is it an events table that was made sense of?
---@param thing any
---@return boolean
function M.is(thing)
  return getmetatable(thing) == Events
end

---Runs an events file, which returns the table.
---@param path string
---@return docmsg.Events? events
---@return string? reason everything that is wrong, one a line
function M.load(path)
  local chunk, reason = loadfile(path, "t")
  if not chunk then return nil, reason end
  local ran, declared = pcall(chunk)
  if not ran then return nil, require("docmsg.failure").text(declared) end
  local events, wrong = M.build(declared, path)
  if not events then return nil, wrong end
  events.path = path
  return events
end

---The declaration of a type.
---@param event_type string
---@return docmsg.EventSpec?
function Events:get(event_type)
  return self.specs[event_type]
end

---The type of the events on a topic that carries only one.
---@param topic string
---@return string?
function Events:type_of(topic)
  local types = self.by_topic[topic]
  return types and #types == 1 and types[1] or nil
end

---Says which type was probably meant.
---@param event_type any
---@return string "; did you mean 'x'?"
function Events:nearest(event_type)
  return settings.nearest(event_type, self.types)
end

return M
