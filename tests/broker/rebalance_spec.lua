-- SPDX-License-Identifier: MIT
local await = require "support.await"
local broker = require "support.broker"

local RECORDS <const> = 2000

-- A second is the shortest session that tools/kafka's broker takes.
local IMPATIENT <const> = { ["session.timeout.ms"] = 1000, ["heartbeat.interval.ms"] = 200,
  ["max.poll.interval.ms"] = 1000 }

---@param partitions docmsg.TopicPartition[]
local function count(set, partitions, change)
  for _, partition in ipairs(partitions) do
    set[partition.partition] = (set[partition.partition] or 0) + change
  end
end

describe("a group on Apache Kafka", function()
  local cluster, topic

  before_each(function()
    cluster = broker.connect()
    topic = cluster:topic { partitions = 6 }
  end)

  after_each(function()
    topic:close()
  end)

  local function publish(records)
    local producer <close> = cluster:producer()
    for i = 1, records do
      assert(producer:send { topic = topic.name, value = tostring(i), partition = i % 6 })
    end
    assert(producer:flush "30s")
  end

  ---A member that keeps count of what it owns and of the hooks that ran.
  local function member(group, options)
    local own = { owned = {}, assigned = 0, revoked = 0, lost = 0 }
    local all = { group = group, topics = { topic.name },
      kafka = { ["heartbeat.interval.ms"] = 200 }, -- it tells of a rebalance: the default is 3 s
      on_assign = function(partitions)
        own.assigned = own.assigned + 1
        count(own.owned, partitions, 1)
      end,
      on_revoke = function(partitions, consumer)
        own.revoked = own.revoked + 1
        count(own.owned, partitions, -1)
        local position, done = consumer:position(partitions), {}
        for _, entry in ipairs(position) do
          done[#done + 1] = entry.offset and entry or nil
        end
        own.commit_error = select(2, consumer:commit(done)) or own.commit_error
      end,
      on_lost = function(partitions)
        own.lost = own.lost + 1
        count(own.owned, partitions, -1)
      end }
    for key, value in pairs(options or {}) do
      all[key] = value
    end
    own.consumer = cluster:consumer(all)
    function own:count()
      local owned = 0
      for _, times in pairs(self.owned) do
        assert(times == 0 or times == 1)
        owned = owned + times
      end
      return owned
    end
    function own:close()
      return self.consumer:close "20s"
    end
    return setmetatable(own, { __close = own.close })
  end

  ---Polls the members in turn until the condition holds, and hands over what they read.
  local function serve(members, condition, take)
    await(function()
      for _, own in ipairs(members) do
        local batch, err = own.consumer:batch(100, "20ms")
        assert(err == nil, tostring(err))
        for _, message in ipairs(take and batch or {}) do
          take(message)
        end
      end
      return condition()
    end, "60s")
  end

  local function shared(one, two)
    return function()
      return one:count() == 3 and two:count() == 3
    end
  end

  it("shares the partitions between two consumers", function()
    publish(60)
    local group, values = cluster:group(), {}
    local one <close> = member(group)
    local two <close> = member(group)
    serve({ one, two }, shared(one, two), function(message) values[message.value] = true end)
    assert.equal(3, #one.consumer:assignment())
    assert.equal(3, #two.consumer:assignment())
    serve({ one, two }, function()
      local seen = 0
      for _ in pairs(values) do seen = seen + 1 end
      return seen == 60
    end, function(message) values[message.value] = true end)
  end)

  it("reads each record once while members come and go, committing when it revokes", function()
    publish(RECORDS)
    local group, seen, again, total = cluster:group(), {}, {}, 0
    local refused = false
    local function take(message)
      local place = message.partition .. "/" .. message.offset
      if seen[place] then
        again[#again + 1] = place
      else
        seen[place] = true
        total = total + 1
      end
    end
    local one <close> = member(group)
    for _ = 1, 5 do
      local two <close> = member(group)
      serve({ one, two }, shared(one, two), take)
      assert(two:close())
      assert.equal(0, two:count())
      serve({ one }, function() return one:count() == 6 end, take)
      refused = refused or one.commit_error ~= nil or two.commit_error ~= nil
    end
    serve({ one }, function() return total == RECORDS end, take)
    -- A record may come twice only when the broker refused a commit, and said so.
    assert.is_true(#again == 0 or refused, table.concat(again, " "))
    -- A cooperative member gives nothing up when the other leaves, nor when both join at once.
    assert.is_true(one.revoked >= 4)
    assert.equal(0, one.lost)
  end)

  it("tells of lost partitions 5 times, and goes on each time", function()
    publish(6)
    local group = cluster:group()
    local one <close> = member(group, { kafka = IMPATIENT })
    for round = 1, 5 do
      serve({ one }, function() return one:count() == 6 end)
      -- Not polled for longer than max.poll.interval.ms: librdkafka leaves the group by itself.
      local _, err = await(function()
        if one.lost < round then
          require "docmsg.kafka".sleep "1100ms"
        end
        local _, err = one.consumer:poll "200ms"
        return one.lost == round, err
      end)
      assert.is_true(err == nil or err.name == "_MAX_POLL_EXCEEDED", tostring(err))
    end
    assert.equal(5, one.lost)
  end)

  it("keeps a static member's partitions while it restarts", function()
    local group = cluster:group()
    local one <close> = member(group, { instance_id = "one" })
    local before
    do
      local two <close> = member(group, { instance_id = "two" })
      serve({ one, two }, shared(one, two))
      before = one.assigned
    end
    local again <close> = member(group, { instance_id = "two" })
    serve({ one, again }, function() return again:count() == 3 end)
    assert.equal(3, one:count())
    assert.equal(before, one.assigned)
    assert.equal(0, one.lost)
  end)

  it("ends a static member whose instance was taken over, with a fatal error", function()
    local group = cluster:group()
    local one <close> = member(group, { instance_id = "same", on_error = function() end })
    serve({ one }, function() return one:count() == 6 end)
    local two <close> = member(group, { instance_id = "same" })
    local _, err = await(function()
      assert(select(2, two.consumer:poll "50ms") == nil)
      local _, err = one.consumer:poll "50ms"
      return err and err.fatal, err
    end)
    assert.equal("FENCED_INSTANCE_ID", err.name)
  end)

  it("moves only some partitions when the group is cooperative", function()
    local group = cluster:group()
    local cooperative = { kafka = { ["partition.assignment.strategy"] = "cooperative-sticky",
      ["heartbeat.interval.ms"] = 200 },
      on_log = function() end }
    local one <close> = member(group, cooperative)
    serve({ one }, function() return one:count() == 6 end)
    assert(one.consumer:pause())
    local two <close> = member(group, cooperative)
    serve({ one, two }, shared(one, two))
    assert.equal(3, #one.consumer:paused())
    assert.same(one.consumer:assignment(), one.consumer:paused())
    assert.equal(1, one.revoked)
    assert.equal(0, one.lost)
  end)
end)
