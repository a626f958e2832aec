-- SPDX-License-Identifier: MIT
local uuid = require "docmsg.uuid"

local HEX <const> = "[0-9a-f]"
local function shape(version)
  local h = HEX
  return "^" .. h:rep(8) .. "%-" .. h:rep(4) .. "%-" .. version .. h:rep(3) .. "%-[89ab]" .. h:rep(3) .. "%-" .. h:rep(12) .. "$"
end

describe("a UUID", function()
  it("of version 4 has its form and never comes twice", function()
    local seen = {}
    for _ = 1, 1000 do
      local id = uuid.v4()
      assert.truthy(id:find(shape "4"), id)
      assert.is_nil(seen[id])
      seen[id] = true
    end
  end)

  it("of version 7 begins with the time", function()
    local id = uuid.v7(0xFFFFFFFFFF)
    assert.truthy(id:find(shape "7"), id)
    assert.equal("00ffffff-ffff", id:sub(1, 13))
  end)

  it("of version 7 sorts in the order it was made, within a millisecond and backwards in time too", function()
    local now, last = 0x10000000000, ""
    for i = 1, 10000 do
      local id = uuid.v7(now - (i % 3))
      assert.is_true(last < id)
      last = id
    end
  end)
end)
