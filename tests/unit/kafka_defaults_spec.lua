-- SPDX-License-Identifier: MIT
local kafka = require "docmsg.kafka"
local process = require "support.process"

-- What a fresh state says its servers are, with this environment.
local function fresh_servers(environment)
  local result = process.run {
    process.program, "-e", "print(require('docmsg.kafka').defaults().bootstrap_servers)",
    env = { KAFKA_BOOTSTRAP_SERVERS = environment }, cwd = "/",
  }
  assert.is_true(result.ok, result.stderr)
  return (result.stdout:gsub("\n$", ""))
end

describe("kafka.defaults", function()
  after_each(function() kafka.defaults { bootstrap_servers = "localhost:9092", kafka = {} } end)

  it("are localhost:9092 and nothing else", function()
    assert.equal("localhost:9092", fresh_servers(false))
    assert.equal("localhost:9092", fresh_servers(""))
    assert.same({}, kafka.defaults().kafka)
  end)

  it("take the servers from the environment", function()
    assert.equal("one:1,two:2", fresh_servers("one:1,two:2"))
  end)

  it("keep what was set, and return it", function()
    local current = kafka.defaults { bootstrap_servers = "a:1", kafka = { ["linger.ms"] = 5 } }
    assert.same({ bootstrap_servers = "a:1", kafka = { ["linger.ms"] = "5" } }, current)
    assert.same(current, kafka.defaults())
  end)

  it("change only what is named", function()
    kafka.defaults { bootstrap_servers = "a:1", kafka = { ["linger.ms"] = 5 } }
    assert.same({ ["linger.ms"] = "5" }, kafka.defaults({ bootstrap_servers = "b:1" }).kafka)
    assert.equal("b:1", kafka.defaults({ kafka = {} }).bootstrap_servers)
  end)

  it("join a list of servers", function()
    assert.equal("a:1,b:2", kafka.defaults({ bootstrap_servers = { "a:1", "b:2" } }).bootstrap_servers)
  end)

  it("cannot be changed through what is returned", function()
    kafka.defaults().kafka["linger.ms"] = "7"
    kafka.defaults().bootstrap_servers = "x:1"
    assert.same({}, kafka.defaults().kafka)
    assert.equal("localhost:9092", kafka.defaults().bootstrap_servers)
  end)

  it("keep secrets to themselves", function()
    local current = kafka.defaults { kafka = {
      ["sasl.password"] = "hunter2", ["ssl.key.password"] = "hunter2", ["ssl.key.pem"] = "hunter2",
      ["sasl.oauthbearer.client.secret"] = "hunter2", ["sasl.username"] = "me",
    } }
    for name, value in pairs(current.kafka) do
      assert.equal(name == "sasl.username" and "me" or "(not shown)", value, name)
    end
  end)

  it("are as before after a refused call", function()
    kafka.defaults { bootstrap_servers = "a:1", kafka = { ["linger.ms"] = 5 } }
    assert.error(function()
      kafka.defaults { bootstrap_servers = "b:1", kafka = { ["no.such.property"] = 1 } }
    end)
    assert.same({ bootstrap_servers = "a:1", kafka = { ["linger.ms"] = "5" } }, kafka.defaults())
  end)

  it("may hold properties that only some kinds of clients have", function()
    kafka.defaults { kafka = { ["linger.ms"] = 5, ["fetch.wait.max.ms"] = 10 } }
    local admin <close> = assert(kafka.admin { bootstrap_servers = "127.0.0.1:1", on_log = function() end,
                                               on_error = function() end })
    assert.is_truthy(admin)
  end)

  for _, case in ipairs {
    { { bootstrap_server = "a:1" }, "did you mean 'bootstrap_servers'" },
    { { bootstrap_servers = 9092 }, "string or list of strings expected, got number" },
    { { bootstrap_servers = {} }, "empty" },
    { { bootstrap_servers = "" }, "empty" },
    { { bootstrap_servers = { "" } }, "empty" },
    { { bootstrap_servers = { 1 } }, "string expected" },
    { { bootstrap_servers = "a:1\0" }, "NUL" },
    { { kafka = "linger.ms=5" }, "table expected, got string" },
    { "localhost", "table expected" },
  } do
    it("refuse: " .. case[2], function()
      assert.error_matches(function() kafka.defaults(case[1]) end, case[2], 1, true)
    end)
  end
end)
