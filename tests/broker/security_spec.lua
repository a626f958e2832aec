-- SPDX-License-Identifier: MIT
-- Logging in and TLS at the real broker: what is right works, what is wrong says so in time, and
-- secrets appear nowhere.
local broker = require "support.broker"
local await = require "support.await"
local kafka = require "docmsg.kafka"
local listener = require "support.listener"
local process = require "support.process"
local system = require "system"

local WRONG = "hunter2-is-not-the-password"

---A client that notes its errors and is quiet.
local function open(kind, options, errors)
  local all = { on_log = function() end, on_error = function(err) errors[#errors + 1] = err end }
  for key, value in pairs(options) do
    all[key] = value
  end
  all.group = kind == "consumer" and "security" or nil
  return assert(kafka[kind](all))
end

---A round trip of each kind of client.
local function works(options, topic)
  local errors = {}
  local admin <close> = open("admin", options, errors)
  assert.equal(1, #assert(admin:describe_topics { topic })[topic].partitions)
  local producer <close> = open("producer", options, errors)
  local report = assert(producer:publish({ topic = topic, value = "v" }, "30s"))
  local consumer <close> = open("consumer", options, errors)
  assert(consumer:assign { { topic = topic, partition = 0, offset = report.offset } })
  assert.equal("v", consumer:messages("30s")().value)
  assert.same({}, errors)
end

---What the broker's refusal looks like to each kind of client.
local function is_refused(options, name, text)
  local errors = {}
  local start = system.monotime()
  local admin <close> = open("admin", options, errors)
  local result, err = admin:describe_topics({ "any" }, { timeout = "2s" })
  assert.is_nil(result)
  assert.equal(name, err.name)
  assert.matches(text, err.message, 1, true)
  assert.matches(options.bootstrap_servers, err.message, 1, true)
  assert.is_truthy(err.hint)
  admin:close("1s")

  local producer <close> = open("producer", options, errors)
  local report
  report, err = producer:publish({ topic = "any", value = "v" }, "2s")
  assert.is_nil(report)
  assert.matches(text, tostring(err), 1, true)
  producer:purge()
  producer:close("1s")

  errors = {}
  local consumer <close> = open("consumer", options, errors)
  assert(consumer:subscribe { "any" })
  await(function()
    assert.is_nil((consumer:poll("100ms")))
    return errors[1]
  end, "10s", "the consumer's error")
  assert.equal(name, errors[1].name)
  assert.matches(text, errors[1].message, 1, true)
  consumer:close("1s")
  assert.is_true(system.monotime() - start < 25)
end

describe("a login", function()
  it("with the right password works", function()
    local topic <close> = broker.connect():topic()
    works(listener.sasl(), topic.name)
  end)

  it("with a wrong password is refused and says so", function()
    is_refused(listener.sasl { ["sasl.password"] = WRONG }, "_AUTHENTICATION", "SASL authentication error")
  end)

  it("with an unknown user is refused and says so", function()
    is_refused(listener.sasl { ["sasl.username"] = "nobody" }, "_AUTHENTICATION",
      "SASL authentication error")
  end)

  it("with an unknown mechanism is refused and says so", function()
    is_refused(listener.sasl { ["sasl.mechanism"] = "SCRAM-SHA-512" }, "_AUTHENTICATION",
      "Unsupported SASL mechanism")
  end)

  it("with SCRAM works, or says that this librdkafka cannot", function()
    local options = listener.sasl { ["sasl.mechanism"] = "SCRAM-SHA-256" }
    local major, minor, patch = kafka.version().librdkafka:match("^(%d+)%.(%d+)%.(%d+)")
    if major * 10000 + minor * 100 + patch >= 20601 then
      local topic <close> = broker.connect():topic()
      works(options, topic.name)
    else
      is_refused(options, "_AUTHENTICATION", "build with librdkafka 2.6.1 or newer")
    end
  end)
end)

describe("TLS", function()
  it("with the authority's certificate works", function()
    local topic <close> = broker.connect():topic()
    works(listener.tls { ["ssl.ca.location"] = listener.authority() }, topic.name)
  end)

  it("refuses a certificate that nobody vouches for", function()
    is_refused(listener.tls(), "_SSL", "broker certificate could not be verified")
  end)

  it("refuses it with the same words when the broker is quicker than the client", function()
    local library = process.program:gsub("bin/[^/]*$", "tests/c/swift_tls.so")
    local code = ("local admin <close> = require 'docmsg.kafka'.admin { on_error = function() end } "
      .. "local _, err = admin:cluster { timeout = '2s' } print(err.name, err)")
    local result = process.run { process.program, "--bootstrap-servers", listener.tls().bootstrap_servers,
      "-X", "security.protocol=ssl", "-e", code,
      env = { LD_PRELOAD = library, ASAN_OPTIONS = "verify_asan_link_order=0" } }
    assert.matches("^_SSL\t.*broker certificate could not be verified.*ssl.ca.location", result.stdout,
      1, result.stderr)
  end)

  it("refuses a certificate for another host", function()
    local options = listener.tls { ["ssl.ca.location"] = listener.authority() }
    -- The same address by a name that is not in the certificate.
    options.bootstrap_servers = options.bootstrap_servers:gsub("^127%.0%.0%.1", "127.1")
    is_refused(options, "_SSL", "certificate")
  end)

  it("takes any certificate with insecure_tls, and warns", function()
    local options = listener.tls()
    local code = ("local kafka = require 'docmsg.kafka' local admin <close> = kafka.admin {} "
      .. "print(assert(admin:describe_topics {}) ~= nil)")
    local result = process.run { process.program, "--insecure-tls", "--bootstrap-servers",
      options.bootstrap_servers, "-X", "security.protocol=ssl", "-e", code }
    assert.equal("true\n", result.stdout, result.stderr)
    assert.matches("insecure_tls: the broker's certificate is not verified", result.stderr, 1, true)
  end)
end)

-- Talks as much as librdkafka can, on all ways out there are, and prints what it gets.
local TALKATIVE = [[
local kafka = require "docmsg.kafka"
local function say(...) print(...) io.stderr:write(table.concat({ ... }, " "), "\n") end
local function tell(value)
  if type(value) ~= "table" then return say(tostring(value)) end
  if getmetatable(value) then say(tostring(value)) end
  for key, field in pairs(value) do say(tostring(key)) tell(field) end
end
tell(kafka.defaults())
for _, kind in ipairs { "admin", "producer", "consumer" } do
  local client = assert(kafka[kind] {
    group = kind == "consumer" and "talkative" or nil, kafka = { ["statistics.interval.ms"] = 100 },
    on_log = tell, on_error = tell, on_stats = tell,
  })
  say(tostring(client), client:name())
  if kind == "admin" then tell(select(2, client:describe_topics({ "any" }, { timeout = "2s" })))
  elseif kind == "producer" then tell(select(2, client:publish({ topic = "any" }, "1s"))) client:purge()
  else client:subscribe { "any" } for i = 1, 10 do client:poll "100ms" end end
  client:close "1s"
end
tell(select(2, pcall(kafka.admin, { kafka = { ["sasl.password"] = { secret } } })))
local ok, err = pcall(kafka.admin, { kafka = { ["sasl.pasword"] = os.getenv "KAFKA_SASL_PASSWORD" } })
tell(err)
]]

describe("a secret", function()
  for _, case in ipairs {
    { "SASL password", function() return listener.sasl() end,
      { KAFKA_SASL_PASSWORD = WRONG } },
    { "SCRAM password", function() return listener.sasl { ["sasl.mechanism"] = "SCRAM-SHA-256" } end,
      { KAFKA_SASL_PASSWORD = WRONG } },
    { "key's password", function() return listener.tls() end, { KAFKA_SSL_KEY_PASSWORD = WRONG } },
  } do
    it(("appears in no output: the %s"):format(case[1]), function()
      local options = case[2]()
      local command = { process.program, "--bootstrap-servers", options.bootstrap_servers,
        "-X", "debug=all", env = case[3] }
      for name, value in pairs(options.kafka) do
        if name ~= "sasl.password" then
          table.move({ "-X", name .. "=" .. value }, 1, 2, #command + 1, command)
        end
      end
      table.move({ "-e", TALKATIVE }, 1, 2, #command + 1, command)
      local result = process.run(command)
      assert.is_true(result.ok, result.stderr)
      assert.is_true(#result.stdout > 10000)
      assert.matches('"client_id"', result.stdout, 1, true)
      assert.is_nil(result.stdout:find(WRONG, 1, true))
      assert.is_nil(result.stderr:find(WRONG, 1, true))
    end)
  end
end)
