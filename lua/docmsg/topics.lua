-- SPDX-License-Identifier: MIT
-- Topics as code: a table in a Lua file says what exists on the broker, a manager makes it so and
-- checks it. Topics keep the order in which the file names them.
--
--   local declared = assert(topics.load "topics.lua")
--   local manager <close> = assert(topics.connect { log = log.new() })
--   for _, result in ipairs(assert(manager:ensure(declared))) do
--     print(result.status, result.name)
--   end
local compare = require "docmsg.topic.compare"
local connection = require "docmsg.topic.connection"
local docmsg = require "docmsg"
local kafka = require "docmsg.kafka"
local observe = require "docmsg.topic.observe"
local topic_file = require "docmsg.topic.file"
local topic_table = require "docmsg.topic.table"

local M = {}

-- Parts that most programs do not need, or not at once.
local function plan() return require "docmsg.topic.plan" end

---@class docmsg.TopicManager
---@field private admin docmsg.Admin
---@field private timeout docmsg.Duration
---@field private sleep fun(duration: docmsg.Duration)
---@field private witnesses? docmsg.topic.Witnesses
---@field private options docmsg.TopicsOptions
local Manager = { __name = "docmsg.TopicManager" }
Manager.__index = Manager

---Reads a topic file. It runs without the standard library, for a bounded time.
---@param path string
---@param getenv? fun(name: string): string? default: the environment, and .env under docmsg-lua
---@return docmsg.TopicTable? declared
---@return string? reason everything that is wrong, "file:line: …", one a line
function M.load(path, getenv)
  getenv = getenv or docmsg.getenv
  local raw, reason = topic_file.read(path, getenv)
  if not raw then return nil, reason end
  return topic_table.build(raw, getenv)
end

---The same for the text of a topic file.
---@param text string
---@param name? string in messages; default "topics"
---@param getenv? fun(name: string): string? default: the environment, and .env under docmsg-lua
---@return docmsg.TopicTable? declared
---@return string? reason
function M.parse(text, name, getenv)
  getenv = getenv or docmsg.getenv
  local raw, reason = topic_file.run(name or "topics", text, getenv)
  if not raw then return nil, reason end
  return topic_table.build(raw, getenv)
end

---The same for a table such as a topic file returns.
---@param returned table
---@param name? string in messages; default "topics"
---@param getenv? fun(name: string): string? default: the environment, and .env under docmsg-lua
---@return docmsg.TopicTable? declared
---@return string? reason
function M.declare(returned, name, getenv)
  local raw, reason = topic_file.wrap(name or "topics", returned)
  if not raw then return nil, reason end
  return topic_table.build(raw, getenv or docmsg.getenv)
end

---Differences as text: "partitions 1, declared 6".
---@param differences docmsg.Difference[]
---@return string
function M.describe(differences)
  return compare.describe(differences)
end

---@class docmsg.TopicsOptions : docmsg.ConnectOptions
---@field timeout? docmsg.Duration of a request, and for new topics to be ready; default "30s"

---Connects to the cluster, with retries while it cannot be reached.
---@param options? docmsg.TopicsOptions
---@return docmsg.TopicManager? manager
---@return docmsg.Error? err
function M.connect(options)
  options = options or {}
  local admin, err, cluster = connection.open(options)
  if not admin then return nil, err end
  if options.log then
    local servers = options.bootstrap_servers or kafka.defaults().bootstrap_servers
    if type(servers) == "table" then servers = table.concat(servers, ",") end
    options.log:info("Connected to Kafka: [%s]", (servers:gsub("%s*,%s*", ", ")))
  end
  return setmetatable({
    admin = admin,
    cluster = cluster,
    timeout = options.timeout or "30s",
    sleep = options.sleep or kafka.sleep,
    options = options,
  }, Manager)
end

---Closes the connection.
function Manager:close()
  if self.witnesses then self.witnesses:close() end
  self.admin:close()
end

Manager.__close = Manager.close

---What is on the broker about the named topics, in two requests.
---@param names string[]
---@return table<string, docmsg.Observed>? observed
---@return docmsg.Error? err
function Manager:observe(names)
  return observe.topics(self.admin, names, { timeout = self.timeout })
end

---The cluster with the names of its topics, and what is on it about some of them.
---@param wanted fun(names: string[]): string[] chooses from the names of all topics
---@return docmsg.topic.Cluster? cluster
---@return docmsg.Error? err
function Manager:describe(wanted)
  return observe.cluster(self.admin, self.cluster, wanted, { timeout = self.timeout })
end

---Plans what has to be done until the topics are as declared, changing nothing. What is not
---declared is left alone.
---@param declared docmsg.TopicTable
---@param only? string[] patterns of names, with "*" and "?"; default: all
---@return docmsg.Plan? plan
---@return docmsg.Error? err
function Manager:plan(declared, only)
  local names = plan().names(declared, only)
  local cluster, err = self:describe(function() return names end)
  if not cluster then return nil, err end
  return plan().make(declared, cluster, only)
end

---Makes the changes of a plan, however dangerous: whether it may is to be asked before.
---@param planned docmsg.Plan
---@param options? {wait?: docmsg.Duration, validate_only?: boolean} `wait` until a change reads back; default `timeout`
---@return docmsg.topic.Result[] results one for each change, in the order in which they were made
function Manager:apply(planned, options)
  options = options or {}
  return require("docmsg.topic.apply").run(self.admin, planned, {
    timeout = self.timeout, wait = options.wait or self.timeout, sleep = self.sleep,
    validate_only = options.validate_only,
    witnesses = function()
      self.witnesses = self.witnesses
        or require("docmsg.topic.witness").open(self.cluster.brokers, self.options)
      return self.witnesses
    end,
  })
end

---@class docmsg.EnsureResult
---@field name string
---@field status "created"|"exists"|"failed"
---@field error? docmsg.Error why it failed
---@field partitions integer as they are on the broker; 0 when the topic does not exist
---@field differences docmsg.Difference[] empty when the topic is as declared

local ENSURED <const> =
  { done = "created", unconverged = "created", already = "exists", stale = "exists", failed = "failed" }

-- Creates what is missing. Returns the results by the names of topics.
local function create(self, missing, observed)
  local brokers, results = {}, {}
  for i, broker in ipairs(self.cluster.brokers) do brokers[i] = broker.id end
  local planned = plan().make({ topics = missing, deleted = {} },
    { brokers = brokers, names = {}, observed = observed })
  for _, result in ipairs(self:apply(planned)) do results[result.topic] = result end
  return results
end

---Creates the topics that are missing, in one request for each hundred, and waits until they are as
---declared. Topics that exist are compared and left alone.
---@param declared docmsg.TopicTable
---@return docmsg.EnsureResult[]? results in the order of the file
---@return docmsg.Error? err when the broker could not be asked
function Manager:ensure(declared)
  local observed, err = self:observe(declared.names)
  if not observed then return nil, err end
  local missing = {}
  for _, topic in ipairs(declared.topics) do
    if not observed[topic.name].info then missing[#missing + 1] = topic end
  end
  local made = #missing > 0 and create(self, missing, observed) or {}
  local results = {}
  for i, topic in ipairs(declared.topics) do
    local result = made[topic.name] or { status = "already", observed = observed[topic.name] }
    local info = result.observed and result.observed.info
    results[i] = { name = topic.name, status = ENSURED[result.status], error = result.error,
      partitions = info and #info.partitions or 0,
      differences = result.error and {} or compare.topic(topic, result.observed) }
  end
  return results
end

---@class docmsg.VerifyResult
---@field name string
---@field partitions integer as they are on the broker; 0 when the topic does not exist
---@field differences docmsg.Difference[] empty when the topic is as declared

---Compares the topics with what is on the broker, changing nothing.
---@param declared docmsg.TopicTable
---@return docmsg.VerifyResult[]? report in the order of the file
---@return docmsg.Error? err
function Manager:verify(declared)
  local observed, err = self:observe(declared.names)
  if not observed then return nil, err end
  local report = {}
  for i, topic in ipairs(declared.topics) do
    local seen = observed[topic.name]
    report[i] = {
      name = topic.name,
      partitions = seen.info and #seen.info.partitions or 0,
      differences = compare.topic(topic, seen),
    }
  end
  return report
end

---The topics of the cluster with their partitions, leaders, replicas and in-sync replicas.
---@param names? string[] default: all but Kafka's own ("__…")
---@return docmsg.TopicInfo[]? topics by name
---@return docmsg.Error? err UNKNOWN_TOPIC_OR_PART when a named one does not exist
function Manager:list(names)
  local infos, err = self.admin:describe_topics(names, { timeout = self.timeout })
  if not infos then return nil, err end
  local list = {}
  for name, info in pairs(infos) do
    if info.error then return nil, info.error end
    if names or not observe.is_internal(name) then list[#list + 1] = info end
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

---First and last offsets, record counts and the lag of consumer groups.
---@param names? string[] default: all topics but Kafka's own ("__…")
---@param groups? string[] default: all groups of the cluster
---@return docmsg.TopicStatistics[]? statistics by name
---@return docmsg.Error? err
function Manager:statistics(names, groups)
  local topics, err = self:list(names)
  if not topics then return nil, err end
  return require("docmsg.topic.statistics").gather(self.admin, topics, groups, { timeout = self.timeout })
end

return M
