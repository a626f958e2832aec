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
local statistics = require "docmsg.topic.statistics"
local topic_file = require "docmsg.topic.file"
local topic_table = require "docmsg.topic.table"

local M = {}

---@class docmsg.TopicManager
---@field private admin docmsg.Admin
---@field private timeout docmsg.Duration
---@field private sleep fun(duration: docmsg.Duration)
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
  }, Manager)
end

---Closes the connection.
function Manager:close()
  self.admin:close()
end

Manager.__close = Manager.close

---What is on the broker about the named topics, in two requests.
---@param names string[]
---@return table<string, docmsg.Observed>? observed
---@return docmsg.Error? err
function Manager:observe(names)
  local observed, existing = {}, {}
  local infos, err = self.admin:describe_topics(names, { timeout = self.timeout })
  if not infos then return nil, err end
  for _, name in ipairs(names) do
    local info = infos[name]
    observed[name] = {}
    local trouble = info and info.error
    if trouble and trouble.name ~= "UNKNOWN_TOPIC_OR_PART" then return nil, trouble end
    if info and not trouble then
      observed[name].info = info
      existing[#existing + 1] = name
    end
  end
  if #existing == 0 then return observed end
  local described, refused = self.admin:describe_configs(existing, { timeout = self.timeout })
  if not described then return nil, refused end
  for _, name in ipairs(existing) do
    if described[name].error then return nil, described[name].error end
    observed[name].configs = described[name].configs
  end
  return observed
end

---@class docmsg.EnsureResult
---@field name string
---@field status "created"|"exists"|"failed"
---@field error? docmsg.Error why it failed
---@field differences docmsg.Difference[] empty when the topic is as declared

local function new_topic(topic)
  return {
    name = topic.name,
    partitions = topic.partitions,
    replication_factor = topic.replication_factor,
    config = topic.config,
  }
end

local function creation_status(err)
  if not err then return "created" end
  return err.name == "TOPIC_ALREADY_EXISTS" and "exists" or "failed"
end

-- Says how many brokers there are to somebody who asked for more replicas.
local function explain(self, err)
  if not err or err.name ~= "INVALID_REPLICATION_FACTOR" or err.hint then return err end
  local explained = connection.rephrase(err, err.message)
  explained.hint = ("the cluster has %d broker(s): lower replication_factor or start more")
    :format(#self.cluster.brokers)
  return explained
end

-- Creates topics in one request. When that ended without an answer nobody knows what it did, and
-- the broker is asked.
local function create(self, missing, results)
  local requested, names = {}, {}
  for i, topic in ipairs(missing) do requested[i], names[i] = new_topic(topic), topic.name end
  local created, err = self.admin:create_topics(requested, { timeout = self.timeout })
  for _, name in ipairs(names) do
    local failure = err or created[name].error
    results[name].status, results[name].error = creation_status(failure), explain(self, failure)
  end
  return names
end

-- Topics whose creation failed may be there all the same: the request timed out after it was sent.
local function reconsider(results, observed)
  for name, seen in pairs(observed) do
    local result = results[name]
    local err = result.status == "failed" and result.error
    local ambiguous = err and (err.retriable or err.code < 0)
    if seen.info and ambiguous then result.status, result.error = "created", nil end
    if result.status == "exists" then result.error = nil end
  end
end

local FIRST_PAUSE_MS <const>, LONGEST_PAUSE_MS <const> = 10, 500

-- Compares what was just created. Is all of it as declared?
local function compare_created(declared, observed, results)
  local ready = true
  for _, topic in ipairs(declared.topics) do
    local result, seen = results[topic.name], observed[topic.name]
    if seen and result.status ~= "failed" then
      result.differences = compare.topic(topic, seen)
      ready = ready and (result.status == "exists" or #result.differences == 0)
    end
  end
  return ready
end

-- Waits until the named topics are as declared, as new ones take a moment to appear; stops when
-- the pauses add up to the time-out.
local function converge(self, declared, names, results)
  local pause, left = FIRST_PAUSE_MS, kafka.duration(self.timeout)
  while true do
    local observed, err = self:observe(names)
    if not observed then return nil, err end
    reconsider(results, observed)
    if compare_created(declared, observed, results) or left <= 0 then return true end
    self.sleep(pause .. "ms")
    left, pause = left - pause, math.min(pause * 2, LONGEST_PAUSE_MS)
  end
end

---Creates the topics that are missing, in one request, and waits until they are as declared.
---Topics that exist are compared and left alone.
---@param declared docmsg.TopicTable
---@return docmsg.EnsureResult[]? results in the order of the file
---@return docmsg.Error? err when the broker could not be asked
function Manager:ensure(declared)
  local observed, err = self:observe(declared.names)
  if not observed then return nil, err end
  local ordered, results, missing = {}, {}, {}
  for i, topic in ipairs(declared.topics) do
    local result = { name = topic.name, status = "exists", differences = {} }
    ordered[i], results[topic.name] = result, result
    if observed[topic.name].info then
      result.differences = compare.topic(topic, observed[topic.name])
    else
      missing[#missing + 1] = topic
    end
  end
  if #missing == 0 then return ordered end
  local names = create(self, missing, results)
  local converged, failure = converge(self, declared, names, results)
  if not converged then return nil, failure end
  return ordered
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
    if names or name:sub(1, 2) ~= "__" then list[#list + 1] = info end
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
  return statistics.gather(self.admin, topics, groups, { timeout = self.timeout })
end

return M
