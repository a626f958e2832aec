-- SPDX-License-Identifier: MIT
-- Topics as code on a cluster that creates topics by itself, that denies rights, and whose topics go
-- away meanwhile.
local await = require "support.await"
local json = require "docmsg.json"
local own_broker = require "support.own_broker"
local workplace = require "support.workplace"

local PROPERTIES <const> = [[
auto.create.topics.enable=true
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true]]

describe("a cluster", function()
  local own, place

  setup(function()
    own = own_broker.start { properties = PROPERTIES }
    place = workplace.new(own.cluster.bootstrap_servers)
  end)
  teardown(function()
    if place then place:close() end
    if own then own:close() end
  end)

  local function exists(topic)
    local admin <close> = own.cluster:admin()
    return assert(admin:describe_topics())[topic] ~= nil
  end

  it("that creates topics by itself gets none by looking at one, and doctor says what it does", function()
    place:write("t.lua", "return { never = { partitions = 1 } }")
    place:write("in.txt", "v\n")
    place:expect(3, "topics", "plan", "t.lua", "--exit-code")
    place:expect(1, "topics", "show", "never")
    place:expect(1, "cat", "never", "-e")
    place:expect(1, "put", "never", "in.txt", "--timeout", "2s")
    place:expect(1, "groups", "seek", "g", "start", "--topic", "never", "--timeout", "3s")
    assert.is_false(exists "never")
    assert.matches("auto%.create", (place:expect(0, "doctor")))
  end)

  -- What is not allowed of a topic is denied once something is.
  local function allow_looks(topic)
    own.kafka("java", "org.apache.kafka.tools.AclCommand", "--bootstrap-server", own.cluster.bootstrap_servers,
      "--add", "--allow-principal", "User:ANONYMOUS", "--operation", "Describe", "--operation", "DescribeConfigs",
      "--topic", topic)
  end

  it("that denies a change is named with the topic, and the others are changed", function()
    place:write("t.lua", [[topic "locked" { partitions = 1 } topic "free" { partitions = 1 }]])
    place:expect(0, "topics", "apply", "t.lua")
    allow_looks "locked"
    place:write("t.lua", [[topic "locked" { partitions = 1, config = { ["retention.ms"] = days(30) } }
      topic "free" { partitions = 1, config = { ["retention.ms"] = days(30) } }]])
    local stdout = place:expect(5, "topics", "apply", "t.lua", "-F", "json")
    local status = {}
    for _, result in ipairs(assert(json.decode(stdout)).results) do
      status[result.topic] = result.error and result.error.name or result.status
    end
    assert.same({ locked = "TOPIC_AUTHORIZATION_FAILED", free = "done" }, status)
    assert.same({ "locked" }, { place:plan("t.lua").changes[1].topic })
  end)

  it("is as declared in the end although a topic is being deleted when it begins", function()
    place:write("t.lua", "return { going = { partitions = 20 } }")
    place:expect(0, "topics", "apply", "t.lua")
    for _ = 1, 5 do
      do
        local admin <close> = own.cluster:admin()
        assert(admin:delete_topics { "going" })
      end
      -- Until the deletion is everywhere the topic may still be there to see, and nothing to do.
      await(function()
        local result = place:run("topics", "apply", "t.lua")
        assert.message(result.stdout .. result.stderr).is_true(result.code == 0 or result.code == 6)
        return result.stdout:find("created", 1, true) or result.stdout:find("create ", 1, true)
      end, "30s", "the topic to be made again")
      place:expect(0, "topics", "verify", "t.lua")
      assert.same({}, place:plan("t.lua").changes)
    end
  end)
end)
