-- SPDX-License-Identifier: MIT
-- A Kafka to test against, embedded or real: its address, clients of it, topics that go away.
--
--   local topic <close> = cluster:topic { partitions = 3 }
--   local producer <close> = cluster:producer {}
--   assert(producer:publish { topic = topic.name, value = "v" })
local await = require "support.await"
local kafka = require "docmsg.kafka"
local name = require "support.name"

---@class support.Cluster
---@field bootstrap_servers string
---@field broker? docmsg.EmbeddedBroker
local Cluster = {}
Cluster.__index = Cluster
Cluster.__name = "support.Cluster"

local M = {}

---@param bootstrap_servers string
---@param broker? docmsg.EmbeddedBroker closed with the cluster
---@return support.Cluster
function M.new(bootstrap_servers, broker)
  return setmetatable({ bootstrap_servers = bootstrap_servers, broker = broker }, Cluster)
end

---@param self support.Cluster
---@param options table?
---@return table options with this cluster's address
local function addressed(self, options)
  local result = { bootstrap_servers = self.bootstrap_servers }
  for key, value in pairs(options or {}) do
    result[key] = value
  end
  return result
end

---@param options? table
---@return docmsg.Admin
function Cluster:admin(options)
  return assert(kafka.admin(addressed(self, options)))
end

---@param options? table
---@return docmsg.Producer
function Cluster:producer(options)
  return assert(kafka.producer(addressed(self, options)))
end

---The embedded broker answers nothing on a connection where a fetch waits for records: here none
---waits for long.
---@param properties? table
---@return table properties
local function impatient(properties)
  local result = { ["fetch.wait.max.ms"] = 10 }
  for key, value in pairs(properties or {}) do
    result[key] = value
  end
  return result
end

---Without a group named, it is in one of its own.
---@param options? table
---@return docmsg.Consumer
function Cluster:consumer(options)
  options = addressed(self, options)
  options.group = options.group or self:group()
  if self.broker then
    options.kafka = impatient(options.kafka)
  end
  return assert(kafka.consumer(options))
end

---@param word? string
---@return string
function Cluster:group(word)
  return name.unique(word or "group")
end

---@param results table<string, {error?: docmsg.Error}>
local function check(results)
  for _, result in pairs(results) do
    if result.error then
      error(tostring(result.error), 3)
    end
  end
end

---@class support.Topic
---@field name string
---@field package cluster support.Cluster
local Topic = {}
Topic.__index = Topic
Topic.__name = "support.Topic"

---Deletes the topic.
function Topic:close()
  local admin <close> = self.cluster:admin()
  check(assert(admin:delete_topics({ self.name })))
end

Topic.__close = Topic.close

---A broker answers for a new topic a moment after it was created.
---@param admin docmsg.Admin
---@param new docmsg.NewTopic
local function await_topic(admin, new)
  await(function()
    local info = assert(admin:describe_topics({ new.name }))[new.name]
    local led = 0
    for _, partition in ipairs(info.partitions) do
      led = led + (partition.leader and 1 or 0)
    end
    return not info.error and led == new.partitions
  end, "30s", "the topic " .. new.name)
end

---Makes a topic with a unique name, and deletes it at the end of `local topic <close>`.
---@param options? docmsg.NewTopic default: one partition, a unique name
---@return support.Topic
function Cluster:topic(options)
  local new = { name = name.unique("topic"), partitions = 1 }
  for key, value in pairs(options or {}) do
    new[key] = value
  end
  local admin <close> = self:admin()
  check(assert(admin:create_topics({ new })))
  await_topic(admin, new)
  return setmetatable({ name = new.name, cluster = self }, Topic)
end

---Ends the broker, when it is an embedded one.
function Cluster:close()
  if self.broker then
    self.broker:close()
  end
end

Cluster.__close = Cluster.close

return M
