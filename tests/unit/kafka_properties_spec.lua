-- SPDX-License-Identifier: MIT
local kafka = require "docmsg.kafka"

local function by_name()
  local properties = {}
  for _, property in ipairs(kafka.properties()) do
    properties[property.name] = property
  end
  return properties
end

-- Sets properties for an admin client that is never opened: what is refused, is refused before.
local function set(properties)
  return function() kafka.defaults { kafka = properties } end
end

describe("kafka.properties", function()
  after_each(function() kafka.defaults { kafka = {} } end)

  it("lists the properties of this librdkafka", function()
    local properties = kafka.properties()
    assert.is_true(#properties > 100)
    for _, property in ipairs(properties) do
      assert.matches("^[%w%._]+$", property.name)
      assert.is_truthy(property.scope:match("^[*CP]$"), property.name .. " " .. property.scope)
      for _, field in ipairs { "type", "range", "default", "description" } do
        assert.equal("string", type(property[field]), property.name .. "." .. field)
      end
      assert.equal("boolean", type(property.deprecated))
    end
  end)

  it("describes each of them", function()
    local properties = by_name()
    local linger = properties["linger.ms"]
    assert.equal("P", linger.scope)
    assert.equal("queue.buffering.max.ms", linger.alias_of)
    assert.is_nil(properties["group.id"].alias_of)
    assert.is_truthy(linger.type:find("float") or linger.type:find("integer"))
    assert.equal("C", properties["group.id"].scope)
    assert.equal("*", properties["client.id"].scope)
    assert.equal("boolean", properties["enable.idempotence"].type)
    assert.equal("integer", properties["message.max.bytes"].type)
    assert.matches("..", properties["message.max.bytes"].range, 1, true)
  end)

  it("gives a table that is the caller's", function()
    local properties = kafka.properties()
    local count = #properties
    properties[1] = nil
    assert.equal(count, #kafka.properties())
  end)
end)

describe("a property", function()
  after_each(function() kafka.defaults { kafka = {} } end)

  local accepted = {
    { "linger.ms", 5, "5" }, { "linger.ms", "5", "5" }, { "linger.ms", 0.5, "0.5" },
    { "message.max.bytes", 2000000, "2000000" }, { "message.max.bytes", "2000000", "2000000" },
    { "auto.commit.interval.ms", 0, "0" }, { "acks", "all", "all" }, { "request.required.acks", -1, "-1" },
    { "enable.idempotence", true, "true" }, { "enable.idempotence", "false", "false" },
    { "compression.type", "lz4", "lz4" }, { "sasl.username", "u s r", "u s r" },
  }
  for _, case in ipairs(accepted) do
    it(("%s takes the %s %s"):format(case[1], type(case[2]), case[2]), function()
      local current = kafka.defaults { kafka = { [case[1]] = case[2] } }
      assert.equal(case[3], current.kafka[case[1]])
    end)
  end

  local refused = {
    { "linger", 5, "unknown property 'linger'" },
    { "linger.mss", 5, "did you mean 'linger.ms'" },
    { "message.max.byte", 5, "did you mean 'message.max.bytes'" },
    { "message.max.bytes", "10abc", "integer expected, got '10abc'" },
    { "message.max.bytes", "0x10", "integer expected" },
    { "acks", "every", "integer expected" }, { "acks", "all\0", "integer expected" },
    { "message.max.bytes", "all", "integer expected" },
    { "message.max.bytes", "1e6", "integer expected" },
    { "message.max.bytes", " 2000", "integer expected" },
    { "message.max.bytes", "", "integer expected" },
    { "message.max.bytes", 2000.5, "integer expected" },
    { "message.max.bytes", true, "integer expected" },
    { "message.max.bytes", {}, "integer expected" },
    { "message.max.bytes", 1, "is not within" },
    { "message.max.bytes", "9999999999999999999999", "integer expected" },
    { "message.max.bytes", "2000\0", "integer expected" },
    { "enable.idempotence", "yes", "true or false expected" },
    { "enable.idempotence", 1, "true or false expected" },
    { "enable.idempotence", "true\0", "true or false expected" },
    { "linger.ms", "10abc", "number expected" },
    { "linger.ms", "0x10", "number expected" },
    { "linger.ms", "nan", "number expected" },
    { "linger.ms", 0 / 0, "number expected" },
    { "linger.ms", math.huge, "expected" },
    { "linger.ms", "5\0", "expected" },
    { "client.rack", "a\0b", "NUL byte" },
    { "client.rack", {}, "string expected" },
    { "client.rack", true, "string expected" },
    { "bootstrap.servers", "a:1", "bootstrap_servers" },
    { "allow.auto.create.topics", true, "cannot be set" },
    { "enable.auto.offset.store", true, "cannot be set" },
    { "plugin.library.paths", "x", "cannot be set" },
    { "sasl.kerberos.kinit.cmd", "x", "cannot be set" },
    { "opaque", "x", "cannot be set" },
    { "dr_msg_cb", "x", "cannot be set" },
    { "", "x", "unknown property" },
    { ("x"):rep(10000), "x", "unknown property" },
  }
  for _, case in ipairs(refused) do
    local name = case[1]:sub(1, 30)
    it(("%s refuses %s: %s"):format(name, tostring(case[2]):gsub("0x%x+", "…"):gsub("%c", "?"),
                                    case[3]), function()
      local ok, message = pcall(set { [case[1]] = case[2] })
      assert.is_false(ok)
      assert.matches(case[3], message, 1, true)
      assert.matches(name, message, 1, true)
    end)
  end

  for _, name in ipairs { "sasl.password", "ssl.key.password", "ssl.keystore.password",
                          "sasl.oauthbearer.client.secret" } do
    it(name .. " is refused without showing its value", function()
      local ok, message = pcall(set { [name] = { "hunter2" } })
      assert.is_false(ok)
      assert.not_matches("hunter2", message)
      ok, message = pcall(set { [name] = "hunter2\0" })
      assert.is_false(ok)
      assert.not_matches("hunter2", message)
    end)
  end

  it("replaces what is set by default under its other name", function()
    local producer, err = kafka.producer { kafka = { ["request.required.acks"] = 1 } }
    assert.is_nil(producer)
    assert.matches("acks.*idempotence", err.message)
    kafka.defaults { kafka = { ["request.required.acks"] = 1 } }
    assert(kafka.producer { kafka = { acks = "all" } }):close()
  end)

  it("is no other one that an older property of the same name stands for", function()
    local consumer <close> = assert(kafka.consumer { group = "g", kafka = { ["auto.commit.enable"] = true } })
    assert.error_matches(function() consumer:store { { topic = "t", partition = 0, offset = 1 } } end,
      "enable.auto.commit is false")
  end)

  it("cannot be set under both its names", function()
    assert.error_matches(set { acks = -1, ["request.required.acks"] = 1 },
      "'acks' and 'request.required.acks' are the same property")
    assert.error_matches(function() kafka.producer { kafka = { acks = -1, ["request.required.acks"] = 1 } } end,
      "are the same property")
  end)

  it("has a name that is a string", function()
    assert.error_matches(set { 5 }, "property names are strings")
  end)
end)
