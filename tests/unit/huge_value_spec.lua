-- SPDX-License-Identifier: MIT
-- Sizes beyond 32 bits. Only under plain lua5.4: it takes 2 GiB, and minutes under a sanitizer.
local kafka = require "docmsg.kafka"

local PIECE <const>, PIECES <const> = 1 << 25, 64

---A string of PIECES pieces that is made in one step, so that no other of its size is needed.
local function huge()
  local piece = ("x"):rep(PIECE)
  return assert(load("local s = ... return s" .. ("..s"):rep(PIECES - 1)))(piece)
end

describe("a value of 2 GiB", function()
  it("is refused, with its size and what to do", function()
    local producer <close> = assert(kafka.producer { bootstrap_servers = "127.0.0.1:1", on_error = function() end })
    local delivery, err = producer:send { topic = "t", partition = 0, value = huge() }
    collectgarbage()
    assert.is_nil(delivery)
    assert.equal("MSG_SIZE_TOO_LARGE", err.name)
    assert.matches(tostring(PIECE * PIECES), err.message, 1, true)
    assert.matches("message.max.bytes", err.hint, 1, true)
    assert.equal(0, producer:pending())
  end)
end)
