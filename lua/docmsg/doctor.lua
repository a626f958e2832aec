-- SPDX-License-Identifier: MIT
-- What may be wrong between this program and a cluster: versions, configuration, connection, broker.
-- Pure but for the admin client, which is an argument.
local M = {}

---@class docmsg.doctor.Finding
---@field check string what was looked at
---@field status "ok"|"warning"|"failed"
---@field message string

-- Defects of librdkafka that a configuration can meet: until which release, when, and what to do.
local DEFECTS <const> = {
  { fixed = "2.6.1", property = "partition.assignment.strategy", pattern = "cooperative%-sticky",
    message = "cooperative-sticky can loop and crash in librdkafka %s: use range, or 2.6.1 and newer" },
}

local function number_of(version)
  local major, minor, patch = version:match("(%d+)%.(%d+)%.(%d+)")
  return major and major * 1000000 + minor * 1000 + patch or 0
end

---What this librdkafka is known to do wrong with these properties.
---@param version string of librdkafka
---@param properties table<string, string>
---@return docmsg.doctor.Finding[]
function M.defects(version, properties)
  local findings = {}
  for _, defect in ipairs(DEFECTS) do
    local value = properties[defect.property]
    if value and tostring(value):find(defect.pattern) and number_of(version) < number_of(defect.fixed) then
      findings[#findings + 1] = { check = defect.property, status = "warning",
        message = defect.message:format(version) }
    end
  end
  return findings
end

---What the versions at work say.
---@param versions {librdkafka: string, features: table<string, boolean>}
---@return docmsg.doctor.Finding
function M.versions(versions)
  local missing = {}
  for name, there in pairs(versions.features) do
    if not there then missing[#missing + 1] = name end
  end
  table.sort(missing)
  return { check = "librdkafka", status = "ok", message = versions.librdkafka
    .. (#missing > 0 and "; done in another way: " .. table.concat(missing, ", ") or "") }
end

---What is set, and what looks like a mistake. Values are not told: one may be a secret.
---@param defaults {bootstrap_servers: string, kafka: table<string, string>, insecure_tls?: boolean}
---@param ignored string[] names in the environment that are no property
---@return docmsg.doctor.Finding[]
function M.configuration(defaults, ignored)
  local names = {}
  for name in pairs(defaults.kafka) do names[#names + 1] = name end
  table.sort(names)
  local findings = { { check = "configuration", status = "ok", message = #names > 0 and table.concat(names, ", ")
    or "librdkafka's defaults" } }
  if #ignored > 0 then
    findings[2] = { check = "environment", status = "ok",
      message = "left alone, no properties: " .. table.concat(ignored, ", ") }
  end
  if tostring(defaults.kafka["allow.auto.create.topics"]) == "true" then
    findings[#findings + 1] = { check = "allow.auto.create.topics", status = "warning",
      message = "this client lets the broker create topics that are misspelt" }
  end
  if defaults.insecure_tls then
    findings[#findings + 1] = { check = "TLS", status = "warning", message = "any certificate of the broker will do" }
  end
  return findings
end

-- Does the broker create topics that are merely asked for?
local function auto_create(admin, broker, timeout)
  local name = tostring(broker.id)
  local results, err = admin:describe_configs({ { type = "broker", name = name } }, { timeout = timeout })
  local failure = err or results[name] and results[name].error
  if failure then
    return { check = "auto.create.topics.enable", status = "warning",
      message = "not to be seen: " .. tostring(failure) }
  end
  local config = results[name] and results[name].configs["auto.create.topics.enable"]
  if not config or config.value ~= "true" then
    return { check = "auto.create.topics.enable", status = "ok", message = config and config.value or "unknown" }
  end
  return { check = "auto.create.topics.enable", status = "warning",
    message = "the broker creates topics that are misspelt: set auto.create.topics.enable=false there" }
end

---What the cluster says of itself.
---@param admin docmsg.Admin
---@param cluster {id: string?, controller: integer?, brokers: {id: integer}[]}
---@param timeout docmsg.Duration
---@return docmsg.doctor.Finding[]
function M.cluster(admin, cluster, timeout)
  local count = require("docmsg.output").count
  return {
    { check = "connection", status = "ok", message = ("cluster %s, %s"):format(cluster.id or "without an id",
      count(#cluster.brokers, "broker")) },
    { check = "controller", status = cluster.controller and "ok" or "warning",
      message = cluster.controller and "broker " .. cluster.controller or "none: topics cannot be changed now" },
    auto_create(admin, cluster.brokers[1], timeout),
  }
end

return M
