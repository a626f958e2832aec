-- SPDX-License-Identifier: MIT
-- The options of the constructors, which are checked before anything is opened.
local kafka = require "docmsg.kafka"

local NOWHERE = "127.0.0.1:1"
local constructors = { admin = kafka.admin, producer = kafka.producer, consumer = kafka.consumer }

-- Options refused by every constructor, and what the error says.
local everywhere = {
  { { bootstrap_server = NOWHERE }, "did you mean 'bootstrap_servers'" },
  { { xyzzy = 1 }, "unknown option 'xyzzy'" },
  { { "a:1" }, "options are named" },
  { { bootstrap_servers = 1 }, "bootstrap_servers: string or list of strings expected" },
  { { bootstrap_servers = "" }, "bootstrap_servers is empty" },
  { { bootstrap_servers = {} }, "the list is empty" },
  { { bootstrap_servers = "a:1\0b" }, "NUL" },
  { { client_id = 5 }, "client_id: string expected, got number" },
  { { client_id = "" }, "client_id" },
  { { client_id = "a b" }, "client_id" },
  { { client_id = "a\nb" }, "client_id" },
  { { client_id = "a\0b" }, "NUL" },
  { { client_id = ("x"):rep(300) }, "client_id" },
  { { client_id = 'x"y' }, "client_id" },
  { { insecure_tls = "yes" }, "insecure_tls: boolean expected, got string" },
  { { kafka = { ["enable.ssl.certificate.verification"] = false } }, "insecure_tls = true" },
  { { kafka = { ["enable.ssl.certificate.verification"] = "false" } }, "--insecure-tls" },
  { { kafka = { ["ssl.endpoint.identification.algorithm"] = "none" } }, "insecure_tls = true" },
  { { kafka = { ["ssl.endpoint.identification.algorithm"] = "None" } }, "insecure_tls = true" },
  { { insecure_tls = false, kafka = { ["enable.ssl.certificate.verification"] = false } },
    "'enable.ssl.certificate.verification' = false lets any server pose as the broker" },
  { { on_error = "print" }, "on_error: function expected, got string" },
  { { on_log = {} }, "on_log: function expected" },
  { { on_stats = 1 }, "on_stats: function expected" },
  { { kafka = "linger.ms=5" }, "kafka: table expected" },
  { { kafka = { ["linger.mss"] = 5 } }, "did you mean 'linger.ms'" },
  { { kafka = { ["message.max.bytes"] = "10abc" } }, "integer expected" },
  { { kafka = { ["bootstrap.servers"] = "a:1" } }, "bootstrap_servers" },
  { { kafka = { ["log.queue"] = false } }, "cannot be set" },
  { { kafka = { 1 } }, "property names are strings" },
}

-- Options refused by one of them.
local somewhere = {
  { "producer", { group = "g" }, "unknown option 'group'" },
  { "producer", { queue_timeout = "10" }, "duration" },
  { "producer", { queue_timeout = 10 }, "duration" },
  { "producer", { transactional_id = "a\nb" }, "transactional_id" },
  { "producer", { transactional_id = "a\0b" }, "NUL" },
  { "producer", { transactional_id = "" }, "transactional_id" },
  { "producer", { partitioner = "random" }, "partitioner: function expected" },
  { "producer", { kafka = { ["group.id"] = "g" } }, "property of another kind" },
  { "consumer", { group = "" }, "group" },
  { "consumer", { group = "a\nb" }, "group" },
  { "consumer", { group = "a\0b" }, "NUL" },
  { "consumer", { group = 5 }, "group: string expected" },
  { "consumer", { group = "g", instance_id = "a\nb" }, "instance_id" },
  { "consumer", { group = "g", start = "erliest" }, "start" },
  { "consumer", { group = "g", start = 0 }, "start" },
  { "consumer", { group = "g", topics = "t" }, "topics" },
  { "consumer", { group = "g", topics = { 1 } }, "topic" },
  { "consumer", { group = "g", topics = { "" } }, "topic" },
  { "consumer", { group = "g", topics = { ("t"):rep(300) } }, "topic" },
  { "consumer", { group = "g", topics = { "t\0" } }, "NUL" },
  { "consumer", { group = "g", on_assign = 1 }, "on_assign: function expected" },
  { "consumer", { group = "g", on_revoke = 1 }, "on_revoke: function expected" },
  { "consumer", { group = "g", on_lost = 1 }, "on_lost: function expected" },
  { "consumer", { group = "g", kafka = { ["linger.ms"] = 1 } }, "property of another kind" },
  { "admin", { group = "g" }, "unknown option 'group'" },
}

local function refuses(name, options, text)
  local ok, message = pcall(constructors[name], options)
  assert.is_false(ok, "nothing was raised")
  assert.matches(text, message, 1, true)
  assert.matches("kafka." .. name, message, 1, true)
end

describe("the options of", function()
  for name, constructor in pairs(constructors) do
    for i, case in ipairs(everywhere) do
      it(("kafka.%s: %s (%d)"):format(name, case[2], i), function()
        refuses(name, case[1], case[2])
      end)
    end

    for _, value in ipairs { "text", 1, true, print } do
      it(("kafka.%s are no %s"):format(name, type(value)), function()
        assert.error_matches(function() constructor(value) end, "options table expected")
      end)
    end
  end

  for _, case in ipairs(somewhere) do
    it(("kafka.%s: %s"):format(case[1], case[3]), function()
      refuses(case[1], case[2], case[3])
    end)
  end
end)

describe("a property that librdkafka refuses", function()
  it("is returned as an error, before anything is opened", function()
    local admin, err = kafka.admin { bootstrap_servers = NOWHERE, kafka = { ["security.protocol"] = "tls" } }
    assert.is_nil(admin)
    assert.equal("_INVALID_ARG", err.name)
    assert.matches("security.protocol", err.message, 1, true)
  end)

  it("is returned without the value of a secret", function()
    local admin, err = kafka.admin {
      bootstrap_servers = NOWHERE,
      kafka = { ["security.protocol"] = "ssl", ["ssl.key.pem"] = "hunter2",
                ["ssl.certificate.pem"] = "hunter3" },
    }
    assert.is_nil(admin)
    assert.not_matches("hunter2", tostring(err))
    assert.not_matches("hunter2", err.message)
  end)
end)

describe("an open client", function()
  it("has a name with its client id", function()
    local admin <close> = assert(kafka.admin { bootstrap_servers = NOWHERE, client_id = "a-b.c_d",
                                               on_log = print, on_error = function() end })
    assert.matches("^a%-b%.c_d#", admin:name())
    assert.matches("a-b.c_d", tostring(admin), 1, true)
  end)

  it("is closed once and for all", function()
    local admin = assert(kafka.admin { bootstrap_servers = NOWHERE })
    assert.is_true(admin:close())
    assert.is_true(admin:close())
    assert.matches("closed", tostring(admin))
    assert.error_matches(function() admin:name() end, "closed")
    assert.error_matches(function() admin:fd() end, "closed")
  end)

  it("refuses methods called on other things", function()
    local admin <close> = assert(kafka.admin { bootstrap_servers = NOWHERE })
    for _, other in ipairs { 1, "x", {}, io.stdout, kafka } do
      assert.error(function() admin.close(other) end)
      assert.error(function() admin.name(other) end)
    end
    assert.error(function() admin.close() end)
  end)

  it("shows no address that would let a script forge it", function()
    assert.is_nil(getmetatable(io.stdout).__metatable)
    local admin <close> = assert(kafka.admin { bootstrap_servers = NOWHERE })
    assert.error(function() admin.anything = 1 end)
    assert.is_nil(admin.anything)
  end)
end)
