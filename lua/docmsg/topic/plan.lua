-- SPDX-License-Identifier: MIT
-- From what is declared and what is there to what has to be done, and how dangerous that is. Pure:
-- nothing but its arguments decides.
local compare = require "docmsg.topic.compare"
local keys = require "docmsg.keys"
local glob = require "docmsg.topic.glob"
local property = require "docmsg.topic.property"
local reassign = require "docmsg.topic.reassign"
local state = require "docmsg.topic.state"

local M = {}

---@alias docmsg.topic.Class "create"|"config.safe"|"grow"|"repartition"|"config.risky"|"delete"|"blocked"

---@class docmsg.topic.Change
---@field topic string
---@field class docmsg.topic.Class
---@field needs? "config"|"repartition"|"delete" the word of --allow that it needs
---@field partitions? integer create, delete
---@field replication_factor? integer create
---@field config? table<string, string> create
---@field from? integer partitions before: grow, repartition
---@field to? integer partitions after: grow, repartition
---@field moved? number the share of keys that change their partition, 0 to 1: repartition
---@field properties? {name: string, from?: string, to?: string}[] config; without `to`: no override
---@field reason? string blocked
---@field reassignment? docmsg.topic.Reassignment blocked by the replication factor

---@class docmsg.Plan
---@field cluster {id?: string, brokers: integer[]}
---@field file string
---@field declared integer topics that were looked at
---@field existing integer how many of them exist
---@field unchanged integer how many of them are as declared
---@field changes docmsg.topic.Change[] by topic, then in the order in which they are made
---@field seen table<string, docmsg.topic.State> of the topics with changes
---@field kept {topic: string, name: string, value: string}[] overrides that are not declared
---@field undeclared string[] topics that are not declared

-- The order in which changes are made.
M.ORDER = { "create", "config.safe", "grow", "repartition", "config.risky", "delete" }

local RANK <const> = { blocked = 0 }
for i, class in ipairs(M.ORDER) do RANK[class] = i end

local NEEDS <const> =
  { ["config.risky"] = "config", repartition = "repartition", delete = "delete" }

local function gcd(a, b)
  while b > 0 do a, b = b, a % b end
  return a
end

---The share of keys whose partition changes when there are more of them, for keys that a hash
---spreads evenly.
---@param from integer partitions
---@param to integer
---@return number share 0 to 1
function M.moved_share(from, to)
  return 1 - gcd(from, to) / to
end

local function make(topic, class, change)
  change.topic, change.class, change.needs = topic, class, NEEDS[class]
  return change
end

---The word of --allow that a class of changes needs.
---@param class docmsg.topic.Class
---@return string?
function M.needs(class)
  return NEEDS[class]
end

local handle = {}

function handle.existence(topic)
  return make(topic.name, "create", { partitions = topic.partitions,
    replication_factor = topic.replication_factor, config = topic.config })
end

function handle.partitions(topic, observed)
  local from, to = #observed.info.partitions, topic.partitions
  if to < from then
    return make(topic.name, "blocked", { reason =
      ("partitions %d → %d: Kafka takes none away; make another topic and move to it"):format(from, to) })
  end
  if topic.key then
    return make(topic.name, "repartition", { from = from, to = to, moved = M.moved_share(from, to) })
  end
  return make(topic.name, "grow", { from = from, to = to })
end

function handle.replicas(topic, observed, difference, cluster)
  local reassignment = reassign.plan(observed.info, topic.replication_factor, cluster.brokers)
  local remedy = reassignment and "a reassignment does it, see reassignment"
    or ("there are only %d brokers"):format(#cluster.brokers)
  return make(topic.name, "blocked", { reassignment = reassignment, reason =
    ("replication factor %s → %s: %s"):format(difference.actual, difference.declared, remedy) })
end

-- A partition without a leader is no difference that a change could mend.
function handle.leader() end

-- All properties of a topic in at most two changes: the safe ones, then the risky ones.
local function config_changes(topic, observed, differences, changes)
  local lists = { ["config.safe"] = {}, ["config.risky"] = {} }
  for _, difference in ipairs(differences) do
    if difference.kind == "config" then
      local entry = observed.configs[difference.field]
      local from, to = entry and entry.value, not difference.inherit and difference.declared or nil
      local list = lists[property.is_risky(difference.field, from, to) and "config.risky" or "config.safe"]
      list[#list + 1] = { name = difference.field, from = from, to = to }
    end
  end
  for _, class in ipairs { "config.safe", "config.risky" } do
    local list = lists[class]
    if #list > 0 then changes[#changes + 1] = make(topic.name, class, { properties = list }) end
  end
end

local function changes_of(topic, observed, cluster)
  local changes = {}
  local differences = compare.topic(topic, observed)
  for _, difference in ipairs(differences) do
    local change = handle[difference.kind]
    changes[#changes + 1] = change and change(topic, observed, difference, cluster)
  end
  if observed.info then config_changes(topic, observed, differences, changes) end
  table.sort(changes, function(a, b) return RANK[a.class] < RANK[b.class] end)
  return changes
end

local function deletion(topic, observed)
  if not observed.info then return {} end
  return { make(topic.name, "delete", { partitions = #observed.info.partitions }) }
end

-- Overrides that the file does not mention are kept, and told of.
local function add_kept(plan, topic, observed)
  local configs = observed.configs or {}
  for _, name in ipairs(keys.sorted(configs)) do
    local mentioned = topic.config[name] or topic.inherit[name]
    if configs[name].source == "topic" and not mentioned then
      plan.kept[#plan.kept + 1] = { topic = topic.name, name = name, value = configs[name].value }
    end
  end
end

local function add_topic(plan, topic, observed, cluster)
  local changes = topic.deleted and deletion(topic, observed) or changes_of(topic, observed, cluster)
  plan.declared = plan.declared + 1
  if observed.info then plan.existing = plan.existing + 1 end
  if #changes == 0 then
    plan.unchanged = plan.unchanged + 1
  else
    plan.seen[topic.name] = state.of(observed, topic.config or {})
    table.move(changes, 1, #changes, #plan.changes + 1, plan.changes)
  end
  if not topic.deleted then add_kept(plan, topic, observed) end
end

---What is declared of topics, also of those that shall not exist, by name.
---@param declared docmsg.TopicTable
---@param only? string[] patterns of names; default: all
---@return docmsg.Topic[]
function M.topics(declared, only)
  local topics = table.move(declared.topics, 1, #declared.topics, 1, {})
  table.move(declared.deleted, 1, #declared.deleted, #topics + 1, topics)
  table.sort(topics, function(a, b) return a.name < b.name end)
  local wanted, chosen = glob.matcher(only), {}
  for _, topic in ipairs(topics) do
    if wanted(topic.name) then chosen[#chosen + 1] = topic end
  end
  return chosen
end

---The names of the topics that a plan has to know about.
---@param declared docmsg.TopicTable
---@param only? string[] patterns of names; default: all
---@return string[]
function M.names(declared, only)
  local names = {}
  for i, topic in ipairs(M.topics(declared, only)) do names[i] = topic.name end
  return names
end

---Plans. What is not declared is left alone.
---@param declared docmsg.TopicTable
---@param cluster docmsg.topic.Cluster
---@param only? string[] patterns of names, with "*" and "?"; default: all
---@return docmsg.Plan
function M.make(declared, cluster, only)
  local plan = {
    cluster = { id = cluster.id, brokers = cluster.brokers }, file = declared.path,
    declared = 0, existing = 0, unchanged = 0, changes = {}, seen = {}, kept = {}, undeclared = {},
  }
  for _, topic in ipairs(M.topics(declared, only)) do
    add_topic(plan, topic, cluster.observed[topic.name], cluster)
  end
  local wanted, known = glob.matcher(only), {}
  for _, name in ipairs(M.names(declared)) do known[name] = true end
  for _, name in ipairs(cluster.names) do
    if not known[name] and wanted(name) then plan.undeclared[#plan.undeclared + 1] = name end
  end
  return plan
end

---What keeps a plan from being applied.
---@param plan docmsg.Plan
---@param allowed table<string, boolean> words of --allow
---@return docmsg.topic.Change[] refused empty when nothing does
function M.refused(plan, allowed)
  local refused = {}
  for _, change in ipairs(plan.changes) do
    if change.class == "blocked" or (change.needs and not allowed[change.needs]) then
      refused[#refused + 1] = change
    end
  end
  return refused
end

---How many changes there are of each kind.
---@param plan docmsg.Plan
---@return {create: integer, change: integer, delete: integer, blocked: integer}
function M.count(plan)
  local counts = { create = 0, change = 0, delete = 0, blocked = 0 }
  for _, change in ipairs(plan.changes) do
    local kind = counts[change.class] and change.class or "change"
    counts[kind] = counts[kind] + 1
  end
  return counts
end

return M
