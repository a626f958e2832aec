-- SPDX-License-Identifier: MIT
-- What is on the cluster, in a number of requests that does not depend on the number of topics
-- until there are hundreds of them.
local keys = require "docmsg.keys"

local M = {}

-- Configurations of so many topics are asked for at once: an answer has about 4 KB a topic.
local CONFIGS_PER_REQUEST <const> = 500

---A cluster as a plan sees it.
---@class docmsg.topic.Cluster
---@field id? string
---@field brokers integer[] ids in order
---@field names string[] of all its topics but Kafka's own ("__…"), sorted
---@field observed table<string, docmsg.Observed> of the topics that were asked for

local function add_configs(admin, names, observed, options)
  for first = 1, #names, CONFIGS_PER_REQUEST do
    local last = math.min(first + CONFIGS_PER_REQUEST - 1, #names)
    local described, err = admin:describe_configs(table.move(names, first, last, 1, {}), options)
    if not described then return nil, err end
    for i = first, last do
      local result = described[names[i]]
      if result.error then
        -- It went away between the two requests.
        if result.error.name ~= "UNKNOWN_TOPIC_OR_PART" then return nil, result.error end
        observed[names[i]] = {}
      else
        observed[names[i]].configs = result.configs
      end
    end
  end
  return observed
end

local function select(infos, names)
  local observed, existing = {}, {}
  for _, name in ipairs(names) do
    local info = infos[name]
    local trouble = info and info.error
    if trouble and trouble.name ~= "UNKNOWN_TOPIC_OR_PART" then return nil, trouble end
    observed[name] = { info = not trouble and info or nil }
    if observed[name].info then existing[#existing + 1] = name end
  end
  return observed, existing
end

---The named topics, in two requests for each few hundred of them.
---@param admin docmsg.Admin
---@param names string[]
---@param options docmsg.AdminOptions
---@return table<string, docmsg.Observed>? observed by name
---@return docmsg.Error? err
function M.topics(admin, names, options)
  if #names == 0 then return {} end
  local infos, err = admin:describe_topics(names, options)
  if not infos then return nil, err end
  local observed, existing = select(infos, names)
  if not observed then return nil, existing end
  return add_configs(admin, existing, observed, options)
end

---Are the topic's records Kafka's own?
---@param name string
---@return boolean
function M.is_internal(name)
  return name:sub(1, 2) == "__"
end

---The whole cluster, with the configurations of the topics that are wanted.
---@param admin docmsg.Admin
---@param cluster {id?: string, brokers: {id: integer}[]} as `admin:cluster` gives it
---@param wanted (fun(names: string[]): string[]) from the names of all topics, which to observe
---@param options docmsg.AdminOptions
---@return docmsg.topic.Cluster? cluster
---@return docmsg.Error? err
function M.cluster(admin, cluster, wanted, options)
  local infos, err = admin:describe_topics(nil, options)
  if not infos then return nil, err end
  local view = { id = cluster.id, brokers = {}, names = {} }
  for i, broker in ipairs(cluster.brokers) do view.brokers[i] = broker.id end
  table.sort(view.brokers)
  for _, name in ipairs(keys.sorted(infos)) do
    if not M.is_internal(name) then view.names[#view.names + 1] = name end
  end
  local observed, existing = select(infos, wanted(view.names))
  if not observed then return nil, existing end
  view.observed, err = add_configs(admin, existing, observed, options)
  if not view.observed then return nil, err end
  return view
end

return M
