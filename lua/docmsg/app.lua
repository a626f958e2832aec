-- SPDX-License-Identifier: MIT
-- An application: its events, its topics, its services, and the consumer groups that handle events.
--
--   local docmsg = require "docmsg"
--   local app = docmsg.app { name = "docproc", topics = "topics.lua", events = "events.lua" }
--   local documents = app:consumer("document_consumer_group")
--   documents:on("document-received", function(event, ctx) … end)
--   return app
local consumer = require "docmsg.consumer"
local events = require "docmsg.events"
local file = require "docmsg.file"
local settings = require "docmsg.settings"
local value = require "docmsg.schema.value"

local M = {}

---What `docmsg.app` takes. Files are found beside the script that calls it, else in
---the current folder.
---@class docmsg.AppOptions
---@field name string the source of its events
---@field events? string|table|docmsg.Events a file, or what it returns; default: a topic's events have its name
---@field topics? string|table a topic file, or what it returns; the topics of the events must be in it
---@field services? table<string, any> `ctx.svc`: a function makes the service at its first use in a Lua state

---@class docmsg.App
---@field name string
---@field events? docmsg.Events
---@field topics? docmsg.TopicTable
---@field EventType table<string, string> DOCUMENT_RECEIVED = "document-received"
---@field services table<string, any> as they were declared
---@field consumers docmsg.ConsumerGroup[] in the order of their declaration
---@field middlewares docmsg.Middleware[]
---@field files string[] the files it was made of
---@field private free table<string, docmsg.EventSpec> events of an application without an events table
local App = { __name = "docmsg.App" }
App.__index = App

local OPTIONS <const> = {
  name = { kind = "string", required = true },
  events = { kind = "any" },
  topics = { kind = "any" },
  services = { kind = "table", default = {} },
}

-- == Events and topics ==

local function read_events(self, declared, folder)
  if declared == nil or events.is(declared) then return declared end
  if type(declared) ~= "string" then return events.build(declared) end
  local path = file.beside(declared, folder)
  table.insert(self.files, path)
  return events.load(path)
end

local function read_topics(self, declared, folder)
  if declared == nil then return nil end
  if type(declared) == "table" then return require("docmsg.topics").declare(declared) end
  if type(declared) ~= "string" then
    return nil, ("topics must be the name of a file or a table, not %s"):format(value.show(declared))
  end
  local path = file.beside(declared, folder)
  table.insert(self.files, path)
  return require("docmsg.topics").load(path)
end

-- What is declared must be there to carry the events.
local function check_topics(self)
  if not self.events or not self.topics then return nil end
  local declared = {}
  for _, name in ipairs(self.topics.names) do declared[name] = true end
  for _, topic in ipairs(self.events.topics) do
    if not declared[topic] then
      return ("the events are on topic %s, which is not declared%s"):format(value.show(topic),
        settings.nearest(topic, self.topics.names))
    end
  end
end

local function build(self, options, folder)
  local reason
  self.events, reason = read_events(self, options.events, folder)
  if reason then return reason end
  self.topics, reason = read_topics(self, options.topics, folder)
  if reason then return reason end
  self.EventType = self.events and self.events.EventType or {}
  return check_topics(self)
end

---Declares an application. Raises when something in it or in its files is wrong.
---@param options docmsg.AppOptions
---@return docmsg.App
function M.new(options)
  local checked = settings.read(OPTIONS, options, "docmsg.app", 2)
  local self = setmetatable({
    name = checked.name, services = checked.services, consumers = {}, middlewares = {}, files = {},
    free = {},
  }, App)
  if checked.name:find("%c") then error("docmsg.app: name has control characters", 2) end
  local reason = build(self, checked, file.folder(2))
  if reason then error("docmsg.app: " .. reason, 2) end
  return self
end

---The declaration of an event. Without an events table every topic carries events of its own name.
---@param event_type string
---@return docmsg.EventSpec? spec nil for an unknown type
function App:event(event_type)
  if self.events then return self.events:get(event_type) end
  local spec = self.free[event_type]
  if not spec and type(event_type) == "string" then
    local made = events.build { [event_type] = {} }
    spec = made and made:get(event_type)
    self.free[event_type] = spec
  end
  return spec
end

---Says which type was probably meant.
---@param event_type any
---@return string "; did you mean 'x'?"
function App:nearest_event(event_type)
  if self.events then return self.events:nearest(event_type) end
  return "; without an events table it is the name of a topic"
end

---The type of a record that does not say its own.
---@param topic string
---@return string? event_type nil when the topic carries several
function App:type_of(topic)
  if self.events then return self.events:type_of(topic) end
  return topic
end

---Declares a consumer group.
---@param group string
---@param options? docmsg.ConsumerGroupOptions
---@return docmsg.ConsumerGroup
function App:consumer(group, options)
  if self:find(group) then error(("app:consumer: the group %q is declared already"):format(group), 2) end
  local made = consumer.new(self, group, options, 2)
  table.insert(self.consumers, made)
  return made
end

---The consumer of a group.
---@param group string
---@return docmsg.ConsumerGroup?
function App:find(group)
  for _, declared in ipairs(self.consumers) do
    if declared.group == group then return declared end
  end
end

---Wraps the handlers of all consumers.
---@param middleware docmsg.Middleware
---@return docmsg.App self
function App:use(middleware)
  if type(middleware) ~= "function" then
    error(("a middleware is a function of the next handler, not %s"):format(value.show(middleware)), 2)
  end
  table.insert(self.middlewares, middleware)
  return self
end

---Runs the consumers until a signal asks for the end, or something fails. While a worker loads the
---script, it hands the declarations over and does not return.
---@param options? docmsg.RunOptions
---@return boolean ok
---@return string? reason
---@return boolean? stuck threads still run that nothing can end but the end of the process
function App:run(options)
  local loader = require "docmsg.loader"
  if loader.is_loading() then loader.hand_over(self) end
  return require("docmsg.runner").run(self, options)
end

return M
