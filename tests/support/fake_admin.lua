-- SPDX-License-Identifier: MIT
-- An admin client without a broker: it answers from a table and remembers what it was asked.
local M = {}

local ErrorMeta = { __name = "docmsg.Error" }

function ErrorMeta:__tostring()
  return ("%s (%s)%s"):format(self.message, self.name, self.hint and ": " .. self.hint or "")
end

---An error as docmsg.kafka makes them; local ones begin with "_".
function M.err(name, message)
  local is_local = name:sub(1, 1) == "_"
  return setmetatable({
    code = is_local and -1 or 1, name = name, message = message,
    retriable = is_local, fatal = false, abortable = false,
  }, ErrorMeta)
end

local Admin = {}
Admin.__index = Admin

---@param state? table topics, groups, and what shall go wrong
function M.admin(state)
  local admin = { topics = {}, groups = {}, calls = {}, closed = 0, appears_after = 0 }
  for key, value in pairs(state or {}) do admin[key] = value end
  if state and state.cluster then admin.cluster_errors, admin.cluster = state.cluster, nil end
  return setmetatable(admin, Admin)
end

function Admin:note(name, argument, options)
  self.calls[#self.calls + 1] = { name = name, argument = argument, options = options }
end

function Admin:call(name)
  for _, call in ipairs(self.calls) do
    if call.name == name then return call end
  end
end

function Admin:count(name)
  local count = 0
  for _, call in ipairs(self.calls) do count = count + (call.name == name and 1 or 0) end
  return count
end

function Admin:called()
  local names = {}
  for i, call in ipairs(self.calls) do names[i] = call.name end
  return table.concat(names, " ")
end

function Admin:close()
  self.closed = self.closed + 1
end

function Admin:cluster(options)
  self:note("cluster", nil, options)
  if self.on_cluster then self.on_cluster() end
  if self.unreachable then return nil, self.unreachable end
  local err = self.cluster_errors and table.remove(self.cluster_errors, 1)
  if err then return nil, err end
  return { id = "fake", controller = 1, brokers = { { id = 1, host = "fake", port = 9092 } } }
end

local function partitions_of(topic)
  local partitions = {}
  for i = 1, topic.partitions do
    local replicas = {}
    for r = 1, topic.replicas or 1 do replicas[r] = r end
    local leader = i > (topic.leaderless or 0) and 1 or nil
    partitions[i] = { partition = i - 1, leader = leader, replicas = replicas, isr = replicas }
  end
  return partitions
end

function Admin:describe_topics(names, options)
  self:note("describe_topics", names, options)
  if not names then
    names = {}
    for name in pairs(self.topics) do names[#names + 1] = name end
  end
  local infos = {}
  for _, name in ipairs(names) do
    local topic = self.topics[name]
    local visible = topic and (not topic.hidden or self:count "describe_topics" >= topic.hidden)
    infos[name] = visible and { name = name, partitions = partitions_of(topic) }
      or { name = name, partitions = {}, error = M.err("UNKNOWN_TOPIC_OR_PART", "no topic " .. name) }
  end
  return infos
end

function Admin:describe_configs(names, options)
  self:note("describe_configs", names, options)
  local results = {}
  for _, name in ipairs(names) do
    local configs = {}
    local topic = self.topics[name]
    for key, value in pairs(topic and topic.config or {}) do
      configs[key] = { value = value, source = "topic", read_only = false, sensitive = false }
    end
    local gone = not topic and M.err("UNKNOWN_TOPIC_OR_PART", "no topic " .. name) or nil
    results[name] = { name = name, type = "topic", configs = configs, error = gone }
  end
  return results
end

function Admin:create_topics(requested, options)
  self:note("create_topics", requested, options)
  local results = {}
  for _, topic in ipairs(requested) do
    if self.on_create then self.on_create(topic) end
    local refused = (self.refuse or {})[topic.name]
    local exists = self.topics[topic.name] and M.err("TOPIC_ALREADY_EXISTS", "exists")
    local lost = self.request_error and not (self.done or {})[topic.name]
    results[topic.name] = { name = topic.name, error = refused or exists or nil }
    if not refused and not exists and not lost and not (options and options.validate_only) then
      self.topics[topic.name] = {
        partitions = topic.partitions, config = topic.config,
        hidden = self.appears_after > 0 and self:count "describe_topics" + self.appears_after or nil,
      }
    end
  end
  if self.request_error then return nil, self.request_error end
  return results
end

-- What is refused, by the name of the call and the topic; nothing happens for it.
function Admin:change(call, topics, options, act)
  self:note(call, topics, options)
  if self.request_error then return nil, self.request_error end
  local results = {}
  for _, topic in ipairs(topics) do
    local name = type(topic) == "string" and topic or topic.name
    local refused = (self.refuse or {})[name]
      or (not self.topics[name] and M.err("UNKNOWN_TOPIC_OR_PART", "no topic " .. name)) or nil
    results[name] = { name = name, error = refused }
    if not refused and not (options and options.validate_only) then act(name, topic) end
  end
  return results
end

function Admin:create_partitions(topics, options)
  return self:change("create_partitions", topics, options, function(name, topic)
    self.topics[name].partitions = topic.partitions
  end)
end

function Admin:alter_configs(changes, options)
  return self:change("alter_configs", changes, options, function(name, change)
    local config = self.topics[name].config or {}
    for key, value in pairs(change.set or {}) do config[key] = value end
    for _, key in ipairs(change.delete or {}) do config[key] = nil end
    self.topics[name].config = config
  end)
end

function Admin:delete_topics(names, options)
  return self:change("delete_topics", names, options, function(name) self.topics[name] = nil end)
end

function Admin:list_offsets(queries)
  local offsets = {}
  for i, query in ipairs(queries) do
    local range = self.topics[query.topic].offsets[query.partition + 1]
    offsets[i] = { topic = query.topic, partition = query.partition,
      offset = query.at == "earliest" and range[1] or range[2] }
  end
  return offsets
end

function Admin:list_groups()
  local groups = {}
  for name in pairs(self.groups) do groups[#groups + 1] = { group = name, state = "Empty", simple = false } end
  return groups
end

function Admin:group_offsets(group)
  return self.groups[group]
end

return M
