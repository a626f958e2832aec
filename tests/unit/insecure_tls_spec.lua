-- SPDX-License-Identifier: MIT
-- Trusting any server takes an option of its own, and warns at every start.
local process = require "support.process"

local WARNING = "insecure_tls: the broker's certificate is not verified"

---Runs code in a process of its own, because the warning goes to standard error.
---@param code string
---@param ... string options of the program
---@return support.Result
local function run(code, ...)
  local command = { process.program, "--bootstrap-servers", "127.0.0.1:1", ... }
  table.move({ "-e", "kafka = require 'docmsg.kafka' " .. code }, 1, 2, #command + 1, command)
  return process.run(command)
end

local function warnings(result)
  assert.is_true(result.ok, result.stderr)
  return select(2, result.stderr:gsub(WARNING, ""))
end

describe("insecure_tls", function()
  for _, kind in ipairs { "admin", "producer", "consumer" } do
    it("warns at every start of a kafka." .. kind, function()
      local code = ("for i = 1, 2 do kafka.%s { insecure_tls = true, on_log = print }:close() end")
        :format(kind)
      local result = run(code)
      assert.equal(2, warnings(result))
      assert.matches("docmsg: kafka." .. kind .. ": " .. WARNING, result.stderr, 1, true)
    end)
  end

  it("may be a default, and be taken back for one client", function()
    local code = "assert(kafka.defaults { insecure_tls = true }.insecure_tls) "
    assert.equal(1, warnings(run(code .. "kafka.admin {}:close()")))
    assert.equal(0, warnings(run(code .. "kafka.admin { insecure_tls = false }:close()")))
    assert.equal(0, warnings(run(code .. "kafka.defaults { insecure_tls = false } kafka.admin {}:close()")))
  end)

  it("is the flag --insecure-tls of the program", function()
    assert.equal(1, warnings(run("kafka.admin {}:close()", "--insecure-tls")))
    assert.equal(1, warnings(run("kafka.admin {}:close()", "--insecure-tls", "-X",
      "enable.ssl.certificate.verification=false")))
  end)

  it("is needed for properties of the command line and the environment too", function()
    for _, property in ipairs { "enable.ssl.certificate.verification=false",
                                "ssl.endpoint.identification.algorithm=none" } do
      local result = run("kafka.admin {}", "-X", property)
      assert.equal(1, result.code)
      assert.matches("--insecure-tls", result.stderr, 1, true)
      assert.equal(0, select(2, result.stderr:gsub(WARNING, "")))
    end
    local result = process.run { process.program, "-e", "require 'docmsg.kafka'.producer {}",
      env = { KAFKA_ENABLE_SSL_CERTIFICATE_VERIFICATION = "false" } }
    assert.equal(1, result.code)
    assert.matches("--insecure-tls", result.stderr, 1, true)
  end)

  it("does not forbid what is safe", function()
    assert.equal(0, warnings(run("kafka.admin {}:close()", "-X",
      "enable.ssl.certificate.verification=true", "-X", "ssl.endpoint.identification.algorithm=https")))
  end)
end)
