-- SPDX-License-Identifier: MIT
local kafka = require "docmsg.kafka"

describe("kafka.nearest", function()
  local names = { "bootstrap_servers", "client_id", "group", "topics", "start", "on_error" }
  local cases = {
    { "group", "group" }, { "grup", "group" }, { "groups", "group" }, { "gorup", "group" },
    { "topic", "topics" }, { "bootstrap_server", "bootstrap_servers" },
    { "bootstrapservers", "bootstrap_servers" }, { "clientid", "client_id" },
    { "on_eror", "on_error" }, { "onerror", "on_error" },
    { "xyz", nil }, { "", nil }, { "replication", nil },
  }
  for _, case in ipairs(cases) do
    it(("finds %s for %q"):format(case[2] or "nothing", case[1]), function()
      assert.equal(case[2], kafka.nearest(case[1], names))
    end)
  end

  it("takes the first of equally near ones", function()
    assert.equal("ab1", kafka.nearest("ab", { "ab1", "ab2" }))
    assert.equal("ab2", kafka.nearest("ab", { "ab2", "ab1" }))
  end)

  it("finds nothing among nothing", function()
    assert.is_nil(kafka.nearest("word", {}))
  end)

  it("reads long words up to a limit", function()
    local long = ("a"):rep(100000)
    assert.equal(long, kafka.nearest(long .. "b", { "short", long }))
  end)

  it("does not trust a length that lies", function()
    local liar = setmetatable({ "group" }, { __len = function() return 1 << 61 end })
    local ok, nearest = pcall(kafka.nearest, "grup", liar)
    assert.is_true(not ok or nearest == "group")
  end)

  for _, arguments in ipairs { {}, { "word" }, { {}, names }, { "word", "names" }, { "word", { 1 } },
                               { "word", { "a", {} } } } do
    it("refuses wrong types " .. #arguments, function()
      assert.error(function() kafka.nearest(table.unpack(arguments)) end)
    end)
  end
end)
