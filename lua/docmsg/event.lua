-- SPDX-License-Identifier: MIT
-- The event that a handler sees: a record with what its CloudEvents envelope says about it. An
-- envelope is in the record's headers (binary mode) or in its value (structured mode); a record
-- without one is an event of the type that its topic carries.
--
-- An event belongs to its handler's run: afterwards every use raises "event released".
local json = require "docmsg.json"
local runtime = require "docmsg.runtime"
local settings = require "docmsg.settings"
local value = require "docmsg.schema.value"

local M = {}

---The record under a handler's hands, see docmsg.runtime; tests fake it.
---@class docmsg.Work
---@field limit fun(self: docmsg.Work, timeout_ms?: integer, instructions?: integer) sets the limits of this run

---What a handler's run is about; one for all records of a consumer, one after the other.
---@class docmsg.Frame
---@field work docmsg.Work
---@field send fun(work: docmsg.Work, ...): true?, string? its method emit
---@field group string
---@field redriven boolean a dead letter of this group comes again
---@field spec docmsg.EventSpec
---@field attributes table|false of an event in structured mode
---@field loaded boolean has the data been decoded?
---@field data any
---@field emits? table[] of an event in a batch: what it emits, until it is settled
---@field fail fun(reason: string, message: string) records the outcome "dead" and raises

---@class docmsg.Event
---@field type string
---@field data any decoded and checked; what is wrong with it is the outcome of the record
---@field key? string
---@field value? string the bytes as they came
---@field topic string
---@field partition integer
---@field offset integer
---@field timestamp? integer ms since 1970
---@field headers docmsg.Header[]
---@field id? string
---@field source? string
---@field subject? string default: the key
---@field time? string RFC 3339; default: the record's timestamp
---@field causation? string the id of the event that caused this one
---@field correlation? string the id of the first event of the chain
---@field traceparent? string
---@field hops integer how many handlers the chain has gone through
local Event = {}

---The metatable of events: see csrc/runtime/live.h.
M.Live = { __name = "docmsg.Event" }

local Live <const> = M.Live

---The longest attribute that is taken: it goes on in the headers of each emitted event.
M.MAX_ATTRIBUTE = 1024

local MAX_ATTRIBUTE <const> = M.MAX_ATTRIBUTE
local find = string.find
local STRUCTURED <const> = "application/cloudevents+json"
local SPECVERSION <const> = "1.0"

-- == Reading the envelope ==

local function undecodable(format, ...)
  return nil, "undecodable", format:format(...)
end

local function check_version(version)
  if version == nil or version == SPECVERSION then return true end
  return undecodable("CloudEvents %s is not known, only %s", value.show(version), SPECVERSION)
end

-- Structured mode: attributes and data are one JSON object.
local function read_structured(work, frame)
  local attributes, reason = json.decode(work.value or "")
  if reason then return undecodable("a structured event, but %s", reason) end
  if type(attributes) ~= "table" or attributes[1] ~= nil then
    return undecodable("a structured event must be an object, not %s", value.show(attributes))
  end
  if type(attributes.type) ~= "string" or attributes.type == "" then
    return undecodable("a structured event without a type")
  elseif attributes.data_base64 ~= nil then
    return undecodable("a structured event with data_base64; only JSON data is read")
  elseif attributes.id ~= nil and (type(attributes.id) ~= "string" or #attributes.id > MAX_ATTRIBUTE) then
    return undecodable("the id is %s, not a string of at most %d bytes", value.show(attributes.id), MAX_ATTRIBUTE)
  end
  local known, wrong, message = check_version(attributes.specversion)
  if not known then return nil, wrong, message end
  frame.attributes = attributes
  return attributes.type
end

-- The type of a record without ce_type.
local function read_bare(work, frame, type_of, content_type, topic)
  if content_type and content_type:sub(1, 23) == "application/cloudevents" then
    if content_type:match("^[^;%s]*") == STRUCTURED then return read_structured(work, frame) end
    return undecodable("content-type %s is not read", value.show(content_type))
  end
  local bound = type_of(topic)
  if bound then return bound end
  return nil, "unrouted", ("no ce_type, and topic %s carries no event or several"):format(topic)
end

-- The runtime refuses emits at 32; a count that is none could hide a circle.
local function bad_hops(text)
  if find(text, "^%d+$") and #text < 10 then return nil end
  return ("docmsg-hops is %s, not a number"):format(value.show(text))
end

---Reads the envelope of a record.
---@param work docmsg.Work
---@param frame docmsg.Frame
---@param type_of fun(topic: string): string|false? the type of the events on a topic
---@return string? type
---@return string? reason "undecodable", "unrouted" or "hops"; "redriven" for another group
---@return string? message
function M.read(work, frame, type_of)
  local event_type, version, id, hops, redrive_group, content_type, topic = work:envelope()
  if redrive_group then
    frame.redriven = redrive_group == frame.group
    if not frame.redriven then return nil, "redriven", "redriven for another group" end
  end
  local wrong = hops and bad_hops(hops)
  if wrong then return nil, "hops", wrong end
  if not event_type then return read_bare(work, frame, type_of, content_type, topic) end
  if version ~= SPECVERSION then
    local known, reason, message = check_version(version)
    if not known then return nil, reason, message end
  end
  if id and #id > MAX_ATTRIBUTE then
    return undecodable("ce_id has %d bytes, more than %d", #id, MAX_ATTRIBUTE)
  end
  return event_type
end

-- == Data ==

-- The data of an event in structured mode, or of one without a value.
local function check_data(frame)
  local attributes, check = frame.attributes, frame.spec.check
  if attributes then
    local data, reason = check(attributes.data)
    return data, reason, "schema"
  end
  local data, reason = check(nil)
  return data, reason and reason .. " (the record has no value)", "schema"
end

---The data of the event, decoded at the first call.
---@param frame docmsg.Frame
---@return any data
function M.load(frame)
  if frame.loaded then return frame.data end
  local text = not frame.attributes and frame.work.value
  local data, reason, what
  if text then data, reason, what = frame.spec.decode(text) else data, reason, what = check_data(frame) end
  if reason then frame.fail(what, reason) end
  frame.loaded, frame.data = true, data
  return data
end

-- == Fields ==

-- An attribute of the envelope, bounded.
local function attribute(frame, name)
  local attributes = frame.attributes
  if attributes then
    local given = attributes[name]
    return type(given) == "string" and #given <= MAX_ATTRIBUTE and given or nil
  end
  local given = frame.work:header(name == "traceparent" and name or "ce_" .. name)
  if given and #given > MAX_ATTRIBUTE then
    frame.fail("undecodable", ("ce_%s has %d bytes, more than %d"):format(name, #given, MAX_ATTRIBUTE))
  end
  return given
end

local function time_of(frame)
  local timestamp = frame.work.timestamp
  return attribute(frame, "time") or timestamp
    and os.date("!%Y-%m-%dT%H:%M:%S", timestamp // 1000) .. (".%03dZ"):format(timestamp % 1000) or nil
end

---@type table<string, fun(frame: docmsg.Frame): any>
local fields = {
  type = function(frame) return frame.spec.type end,
  data = M.load,
  key = function(frame) return frame.work.key end,
  value = function(frame) return frame.work.value end,
  topic = function(frame) return frame.work.topic end,
  partition = function(frame) return frame.work.partition end,
  offset = function(frame) return frame.work.offset end,
  timestamp = function(frame) return frame.work.timestamp end,
  headers = function(frame) return frame.work:headers() end,
  id = function(frame) return attribute(frame, "id") end,
  source = function(frame) return attribute(frame, "source") end,
  subject = function(frame) return attribute(frame, "subject") or frame.work.key end,
  time = time_of,
  causation = function(frame) return attribute(frame, "causationid") end,
  correlation = function(frame)
    return attribute(frame, "correlationid") or attribute(frame, "causationid") or attribute(frame, "id")
  end,
  traceparent = function(frame) return attribute(frame, "traceparent") end,
  hops = function(frame)
    local hops = frame.work:header("docmsg-hops")
    if hops then return math.tointeger(tonumber(hops)) end
    return attribute(frame, "causationid") and 1 or 0
  end,
}

---The value of a header: the last one of that name.
---@param name string
---@return string? value
function Event:header(name)
  return self[1].work:header(name)
end

local function unknown(name)
  local names = {}
  for known in pairs(fields) do names[#names + 1] = known end
  table.sort(names)
  error(("an event has no field %s%s"):format(value.show(name), settings.nearest(name, names)), 4)
end

---What the use of an event or a context raises when its handler has returned.
M.RELEASED = "event released: it can be used only until its handler has returned"

Live.__index = runtime.live_index(Event, function(event, name)
  return (fields[name] or unknown(name))(event[1])
end)

function Live.__newindex()
  error("an event cannot be changed", 2)
end

function Live.__tostring(event)
  local frame = rawget(event, 1)
  if not frame then return Live.__name .. " (released)" end
  local work = frame.work
  return ("%s %s (%s/%d/%d)"):format(Live.__name, value.show(frame.spec.type), work.topic, work.partition,
    work.offset)
end

return M
