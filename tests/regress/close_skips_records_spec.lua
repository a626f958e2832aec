-- SPDX-License-Identifier: MIT
-- Closing or unsubscribing drops the records that were fetched and not handed over. They counted as
-- handed over all the same: a position that on_revoke committed was past them, and they were lost.
-- Seen on a busy machine, where members of a group came and went; never released.
local embedded = require "support.embedded"

local RECORDS <const>, READ <const> = 1000, 7

describe("a consumer that is closed or unsubscribed with records it has fetched", function()
  for what, leave in pairs {
    close = function(consumer) assert(consumer:close()) end,
    unsubscribe = function(consumer) assert(consumer:unsubscribe()) end,
  } do
    it("knows while it is revoked what it has handed over: " .. what, function()
      local cluster <close> = embedded.start()
      local topic = cluster:topic().name
      do
        local producer <close> = cluster:producer()
        for i = 1, RECORDS do
          assert(producer:send { topic = topic, value = tostring(i) })
        end
        assert(producer:flush "30s")
      end
      local position
      local consumer <close> = cluster:consumer { topics = { topic },
        on_revoke = function(partitions, self) position = assert(self:position(partitions))[1].offset end }
      local read = 0
      for batch in consumer:batches(READ, "30s") do
        read = read + #batch
        if read >= READ then break end
      end
      consumer:poll(0) -- and one more, when it has come
      local handed_over = assert(consumer:position())[1].offset
      assert.is_true(handed_over < RECORDS)
      leave(consumer)
      assert.equal(handed_over, position)
    end)
  end
end)
