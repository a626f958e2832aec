-- SPDX-License-Identifier: MIT
-- What is at hand at the prompt without being required: globals that come to be when they are used.
--
--   docmsg, kafka   the modules
--   topics          a docmsg.TopicManager, which connects at its first call
--   bus             a docmsg.Bus with the types of events.lua, where there is such a file
--   app             the application of pipeline.lua; that of the last `.load` that returned one
local cache = require "docmsg.repl.cache"
local host = require "docmsg.host"

local M = {}

-- == topics ==

-- A method of the manager that connects before it is called.
local function connecting(name, connect)
  return function(_, ...)
    local manager = connect()
    return manager[name](manager, ...)
  end
end

-- Has the manager's methods, so that TAB shows them without connecting.
local function lazy_topics()
  local module = require "docmsg.topics"
  local manager
  local function connect()
    if not manager then
      local made, err = module.connect { attempts = 1, log = require("docmsg.log").new { level = "warn" } }
      manager = made or error(tostring(err), 0)
    end
    return manager
  end
  local lazy = {}
  for _, name in ipairs { "apply", "describe", "ensure", "list", "observe", "plan", "statistics", "verify" } do
    lazy[name] = connecting(name, connect)
  end
  for _, name in ipairs { "load", "parse", "declare" } do
    lazy[name] = module[name]
  end
  return setmetatable(lazy, { __name = "docmsg.TopicManager", module = "docmsg.topics", __tostring = function()
    return "docmsg.TopicManager" .. (manager and "" or " (not connected)")
  end })
end

-- == bus, app ==

local function is_there(word)
  return require("docmsg.script").find(word, host.share) ~= nil
end

local function open_bus()
  local files = require "docmsg.events_file"
  local events, reason
  if is_there(files.DEFAULT) then
    events, reason = files.load()
    if not events then error(reason, 0) end
    cache.keep("events", events.types)
  end
  return require("docmsg.bus").new { name = "docmsg-lua", events = events }
end

local APP <const> = "pipeline.lua"

local function load_app()
  local script = require "docmsg.script"
  local path, reason = script.find(APP, host.share)
  if not path then error(reason .. "; .load FILE takes another application", 0) end
  script.resolve_beside(path)
  local app, wrong = require("docmsg.loader").load(path)
  return app or error(wrong, 0)
end

---Takes an application in place of that of pipeline.lua, for `app` and for TAB.
---@param app docmsg.App
function M.take_app(app)
  rawset(_G, "app", app)
  if app.events then cache.keep("events", app.events.types) end
end

---@type table<string, fun(): any>
local MAKERS <const> = {
  docmsg = function() return require "docmsg" end,
  kafka = function()
    local kafka = require "docmsg.kafka"
    cache.watch()
    return kafka
  end,
  topics = lazy_topics,
  bus = open_bus,
  app = function()
    local app = load_app()
    M.take_app(app)
    return app
  end,
}

-- These run none of the user's code when they are made.
local SAFE <const> = { docmsg = true, kafka = true, topics = true }

---Makes them globals, beside a metatable that _G may have.
---@param globals table
function M.install(globals)
  local meta = debug.getmetatable(globals) or {}
  local former = meta.__index
  function meta.__index(t, key)
    if MAKERS[key] then
      local made = MAKERS[key]()
      rawset(t, key, made)
      return made
    elseif type(former) == "function" then
      return former(t, key)
    end
    return former and former[key]
  end
  debug.setmetatable(globals, meta)
end

---The names, for TAB.
---@return string[]
function M.names()
  local names = {}
  for name in pairs(MAKERS) do names[#names + 1] = name end
  return names
end

---Makes for TAB what a line speaks of. Of the user's files only events.lua is read: it has the names
---that are about to be typed. A signal that ends this ends the reading of the line.
---@param line string up to the cursor
function M.prepare(line)
  for name in line:gmatch "%f[%w_][%a_]+" do
    if SAFE[name] and not rawget(_G, name) then pcall(function() return _G[name] end) end
  end
  local speaks_of_events = line:find "^%s*%.publish%s" or line:find "%f[%w_]bus%s*[.:]"
  if speaks_of_events and not rawget(_G, "bus") then host.aside(function() return _G.bus end) end
end

return M
