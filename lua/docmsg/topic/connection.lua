-- SPDX-License-Identifier: MIT
-- An admin client that has proved that it reaches the cluster, however long the broker takes to
-- start, and that says why when it does not.
local kafka = require "docmsg.kafka"

local M = {}

---@class docmsg.ConnectOptions
---@field bootstrap_servers? string|string[] default: see docmsg.kafka
---@field kafka? table<string, string|number|boolean> librdkafka's properties
---@field insecure_tls? boolean any certificate of the broker will do
---@field attempts? integer default 30
---@field retry_delay? docmsg.Duration between two attempts; default "2s"
---@field probe_timeout? docmsg.Duration of the request that proves a connection; default "5s"
---@field log? docmsg.Log
---@field sleep? fun(duration: docmsg.Duration) for tests
---@field admin? fun(options: docmsg.ClientOptions): docmsg.Admin?, docmsg.Error? for tests

-- Time heals neither wrong credentials nor a certificate that does not verify.
local HOPELESS <const> = { _AUTHENTICATION = true, SASL_AUTHENTICATION_FAILED = true, _SSL = true }
-- Says less than the connection's error that came before it.
local VAGUE <const> = { _ALL_BROKERS_DOWN = true }

---The error `err` with another message.
---@param err docmsg.Error
---@param message string
---@return docmsg.Error
function M.rephrase(err, message)
  local copy = {}
  for key, value in pairs(err) do copy[key] = value end
  copy.message = message
  return setmetatable(copy, getmetatable(err))
end

local WARNING <const> = 4

-- Errors of connections are told with the attempt; warnings, such as of insecure TLS, as they come.
local function log_line(log, line)
  log:line(line.level == WARNING and "warn" or "debug", "%s: %s", line.facility, line.message)
end

local function open_admin(options, note_error)
  local log = options.log
  return (options.admin or kafka.admin) {
    bootstrap_servers = options.bootstrap_servers,
    kafka = options.kafka,
    insecure_tls = options.insecure_tls,
    on_error = note_error,
    on_log = log and function(line) log_line(log, line) end,
  }
end

-- Asks for the cluster once. What happened to the connection says more than "timed out".
local function probe(admin, seen, timeout)
  seen.error = nil
  local cluster, err = admin:cluster { timeout = timeout }
  if cluster then return cluster end
  return nil, seen.error or err
end

-- Closes the client when its scope ends by an error, such as Ctrl-C, and not when it is returned.
local function closed_on_error(admin)
  return setmetatable({}, { __close = function(_, err)
    if err then admin:close(0) end
  end })
end

---Connects, with retries. The log says how each attempt went.
---@param options docmsg.ConnectOptions
---@return docmsg.Admin? admin
---@return docmsg.Error? err why the last attempt failed
---@return table? cluster as `admin:cluster` gives it
function M.open(options)
  local attempts, log = options.attempts or 30, options.log
  local seen = {}
  local admin, refused = open_admin(options, function(err)
    if not VAGUE[err.name] then seen.error = err end
  end)
  if not admin then return nil, refused end
  local _ <close> = closed_on_error(admin)
  for attempt = 1, attempts do
    local cluster, err = probe(admin, seen, options.probe_timeout or "5s")
    if cluster then return admin, nil, cluster end
    if log and attempts > 1 then
      log:warn("Connection attempt %d/%d failed: %s", attempt, attempts, tostring(err))
    end
    if HOPELESS[err.name] or attempt == attempts then
      admin:close(0)
      return nil, M.rephrase(err, ("Failed to connect to Kafka after %d attempt%s: %s")
        :format(attempt, attempt == 1 and "" or "s", err.message))
    end
    (options.sleep or kafka.sleep)(options.retry_delay or "2s")
  end
end

return M
