-- SPDX-License-Identifier: MIT
local doctor = require "docmsg.doctor"
local embedded = require "support.embedded"
local json = require "docmsg.json"
local process = require "support.process"

describe("a doctor", function()
  local STRATEGY <const> = "partition.assignment.strategy"
  local defects = {
    { "2.0.2", { [STRATEGY] = "cooperative-sticky" }, STRATEGY }, { "2.6.0", { [STRATEGY] = "range,cooperative-sticky" }, STRATEGY },
    { "2.6.1", { [STRATEGY] = "cooperative-sticky" } }, { "2.10.0", { [STRATEGY] = "cooperative-sticky" } },
    { "2.0.2", { [STRATEGY] = "range" } }, { "2.0.2", {} },
  }
  for i, case in ipairs(defects) do
    it(("knows the defects that a configuration meets, %d"):format(i), function()
      local found = doctor.defects(case[1], case[2])
      assert.equal(case[3], found[1] and found[1].check)
      assert.is_true(#found <= 1)
    end)
  end

  it("names what is set and never its value", function()
    local findings = doctor.configuration({ bootstrap_servers = "a", kafka = { ["sasl.password"] = "secret" }, insecure_tls = true },
      { "KAFKA_HOME" })
    assert.same({ "ok", "ok", "warning" }, { findings[1].status, findings[2].status, findings[3].status })
    assert.equal("sasl.password", findings[1].message)
    assert.matches("KAFKA_HOME", findings[2].message)
  end)

  local answers = {
    { { ["1"] = { configs = { ["auto.create.topics.enable"] = { value = "true" } } } }, "warning" },
    { { ["1"] = { configs = { ["auto.create.topics.enable"] = { value = "false" } } } }, "ok" },
    { { ["1"] = { error = "no rights" } }, "warning" },
  }
  for i, case in ipairs(answers) do
    it(("looks whether misspelt topics come into being, %d"):format(i), function()
      local admin = { describe_configs = function() return case[1] end }
      local findings = doctor.cluster(admin, { id = "x", controller = 1, brokers = { { id = 1 } } }, "1s")
      assert.equal(case[2], findings[3].status)
    end)
  end

  it("reaches a broker, or says that there is none", function()
    local cluster <close> = embedded.start()
    local function run(servers)
      local result = process.run { process.program, "--bootstrap-servers", servers, "doctor", "-F", "json", "--timeout", "1s",
        env = { KAFKA_HOME = "/opt/kafka" } }
      local by_check = {}
      for _, finding in ipairs(assert(json.decode(result.stdout))) do by_check[finding.check] = finding end
      return result.code, by_check
    end
    local code, found = run(cluster.bootstrap_servers)
    assert.equal(0, code)
    assert.equal("ok", found.connection.status)
    assert.matches("KAFKA_HOME", found.environment.message)
    code, found = run "127.0.0.1:1"
    assert.equal(1, code)
    assert.equal("failed", found.connection.status)
    assert.matches("127.0.0.1:1", found.connection.message, 1, true)
  end)
end)
