-- SPDX-License-Identifier: MIT
local broker = require "support.broker"
local name = require "support.name"

---All values a reader sees, in order of each partition, to the "end" of every one.
local function values(cluster, topic, isolation, partitions)
  local seen, open = {}, partitions or 1
  local consumer <close> = cluster:consumer {
    topics = { topic }, kafka = { ["isolation.level"] = isolation },
  }
  for message in consumer:messages("5s") do
    seen[#seen + 1] = message.value
    if message.value == "end" then
      open = open - 1
      if open == 0 then break end
    end
  end
  return seen
end

describe("a transaction on a real broker", function()
  local cluster

  before_each(function() cluster = broker.connect() end)

  it("is seen when it commits, and not when it aborts", function()
    local topic <close> = cluster:topic()
    local producer <close> = cluster:producer { transactional_id = name.unique("txn") }
    assert.is_true(producer:begin())
    assert(producer:send { topic = topic.name, value = "committed" })
    assert.is_true(producer:commit())
    assert.is_true(producer:begin())
    assert(producer:publish { topic = topic.name, value = "aborted" })
    assert.is_true(producer:abort())
    assert.is_true(producer:begin())
    assert(producer:send { topic = topic.name, value = "end" })
    assert.is_true(producer:commit())
    assert.same({ "committed", "end" }, values(cluster, topic.name, "read_committed"))
    assert.same({ "committed", "aborted", "end" }, values(cluster, topic.name, "read_uncommitted"))
  end)

  it("commits offsets with its records, or neither", function()
    local input <close> = cluster:topic()
    local output <close> = cluster:topic()
    local group = cluster:group()
    do
      local producer <close> = cluster:producer()
      for i = 1, 3 do
        assert(producer:publish { topic = input.name, value = "in" .. i })
      end
    end
    local consumer <close> = cluster:consumer { group = group, topics = { input.name } }
    local producer <close> = cluster:producer { transactional_id = name.unique("txn") }
    local first = assert(consumer:poll("20s"))
    local place = { { topic = input.name, partition = 0 } }

    assert.is_true(producer:begin())
    assert(producer:send { topic = output.name, value = first.value })
    assert.is_true(producer:send_offsets({ first }, consumer))
    assert.is_true(producer:abort())
    assert.is_nil(assert(consumer:committed(place))[1].offset)

    assert.is_true(producer:begin())
    assert(producer:send { topic = output.name, value = "end" })
    assert.is_true(producer:send_offsets({ first }, consumer))
    assert.is_true(producer:commit())
    assert.equal(1, assert(consumer:committed(place))[1].offset)
    assert.same({ "end" }, values(cluster, output.name, "read_committed"))
  end)

  -- Until the transaction before is complete, the broker does not take the next one's partitions.
  it("can be aborted at once after another was committed", function()
    local topic <close> = cluster:topic { partitions = 3 }
    local producer <close> = cluster:producer { transactional_id = name.unique("txn") }
    for round = 1, 20 do
      for _, finish in ipairs { "commit", "abort" } do
        assert.is_true(producer:begin())
        for i = 1, 20 do
          assert(producer:send { topic = topic.name, key = tostring(i), value = finish .. round })
        end
        assert.is_true(producer[finish](producer))
      end
    end
    assert.is_true(producer:begin())
    for partition = 0, 2 do
      assert(producer:send { topic = topic.name, partition = partition, value = "end" })
    end
    assert.is_true(producer:commit())
    local counts = {}
    for _, value in ipairs(values(cluster, topic.name, "read_committed", 3)) do
      counts[value] = (counts[value] or 0) + 1
    end
    local expected = { ["end"] = 3 }
    for round = 1, 20 do expected["commit" .. round] = 20 end
    assert.same(expected, counts)
  end)

  it("refuses records outside of it and says what to do", function()
    local topic <close> = cluster:topic()
    local producer <close> = cluster:producer { transactional_id = name.unique("txn") }
    local delivery, err = producer:send { topic = topic.name, value = "v" }
    assert.is_nil(delivery)
    assert.equal("_STATE", err.name)
    assert.matches("call `begin` first", err.message)
    local committed
    committed, err = producer:commit()
    assert.is_nil(committed)
    assert.equal("_STATE", err.name)
  end)

  it("is fenced by a newer producer of the same id", function()
    local topic <close> = cluster:topic()
    local id = name.unique("txn")
    local older = cluster:producer { transactional_id = id, on_error = function() end }
    assert.is_true(older:begin())
    assert(older:publish { topic = topic.name, value = "older" })
    local newer <close> = cluster:producer { transactional_id = id }
    assert.is_true(newer:begin())
    assert(newer:send { topic = topic.name, value = "end" })
    assert.is_true(newer:commit())
    local committed, err = older:commit()
    assert.is_nil(committed)
    assert.is_true(err.fatal)
    older:close("5s")
    assert.same({ "end" }, values(cluster, topic.name, "read_committed"))
  end)

  it("is aborted when its producer closes", function()
    local topic <close> = cluster:topic()
    local id = name.unique("txn")
    do
      local producer <close> = cluster:producer { transactional_id = id }
      assert.is_true(producer:begin())
      assert(producer:publish { topic = topic.name, value = "unfinished" })
    end
    local producer <close> = cluster:producer { transactional_id = id }
    assert.is_true(producer:begin())
    assert(producer:send { topic = topic.name, value = "end" })
    assert.is_true(producer:commit())
    assert.same({ "end" }, values(cluster, topic.name, "read_committed"))
  end)
end)
