-- SPDX-License-Identifier: MIT
-- The topics that dead letters go to: made and verified before a consumer starts, so that a record
-- that cannot be handled never waits for a topic.
local M = {}

-- Room for the headers that say why a record is dead.
local HEADER_ROOM <const> = 64 << 10
-- What brokers take by default.
local DEFAULT_SIZE <const> = 1048588
local RETENTION_MS <const> = 30 * 24 * 60 * 60 * 1000

---@class docmsg.dead_letter.Need
---@field name string of the dead-letter topic
---@field sources string[] the topics whose records it takes; none when patterns alone name them

local function is_pattern(topic)
  return topic:sub(1, 1) == "^"
end

-- The dead-letter topics that the consumers need, and the topics they read by name.
local function needs_of(consumers)
  local needs, sources, known = {}, {}, {}
  for _, consumer in ipairs(consumers) do
    for _, source in ipairs(consumer:topics()) do
      local name = consumer:dead_letter_topic(source)
      local need = known[name] or { name = name, sources = {} }
      if not known[name] then needs[#needs + 1] = need end
      if not is_pattern(source) then
        table.insert(need.sources, source)
        if not known[source] then sources[#sources + 1] = source end
        known[source] = true
      end
      known[name] = need
    end
  end
  return needs, sources
end

-- What is known of the topics, by name; an error when one that must exist does not.
local function describe(admin, sources, needs, timeout)
  local names = table.move(sources, 1, #sources, 1, {})
  for _, need in ipairs(needs) do names[#names + 1] = need.name end
  local infos, err = admin:describe_topics(names, { timeout = timeout })
  if not infos then return nil, err end
  for _, source in ipairs(sources) do
    local trouble = infos[source] and infos[source].error
    if trouble then
      return nil, ("topic %s: %s; create it first, with setup.lua or `docmsg-lua topics apply`")
        :format(source, trouble.message)
    end
  end
  return infos
end

-- How large the records of the source may be.
local function size_of(configs, source)
  local entry = configs[source] and configs[source].configs["max.message.bytes"]
  return entry and math.tointeger(tonumber(entry.value)) or DEFAULT_SIZE
end

-- As many partitions as the largest source has, room for the largest record; where only patterns
-- name the sources, what the broker takes by default.
local function declare(need, infos, configs)
  local partitions, replicas, size = 1, nil, DEFAULT_SIZE
  for _, source in ipairs(need.sources) do
    local list = infos[source].partitions
    partitions, replicas = math.max(partitions, #list), math.max(replicas or 0, #list[1].replicas)
    size = math.max(size, size_of(configs, source))
  end
  return {
    name = need.name, partitions = partitions, replication_factor = replicas,
    config = {
      ["retention.ms"] = tostring(RETENTION_MS),
      ["max.message.bytes"] = tostring(size + HEADER_ROOM),
    },
  }
end

local function is_missing(info)
  return info.error ~= nil and info.error.name == "UNKNOWN_TOPIC_OR_PART"
end

-- The configurations of all sources, by topic.
local function describe_sources(admin, needs, timeout)
  local sources, seen = {}, {}
  for _, need in ipairs(needs) do
    for _, source in ipairs(need.sources) do
      if not seen[source] then sources[#sources + 1] = source end
      seen[source] = true
    end
  end
  if #sources == 0 then return {} end
  return admin:describe_configs(sources, { timeout = timeout })
end

local function create(admin, missing, infos, timeout)
  local configs, err = describe_sources(admin, missing, timeout)
  if not configs then return nil, err end
  local declared = {}
  for i, need in ipairs(missing) do declared[i] = declare(need, infos, configs) end
  local created, failure = admin:create_topics(declared, { timeout = timeout })
  if not created then return nil, failure end
  for _, need in ipairs(missing) do
    local trouble = created[need.name].error
    if trouble and trouble.name ~= "TOPIC_ALREADY_EXISTS" then return nil, trouble end
  end
  return true
end

---@class docmsg.dead_letter.Options
---@field create boolean make what is missing; otherwise that is an error
---@field timeout docmsg.Duration
---@field log docmsg.Log

---Sees to it that the topics of the consumers and their dead-letter topics exist.
---@param admin docmsg.Admin
---@param consumers docmsg.ConsumerGroup[]
---@param options docmsg.dead_letter.Options
---@return table<string, docmsg.TopicInfo>? infos what is known of the consumers' topics, by name
---@return any reason
function M.ensure(admin, consumers, options)
  local needs, sources = needs_of(consumers)
  local infos, reason = describe(admin, sources, needs, options.timeout)
  if not infos then return nil, reason end
  local missing, names = {}, {}
  for _, need in ipairs(needs) do
    if is_missing(infos[need.name]) then
      missing[#missing + 1], names[#names + 1] = need, need.name
    elseif infos[need.name].error then
      return nil, infos[need.name].error
    end
  end
  if #missing == 0 then return infos end
  if not options.create then
    return nil, ("dead-letter topics are missing: %s"):format(table.concat(names, ", "))
  end
  local ok, err = create(admin, missing, infos, options.timeout)
  if not ok then return nil, err end
  options.log:info("dead-letter topics created: %s", table.concat(names, ", "))
  return infos
end

return M
