-- SPDX-License-Identifier: MIT
-- From what a topic file says to what is wanted on the broker: defaults filled in, values as Kafka
-- prints them, everything that is wrong found at once.
local environment = require "docmsg.topic.environment"
local kafka = require "docmsg.kafka"
local property = require "docmsg.topic.property"
local source = require "docmsg.topic.source"

local M = {}

---@class docmsg.Topic
---@field name string
---@field partitions integer
---@field replication_factor integer
---@field key? string the field of an event that is the record's key
---@field dead_letter? string the topic that takes what cannot be handled
---@field config table<string, string> as Kafka prints it
---@field inherit table<string, true> properties without an override
---@field unordered table<string, true> properties whose list may come in any order

---@class docmsg.TopicTable
---@field path string
---@field topics docmsg.Topic[] in the order of the file
---@field names string[] in the same order
---@field deleted {name: string, deleted: true}[] topics that shall not exist
---@field warnings string[]

-- A broker takes no more in one request.
local MAX_PARTITIONS <const> = 10000
local MAX_REPLICATION <const> = 0x7FFF
local MAX_NAME <const> = 249
local ATTRIBUTES <const> =
  { "partitions", "replication_factor", "key", "config", "dead_letter", "deleted" }
-- What Kafka has when nothing is said.
local DEFAULTS <const> = { ["retention.ms"] = "604800000", ["max.message.bytes"] = "1048588" }
-- What the headers of a dead letter may add to it.
local DEAD_LETTER_HEADERS <const> = 8192

-- Collects what is wrong, with the line where a path of keys stands.
local function notes(raw)
  local self = { errors = {}, warnings = {} }
  local function add(list, line, text)
    list[#list + 1] = { line = line or 0, number = #list,
      text = ("%s:%s %s"):format(raw.path, line and line .. ":" or "", text) }
  end
  local function note(list, topic, keys, format, ...)
    local path = source.path(topic.name, table.unpack(keys))
    add(list, raw.lines[path] or raw.lines[topic.name] or topic.line,
      topic.name .. ": " .. format:format(...))
  end
  function self.file_error(line, text) add(self.errors, line, text) end
  function self.error(...) note(self.errors, ...) end
  function self.warn(...) note(self.warnings, ...) end
  for _, err in ipairs(raw.errors) do self.file_error(err.line, err.text) end
  return self
end

-- The texts of notes, by line.
local function texts(list)
  table.sort(list, function(a, b)
    if a.line ~= b.line then return a.line < b.line end
    return a.number < b.number
  end)
  local lines = {}
  for i, entry in ipairs(list) do lines[i] = entry.text end
  return lines
end

local function show(value)
  if type(value) == "string" then return ("%q"):format(value) end
  return type(value) == "table" and "a table" or tostring(value)
end

local function check_name(topic, note)
  local name = topic.name
  if #name == 0 then
    note.error(topic, {}, "a topic needs a name")
  elseif #name > MAX_NAME then
    note.error(topic, {}, "a name has at most %d characters, this one %d", MAX_NAME, #name)
  elseif name == "." or name == ".." or name:find("[^%w._-]") then
    note.error(topic, {}, 'a name consists of letters, digits, ".", "_" and "-"')
  end
end

local function check_attributes(topic, note)
  local known = {}
  for _, name in ipairs(ATTRIBUTES) do known[name] = true end
  for name in pairs(topic.attributes) do
    if not known[name] then
      local nearest = type(name) == "string" and kafka.nearest(name, ATTRIBUTES)
      local remedy = nearest and ("did you mean %s?"):format(nearest)
        or "legal are " .. table.concat(ATTRIBUTES, ", ")
      if type(name) == "string" and name:find(".", 1, true) then
        remedy = "it belongs into config = { … }"
      end
      note.error(topic, { tostring(name) }, "unknown attribute %s; %s", show(name), remedy)
    end
  end
end

local function whole_number(topic, field, value, max, note)
  local number = math.type(value) and math.tointeger(value)
  if number and number >= 1 and number <= max then return number end
  note.error(topic, { field }, "%s must be a whole number from 1 to %d, not %s", field, max,
    value == nil and "left out" or show(value))
end

-- A value as Kafka prints it: 1e9 is "1000000000".
local function as_text(value)
  if environment.is_set(value) then return table.concat(value, ","), true end
  if type(value) == "number" then
    local whole = math.tointeger(value)
    if whole then return ("%d"):format(whole) end
    if value ~= value or math.abs(value) >= 2 ^ 63 then return nil end
    return ("%.14g"):format(value)
  end
  if type(value) == "boolean" then return tostring(value) end
  return type(value) == "string" and value or nil
end

local function add_property(topic, spec, name, value, note)
  local keys = { "config", tostring(name) }
  if type(name) ~= "string" then
    return note.error(topic, keys, "a property has a name, not %s", show(name))
  end
  if value == environment.INHERIT then
    spec.inherit[name], spec.config[name] = true, nil
    return
  end
  local text, is_set = as_text(value)
  local nearest = property.nearest(name)
  local expected = text and property.check(name, text)
  if nearest then
    note.error(topic, keys, "unknown property %q; did you mean %s?", name, nearest)
  elseif not text then
    note.error(topic, keys, "%s cannot be %s", name, show(value))
  elseif expected then
    note.error(topic, keys, "%s must be %s, not %s", name, expected, show(value))
  else
    spec.config[name], spec.inherit[name] = text, nil
    spec.unordered[name] = is_set or property.is_list(name) or nil
  end
end

local function add_properties(topic, spec, config, note)
  if config == nil then return end
  if type(config) ~= "table" or environment.is_set(config) then
    return note.error(topic, { "config" }, "config must be a table, not %s", show(config))
  end
  local names = {}
  for name in pairs(config) do names[#names + 1] = name end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  for _, name in ipairs(names) do add_property(topic, spec, name, config[name], note) end
end

-- Three replicas are of use only when a write waits for two of them.
local function add_insync(spec)
  local said = spec.config["min.insync.replicas"] or spec.inherit["min.insync.replicas"]
  if not said and spec.replication_factor and spec.replication_factor >= 3 then
    spec.config["min.insync.replicas"] = "2"
  end
end

local function check_insync(topic, spec, note)
  local insync = math.tointeger(spec.config["min.insync.replicas"] or "")
  local replicas = spec.replication_factor
  if not insync or not replicas then return end
  local keys = { "config", "min.insync.replicas" }
  if insync > replicas then
    note.error(topic, keys, "min.insync.replicas %d is more than the %d replicas there are",
      insync, replicas)
  elseif insync == replicas and insync > 1 then
    note.warn(topic, keys,
      "min.insync.replicas equals the replication factor: one broker down stops all writes")
  end
end

local function check_key(topic, spec, note)
  if spec.key ~= nil and (type(spec.key) ~= "string" or spec.key == "") then
    note.error(topic, { "key" }, "key must be the name of a field, not %s", show(spec.key))
  end
  local policy = spec.config["cleanup.policy"] or ""
  if policy:find("compact", 1, true) and spec.key == nil then
    note.error(topic, { "config", "cleanup.policy" },
      "a compacted topic keeps the last record of each key; name it with key = \"…\"")
  end
end

local function check_word(topic, field, value, note)
  if value ~= nil and (type(value) ~= "string" or value == "") then
    note.error(topic, { field }, "%s must be the name of a topic, not %s", field, show(value))
  end
end

local function build(topic, defaults, note)
  local own = topic.attributes
  local function attribute(name)
    if own[name] ~= nil then return own[name] end
    return defaults.attributes[name]
  end
  local spec = { name = topic.name, key = attribute("key"), dead_letter = attribute("dead_letter"),
    config = {}, inherit = {}, unordered = {} }
  check_name(topic, note)
  check_attributes(topic, note)
  spec.partitions = whole_number(topic, "partitions", attribute("partitions"), MAX_PARTITIONS, note)
  spec.replication_factor = whole_number(topic, "replication_factor",
    attribute("replication_factor"), MAX_REPLICATION, note)
  for name, text in pairs(defaults.config) do spec.config[name] = text end
  for name in pairs(defaults.unordered) do spec.unordered[name] = true end
  add_properties(topic, spec, own.config, note)
  add_insync(spec)
  check_insync(topic, spec, note)
  check_key(topic, spec, note)
  check_word(topic, "dead_letter", spec.dead_letter, note)
  return spec
end

-- A topic that shall not exist: its name, and nothing that says otherwise.
local function build_deleted(topic, note)
  check_name(topic, note)
  check_attributes(topic, note)
  if topic.attributes.deleted ~= true then
    note.error(topic, { "deleted" }, "deleted must be true, or left out, not %s",
      show(topic.attributes.deleted))
  end
  return { name = topic.name, deleted = true }
end

-- The defaults, checked once, with the environment's replication factor over the file's.
local function read_defaults(raw, getenv, note)
  local topic = { name = "defaults", attributes = raw.defaults, line = raw.lines.defaults }
  local defaults = { attributes = {}, config = {}, inherit = {}, unordered = {} }
  if type(raw.defaults) ~= "table" then
    note.error(topic, {}, "must be a table")
    return defaults
  end
  check_attributes(topic, note)
  if raw.defaults.deleted ~= nil then
    note.error(topic, { "deleted" }, "deleted is said of one topic, not of all")
  end
  add_properties(topic, defaults, raw.defaults.config, note)
  for name, value in pairs(raw.defaults) do defaults.attributes[name] = value end
  local factor = defaults.attributes.replication_factor or 1
  local variable = getenv("KAFKA_REPLICATION_FACTOR")
  if variable and variable ~= "" then
    factor = variable:find("^%d+$") and math.tointeger(variable)
    if not factor then
      note.file_error(nil,
        ("KAFKA_REPLICATION_FACTOR must be a whole number, not %q"):format(variable))
    end
  end
  defaults.attributes.replication_factor = factor or 1
  return defaults
end

-- Kafka's metrics write "." as "_", so it refuses two names that differ in nothing else.
local function check_collisions(topics, note)
  local seen = {}
  for _, topic in ipairs(topics) do
    local plain = topic.name:gsub("%.", "_")
    if seen[plain] then
      note.error(topic, {}, 'collides with %s: Kafka does not tell "." and "_" apart', seen[plain])
    end
    seen[plain] = seen[plain] or topic.name
  end
end

local function limit(topic, name)
  local number = tonumber(topic.config[name] or DEFAULTS[name]) or 0
  return number < 0 and math.huge or number
end

local function check_dead_letter(raw_topic, source_topic, target, note)
  local kept, needed = limit(target, "retention.ms"), limit(source_topic, "retention.ms")
  if kept < needed then
    note.error(raw_topic, { "config", "retention.ms" },
      "dead letters of %s are kept for %s, shorter than its own records: %s", source_topic.name,
      property.describe("retention.ms", ("%d"):format(kept)),
      needed == math.huge and "for ever" or property.describe("retention.ms", ("%d"):format(needed)))
  end
  local room, size = limit(target, "max.message.bytes"), limit(source_topic, "max.message.bytes")
  local said = source_topic.config["max.message.bytes"] or target.config["max.message.bytes"]
  if room < size then
    note.error(raw_topic, { "config", "max.message.bytes" },
      "dead letters of %s can be as large as its records, %d bytes, but only %d are allowed",
      source_topic.name, size, room)
  elseif said and room < size + DEAD_LETTER_HEADERS then
    note.warn(raw_topic, { "config", "max.message.bytes" },
      "the largest records of %s have no room for the headers of a dead letter: allow %d bytes",
      source_topic.name, size + DEAD_LETTER_HEADERS)
  end
end

-- A dead-letter topic is named by dead_letter, or is <topic>.<group>.dlq.
local function check_dead_letters(topics, raw_topics, note)
  for name, topic in pairs(topics) do
    local target = topics[topic.dead_letter]
    local source_topic = topics[name:match("^(.+)%.[^.]+%.dlq$")]
    if target and target ~= topic then
      check_dead_letter(raw_topics[target.name], topic, target, note)
    elseif type(topic.dead_letter) == "string" and not target then
      note.error(raw_topics[name], { "dead_letter" }, "dead_letter %s is not declared", show(topic.dead_letter))
    end
    if source_topic and source_topic.dead_letter ~= name then
      check_dead_letter(raw_topics[name], source_topic, topic, note)
    end
  end
end

---Makes sense of a topic file.
---@param raw docmsg.topic.Raw
---@param getenv fun(name: string): string?
---@return docmsg.TopicTable? topics
---@return string? reason everything that is wrong, one a line
function M.build(raw, getenv)
  local note = notes(raw)
  local defaults = read_defaults(raw, getenv, note)
  local result = { path = raw.path, topics = {}, names = {}, deleted = {} }
  local by_name, raw_topics = {}, {}
  for _, topic in ipairs(raw.topics) do
    if topic.attributes.deleted ~= nil then
      result.deleted[#result.deleted + 1] = build_deleted(topic, note)
    else
      local spec = build(topic, defaults, note)
      result.topics[#result.topics + 1], result.names[#result.names + 1] = spec, topic.name
      by_name[topic.name], raw_topics[topic.name] = spec, topic
    end
  end
  check_collisions(raw.topics, note)
  check_dead_letters(by_name, raw_topics, note)
  if #raw.topics == 0 then note.file_error(nil, "declares no topic") end
  if #note.errors > 0 then return nil, table.concat(texts(note.errors), "\n") end
  result.warnings = texts(note.warnings)
  return result
end

return M
