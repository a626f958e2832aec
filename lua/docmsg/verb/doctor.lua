-- SPDX-License-Identifier: MIT
-- docmsg-lua doctor
local doctor = require "docmsg.doctor"
local exit = require "docmsg.exit"

local STYLES <const> = { ok = "green", warning = "yellow", failed = "red" }

-- KAFKA_* of the environment that are no properties.
local function ignored_names(kafka)
  local known, names = { KAFKA_BOOTSTRAP_SERVERS = true }, {}
  for _, property in ipairs(kafka.properties()) do
    known["KAFKA_" .. property.name:upper():gsub("[^%w]", "_")] = true
  end
  for name in pairs(require("docmsg.host").variables()) do
    if name:find("^KAFKA_") and not known[name] then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

local function look(options)
  local kafka = require "docmsg.kafka"
  local defaults, versions = kafka.defaults(), kafka.version()
  local findings = { doctor.versions(versions) }
  local function add(list) table.move(list, 1, #list, #findings + 1, findings) end
  add(doctor.configuration(defaults, ignored_names(kafka)))
  add(doctor.defects(versions.librdkafka, defaults.kafka))
  local admin <close>, err = require("docmsg.topic.session").admin(options)
  local cluster, failure
  if admin then cluster, failure = admin:cluster { timeout = options.timeout } end
  if cluster then
    add(doctor.cluster(admin, cluster, options.timeout))
  else
    add { { check = "connection", status = "failed",
      message = ("%s: %s"):format(defaults.bootstrap_servers, tostring(err or failure)) } }
  end
  return findings
end

local function show(findings, output)
  if output.format ~= "table" then return output:rows({}, findings) end
  local printable = require("docmsg.log").printable
  for _, finding in ipairs(findings) do
    output:line("%s  %s: %s", output:paint(STYLES[finding.status], ("%-7s"):format(finding.status)), finding.check,
      printable(finding.message))
  end
end

return {
  usage = "[options]",
  about = [[
Looks at what may be wrong: versions, configuration, connection and authentication, whether the broker
creates misspelt topics, and librdkafka's known defects for this configuration.

Exit code: 0 nothing, or warnings alone · 1 there is no connection]],
  examples = {
    { "docmsg-lua doctor" },
    { "docmsg-lua doctor -F json --bootstrap-servers kafka.example.com:9093", "for a report of a defect" },
  },
  prints = true,
  network = true,
  run = function(options, output)
    local findings = look(options)
    show(findings, output)
    for _, finding in ipairs(findings) do
      if finding.status == "failed" then return exit.FAILED end
    end
    return exit.DONE
  end,
}
