-- SPDX-License-Identifier: MIT
-- The guarded listeners of the real broker, as tools/kafka up --secure makes them.
local M = {}

---@param name string
---@return string
local function setting(name)
  local value = os.getenv(name)
  if not value or value == "" then
    error(("this test needs %s: start the broker with tools/kafka up --secure and export what it "
      .. "prints, or run tools/test"):format(name), 0)
  end
  return value
end

---@param base table
---@param changes? table
local function changed(base, changes)
  for key, value in pairs(changes or {}) do
    base[key] = value
  end
  return base
end

---Options of a client that logs in.
---@param properties? table<string, string> other properties
---@return docmsg.ClientOptions
function M.sasl(properties)
  return { bootstrap_servers = setting "DOCMSG_TEST_SASL", kafka = changed({
    ["security.protocol"] = "sasl_plaintext", ["sasl.mechanism"] = "PLAIN",
    ["sasl.username"] = setting "DOCMSG_TEST_SASL_USERNAME",
    ["sasl.password"] = setting "DOCMSG_TEST_SASL_PASSWORD",
  }, properties) }
end

---Options of a client that speaks TLS, without the authority's certificate.
---@param properties? table<string, string> other properties
---@return docmsg.ClientOptions
function M.tls(properties)
  return { bootstrap_servers = setting "DOCMSG_TEST_SSL",
    kafka = changed({ ["security.protocol"] = "ssl" }, properties) }
end

---The certificate of the authority that vouches for the broker.
---@return string path
function M.authority()
  return setting "DOCMSG_TEST_CA"
end

return M
