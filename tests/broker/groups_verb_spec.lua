-- SPDX-License-Identifier: MIT
-- Consumer groups on the command line, on Apache Kafka.
local broker = require "support.broker"
local json = require "docmsg.json"
local workplace = require "support.workplace"

describe("docmsg-lua groups", function()
  local cluster, place, topic, group

  before_each(function()
    cluster = broker.connect()
    place = workplace.new(cluster.bootstrap_servers)
    topic = cluster:topic { partitions = 2 }
    group = cluster:group()
    local producer <close> = cluster:producer()
    for i = 1, 10 do
      assert(producer:publish { topic = topic.name, partition = 0, value = tostring(i), timestamp = (os.time() - 3600) * 1000 + i })
    end
  end)

  after_each(function()
    local admin <close> = cluster:admin()
    admin:delete_groups { group }
    topic:close()
    place:close()
  end)

  local function show(...)
    return assert(json.decode((place:expect(0, "groups", "show", group, "-F", "json", ...))))
  end

  -- A member that has the topic. The assignor is not left to librdkafka's version.
  local function member()
    local consumer = cluster:consumer { group = group, topics = { topic.name },
      kafka = { ["partition.assignment.strategy"] = "range" } }
    assert(consumer:poll "30s")
    return consumer
  end

  it("shows nothing done before it was told to, and then where the group is", function()
    local stdout, stderr = place:expect(0, "groups", "seek", group, "4", "-t", topic.name)
    assert.matches("\n%S+ +0 +4 +planned\n", stdout)
    assert.matches("Nothing was changed", stderr)
    place:expect(1, "groups", "show", group)
    place:expect(0, "groups", "seek", group, "4", "-t", topic.name, "-p", "0", "--execute")
    local places = show()
    assert.equal(1, #places)
    assert.same({ topic.name, 0, 4, 10, 6 }, { places[1].topic, places[1].partition, places[1].committed,
      places[1].last_end, places[1].lag })
    assert.is_true(places[1].behind_ms > 3500000 and places[1].behind_ms < 3700000, places[1].behind_ms)
    assert.matches("lag 6\n$", select(2, place:expect(0, "groups", "show", group)))
  end)

  it("refuses a partition that is not there", function()
    local _, stderr = place:expect(1, "groups", "seek", group, "start", "-t", topic.name, "-p", "2", "--execute")
    assert.matches("there is no partition 2 in " .. topic.name, stderr, 1, true)
  end)

  local seeks = { { "start", 0 }, { "end", 10 }, { "-3", 7 }, { "-30m", 10 }, { "-2h", 0 } }
  for _, case in ipairs(seeks) do
    it("goes to a place: " .. case[1], function()
      place:expect(0, "groups", "seek", "-t", topic.name, "--execute", group, "--", case[1])
      assert.equal(case[2], show()[1].committed)
    end)
  end

  it("ends with 3 when the lag is more than allowed", function()
    place:expect(0, "groups", "seek", group, "4", "-t", topic.name, "--execute")
    place:expect(0, "groups", "show", group, "--max", "6")
    place:expect(3, "groups", "show", group, "--max", "5")
  end)

  it("measures rates", function()
    place:expect(0, "groups", "seek", group, "4", "-t", topic.name, "--execute")
    local first = show("--sample", "100ms")[1]
    assert.same({ 0, 0 }, { first.in_rate, first.out_rate })
  end)

  it("names the members, and refuses to change their group", function()
    local _ <close> = member()
    assert.equal("docmsg-lua", show()[1].client)
    local _, stderr = place:expect(4, "groups", "seek", group, "start", "--execute")
    assert.matches("has 1 member; stop them first. Nothing was changed", stderr, 1, true)
    place:expect(4, "groups", "delete", group, "--yes")
    assert.matches("\n%S+ +Stable +1  range\n", (place:expect(0, "groups", "list", "--only", group)))
  end)

  it("deletes groups that are empty, once that is confirmed", function()
    place:expect(0, "groups", "seek", group, "4", "-t", topic.name, "--execute")
    place:expect(4, "groups", "delete", group)
    place:expect(0, "groups", "delete", group, "--yes")
    place:expect(1, "groups", "show", group)
    place:expect(1, "groups", "delete", group, "--yes")
  end)
end)
