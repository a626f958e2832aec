-- SPDX-License-Identifier: MIT
-- Answers that need to ask the broker: topics, and how far consumers are. It runs on a lane of its own,
-- since it waits; what was found out holds for a second.
local json = require "docmsg.json"
local kafka = require "docmsg.kafka"
local log = require "docmsg.log"
local statistics = require "docmsg.topic.statistics"
local web = require "docmsg.web"

local M = {}

local DEAD_LETTERS <const> = "%.dlq$"
local TIMEOUT <const> = { timeout = "5s" }
local HOLDS_MS <const> = 1000

---@class gateway.Queries
---@field private topics table<string, boolean> of the workflow
---@field private admin? docmsg.Admin
---@field private closer? table
---@field private found? table
---@field private found_ms integer
local Queries = {}
Queries.__index = Queries

-- The admin is closed with the state: what is made after it is finalised before it.
local function admin_of(self)
  if self.admin then return self.admin end
  local admin, err = kafka.admin {}
  if not admin then return nil, err end
  self.admin, self.closer = admin, setmetatable({}, { __gc = function() admin:close "1s" end })
  return admin
end

-- The workflow's topics and their dead letters, in the order of their names.
local function describe(self, admin)
  local infos, err = admin:describe_topics(nil, TIMEOUT)
  if not infos then return nil, err end
  local list = {}
  for name, info in pairs(infos) do
    local source = name:match("^(.-)%..+" .. DEAD_LETTERS) or name
    if self.topics[source] and not info.error then list[#list + 1] = info end
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

local function gather(self)
  local admin, err = admin_of(self)
  if not admin then return nil, err end
  local infos, refused = describe(self, admin)
  if not infos then return nil, refused end
  local stats, broken = statistics.gather(admin, infos, nil, TIMEOUT)
  if not stats then return nil, broken end
  local groups, failure = admin:list_groups(TIMEOUT)
  if not groups then return nil, failure end
  return { infos = infos, stats = stats, groups = groups }
end

-- What is known, or why nothing is, at most a second old: who waits behind a failure has its answer.
local function look(self)
  local now = require("docmsg.runtime").now
  if not self.found_ms or now() - self.found_ms >= HOLDS_MS then
    self.found, self.err = gather(self)
    self.found_ms = now()
  end
  return self.found, self.err
end

local function refuse(err)
  return web.refuse(503, "kafka_unreachable", tostring(err))
end

---Handles GET /api/v1/topics.
function Queries:list_topics()
  local found, err = look(self)
  if not found then return refuse(err) end
  local topics = {}
  for i, info in ipairs(found.infos) do
    if not info.name:find(DEAD_LETTERS) then
      topics[#topics + 1] = {
        name = info.name, partitions = #info.partitions,
        replication_factor = info.partitions[1] and #info.partitions[1].replicas or 0,
        messages = found.stats[i].records,
      }
    end
  end
  return 200, { topics = json.array(topics) }
end

-- Lag and dead letters of each group that has committed something, or left something aside.
local function by_group(found)
  local groups = {}
  local function group_of(name)
    groups[name] = groups[name] or { group = name, state = "Empty", lag = 0, dead_letters = 0 }
    return groups[name]
  end
  for _, topic in ipairs(found.stats) do
    local letters = topic.name:match "^.-%.(.+)%.dlq$"
    if letters then
      local group = group_of(letters)
      group.dead_letters = group.dead_letters + topic.records
    else
      for name, lag in pairs(topic.lag) do
        local group = group_of(name)
        group.lag = group.lag + lag
      end
    end
  end
  for _, group in ipairs(found.groups) do
    if groups[group.group] then groups[group.group].state = group.state end
  end
  return groups
end

---Handles GET /api/v1/consumers.
function Queries:list_consumers()
  local found, err = look(self)
  if not found then return refuse(err) end
  local consumers = {}
  for _, group in pairs(by_group(found)) do consumers[#consumers + 1] = group end
  table.sort(consumers, function(a, b) return a.group < b.group end)
  return 200, { consumers = json.array(consumers) }
end

---Called in the lane's state.
---@param settings {topics: string[], log: table}
---@return fun(request: docmsg.http.Request)
function M.boot(settings)
  local self = setmetatable({ topics = {} }, Queries)
  for _, name in ipairs(settings.topics) do self.topics[name] = true end
  log.defaults(settings.log)
  local logger = log.new()
  local handlers = {
    ["/api/v1/topics"] = function() return self:list_topics() end,
    ["/api/v1/consumers"] = function() return self:list_consumers() end,
  }
  return function(request) web.handle(request, handlers[request:path()], logger) end
end

return M
