-- SPDX-License-Identifier: MIT
local kafka = require "docmsg.kafka"

-- An error as kafka.admin returns it for a value that librdkafka refuses.
local function refused()
  local _, err = kafka.admin { bootstrap_servers = "127.0.0.1:1", kafka = { ["security.protocol"] = "tls" } }
  return err
end

describe("an error object", function()
  it("has all its fields", function()
    local err = refused()
    assert.equal("integer", math.type(err.code))
    assert.is_true(err.code < 0)
    assert.equal("_INVALID_ARG", err.name)
    assert.equal("string", type(err.message))
    assert.is_false(err.retriable)
    assert.is_false(err.fatal)
    assert.is_false(err.abortable)
  end)

  it("is printed as message, name and hint", function()
    local err = refused()
    assert.equal(("%s (%s)"):format(err.message, err.name), tostring(err))
    err.hint = "do this"
    assert.equal(("%s (%s): do this"):format(err.message, err.name), tostring(err))
  end)

  it("can be printed whatever a script makes of it", function()
    for _, field in ipairs { "message", "name", "hint" } do
      for _, value in ipairs { 5, {}, false } do
        local err = refused()
        err[field] = value
        assert.equal("string", type(tostring(err)))
      end
      local err = refused()
      err[field] = nil
      assert.equal("string", type(tostring(err)))
    end
    assert.error(function() getmetatable(refused()).__tostring(5) end)
  end)

  it("can be raised and caught", function()
    local ok, caught = pcall(error, refused())
    assert.is_false(ok)
    assert.equal("_INVALID_ARG", caught.name)
  end)

  it("says its type", function()
    assert.equal("docmsg.Error", getmetatable(refused()).__name)
  end)
end)

describe("kafka.version", function()
  it("names the versions at work", function()
    local version = kafka.version()
    assert.matches("^%d+%.%d+%.%d+$", version.module)
    assert.matches("^%d+%.%d+%.%d+", version.librdkafka)
    assert.matches("^%d+%.%d+%.%d+$", version.librdkafka_built)
    assert.equal(_VERSION, version.lua)
    for _, feature in ipairs { "incremental_alter_configs", "describe_topics", "list_offsets" } do
      assert.equal("boolean", type(version.features[feature]))
    end
  end)
end)

describe("kafka.live", function()
  it("counts clients until they are closed", function()
    local before = kafka.live()
    local admin = assert(kafka.admin { bootstrap_servers = "127.0.0.1:1" })
    assert.equal(before.clients + 1, kafka.live().clients)
    assert.is_true(kafka.live().threads > before.threads)
    admin:close()
    assert.equal(before.clients, kafka.live().clients)
  end)
end)
