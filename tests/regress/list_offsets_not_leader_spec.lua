-- SPDX-License-Identifier: MIT
-- A partition whose leader has just come to be, or has moved, was an error of list_offsets as a whole.
local embedded = require "support.embedded"

describe("list_offsets", function()
  local cluster, topic, admin

  before_each(function()
    cluster = embedded.start()
    topic = cluster:topic { partitions = 2 }
    admin = cluster:admin()
    local producer <close> = cluster:producer()
    for i = 1, 3 do assert(producer:publish { topic = topic.name, partition = 1, value = "v" .. i }) end
  end)
  after_each(function()
    admin:close()
    cluster:close()
  end)

  local function query(partition, at)
    return { topic = topic.name, partition = partition, at = at }
  end

  local function refuse(code, times)
    local refusals = {}
    for i = 1, times do refusals[i] = code end
    cluster.broker:fail("ListOffsets", refusals)
  end

  for _, code in ipairs { "NOT_LEADER_FOR_PARTITION", "LEADER_NOT_AVAILABLE" } do
    it("asks again until the partitions have leaders, after " .. code, function()
      refuse(code, 3)
      local found = {}
      for i, entry in ipairs(assert(admin:list_offsets { query(0, "latest"), query(1, "latest"), query(1, "earliest") })) do
        assert.is_nil(entry.error)
        found[i] = entry.offset
      end
      assert.same({ 0, 3, 0 }, found)
    end)
  end

  it("ends in time with the refusal when that does not come", function()
    refuse("NOT_LEADER_FOR_PARTITION", 100)
    local offsets, err = admin:list_offsets({ query(0, "latest") }, { timeout = "1s" })
    err = err or offsets[1].error
    assert.equal("NOT_LEADER_FOR_PARTITION", err.name)
  end)
end)
