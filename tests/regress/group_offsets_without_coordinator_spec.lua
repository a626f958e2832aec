-- SPDX-License-Identifier: MIT
-- Asking for a group's offsets ended the program by SIGSEGV when the broker answered that it is not the
-- group's coordinator: at the first use of a new cluster, or while the coordinator moved. librdkafka
-- took it for the coordinator of the asking client's group, which an admin client does not have.
local embedded = require "support.embedded"

describe("asking for the offsets of a group", function()
  local cluster, admin, topic, group

  before_each(function()
    cluster = embedded.start()
    topic, group = cluster:topic().name, cluster:group()
    local producer <close> = cluster:producer()
    assert(producer:publish { topic = topic, value = "1" })
    local consumer <close> = cluster:consumer { group = group, topics = { topic } }
    assert(consumer:poll "30s")
    assert(consumer:commit { { topic = topic, partition = 0, offset = 1 } })
    admin = cluster:admin()
  end)
  after_each(function()
    admin:close()
    cluster:close()
  end)

  for _, refusal in ipairs { "NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE", "COORDINATOR_LOAD_IN_PROGRESS" } do
    it("goes on until its coordinator answers: " .. refusal, function()
      cluster.broker:fail("OffsetFetch", { refusal, refusal })
      local found = assert(admin:group_offsets(group, { { topic = topic, partition = 0 } }))
      assert.equal(1, found[1].offset)
    end)
  end
end)
