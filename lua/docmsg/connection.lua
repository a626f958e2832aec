-- SPDX-License-Identifier: MIT
-- Gives docmsg.kafka its defaults: what the flags, the environment and .env say (docmsg.config),
-- and the embedded broker when it is asked for.
local config = require "docmsg.config"
local host = require "docmsg.host"
local usage_error = require "docmsg.usage_error"

local M = {}

---@param path string
---@return string? text
---@return string? reason
---@return integer? code errno
local function read_file(path)
  local file, reason, code = io.open(path, "rb")
  if not file then
    return nil, reason, code
  end
  local text
  text, reason, code = file:read("a")
  file:close()
  if not text then
    return nil, ("%s: %s"):format(path, reason), code
  end
  return text
end

---@param kafka docmsg.kafka
---@return fun(name: string, value: string): string?
local function checker(kafka)
  return function(name, value)
    local ok, reason = pcall(kafka.defaults, { kafka = { [name] = value } })
    if not ok then
      return (tostring(reason):gsub("^kafka%.defaults: ", ""))
    end
  end
end

---Resolves the configuration; raises a usage error. Nothing is started.
---@param kafka docmsg.kafka
---@param flags docmsg.cli.Options
---@return docmsg.config.Settings
function M.resolve(kafka, flags)
  local context = flags.named_context and require("docmsg.contexts").get(flags.named_context, os.getenv)
  local settings, reason = config.resolve {
    flags = flags,
    context = context,
    environment = host.environment(),
    read_file = read_file,
    properties = kafka.properties(),
    nearest = kafka.nearest,
    check = checker(kafka),
  }
  if not settings then
    usage_error.raise(reason)
  end
  settings.protected = context and context.protected and not flags.write and context.name or nil
  return settings
end

---Makes the settings the defaults of every client.
---@param kafka docmsg.kafka
---@param settings docmsg.config.Settings
function M.apply(kafka, settings)
  for _, warning in ipairs(settings.warnings) do
    io.stderr:write("docmsg-lua: warning: ", warning, "\n")
  end
  if settings.protected then require("docmsg.protection").protect(kafka, settings.protected) end
  local servers = settings.bootstrap_servers
  if servers == "embedded" then
    -- Nobody closes it: it ends with the state, after every client of it.
    servers = assert(kafka.embedded { brokers = 1 }).bootstrap_servers
  end
  kafka.defaults { bootstrap_servers = servers, kafka = settings.properties,
                   insecure_tls = settings.insecure_tls }
end

return M
