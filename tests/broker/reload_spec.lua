-- SPDX-License-Identifier: MIT
-- A script that is edited while it runs on a real broker. kcat counts.
local await = require "support.await"
local application = require "support.application"
local broker = require "support.broker"
local json = require "docmsg.json"
local name = require "support.name"
local peer = require "support.peer"
local workplace = require "support.workplace"

local ROUNDS <const>, EACH <const>, BAD <const> = 20, 50, 7

-- A tenth of the records come twice.
local SCRIPT <const> = [[
local app = require("docmsg").app { name = "edited" }
app:consumer("%s", { workers = 2 }):on("%s", function(event, ctx)
  if event.data.n %% 10 == 0 and ctx.attempt == 1 then return ctx:retry("once more", "300ms") end
  ctx:emit("%s", { n = event.data.n, version = %d })
end)
return app
]]

describe("an edited script on a real broker", function()
  -- Scenario 16.
  it("loses nothing through 20 reloads, one of them in vain, and keeps its membership", function()
    local cluster = broker.connect()
    local topic, out, group = name.unique "in", name.unique "out", name.unique "group"
    application.topics(cluster, { [topic] = 4, [out] = 1 }, { group })
    local place <close> = workplace.new(cluster.bootstrap_servers)
    local function save(text)
      place:write("app.lua~", text)
      assert(os.rename(place.folder .. "/app.lua~", place.folder .. "/app.lua"))
    end
    local function script(version) return SCRIPT:format(group, topic, out, version) end

    save(script(0))
    local child <close> = place:start("run", "app.lua", "--watch")
    child:await_stderr("4 partitions gained", "30s")
    local function count_of(text)
      local _, count = child:stderr():gsub(text, "")
      return count
    end
    for round = 1, ROUNDS do
      local records = {}
      for i = 1, EACH do
        local n = (round - 1) * EACH + i
        records[i] = { key = tostring(n % 97), value = json.encode { n = n } }
      end
      application.produce(cluster, topic, records)
      local before = count_of "reloaded"
      save(round == BAD and "return return" or script(round))
      await(function() return count_of "reloaded" == before + 1 end, "30s", "a reload")
    end

    local admin <close> = cluster:admin()
    await(function()
      local sum = 0
      for _, at in ipairs(assert(admin:group_offsets(group))) do sum = sum + (at.offset or 0) end
      return sum == ROUNDS * EACH
    end, "60s", "all records to be committed")
    child:kill "TERM"
    local result = child:wait()
    assert.equal(0, result.code, result.stderr)
    assert.equal(1, count_of "partitions gained", result.stderr)
    assert.equal(1, count_of "not reloaded, the handlers stay as they are", result.stderr)
    assert.equal(ROUNDS - 1, count_of "INFO reloaded", result.stderr)

    local lines, versions = {}, {}
    for line in peer.kcat(cluster.bootstrap_servers, { "-C", "-t", out, "-o", "beginning", "-e", "-f", "%s\\n" })
        :gmatch "[^\n]+" do
      local data = json.decode(line)
      assert.is_nil(lines[data.n], "handled twice")
      lines[data.n], versions[data.version] = true, true
    end
    assert.equal(ROUNDS * EACH, #lines)
    assert.is_nil(versions[BAD])
  end)
end)
