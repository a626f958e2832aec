-- SPDX-License-Identifier: MIT
local kafka = require "docmsg.kafka"

describe("kafka.duration", function()
  local valid = {
    { "0", 0 }, { 0, 0 }, { "0ms", 0 }, { "000s", 0 },
    { "1ms", 1 }, { "250ms", 250 }, { "30s", 30000 }, { "5m", 300000 },
    { "12h", 43200000 }, { "7d", 604800000 }, { "0030s", 30000 },
    { "forever", -1 }, { "3650d", 3650 * 86400000 },
  }
  for _, case in ipairs(valid) do
    it(("reads %s"):format(case[1]), function()
      assert.equal(case[2], kafka.duration(case[1]))
      assert.equal("integer", math.type(kafka.duration(case[1])))
    end)
  end

  local malformed = {
    "", " ", "s", "30", "-1s", "+1s", "1.5s", "1e3ms", "0x10s", "10abc", "30 s", " 30s", "30s ",
    "30S", "30sec", "1s\0", "1s\0s", "Forever", "forever ", "1m30s", "9999999999999999s", "inf",
  }
  for _, text in ipairs(malformed) do
    it(("refuses %q and names it"):format(text):gsub("\n", " "), function()
      local ok, message = pcall(kafka.duration, text)
      assert.is_false(ok)
      assert.matches("expected a duration such as", message, 1, true)
    end)
  end

  for _, value in ipairs { 1, 1.5, -1, true, {}, print } do
    it("refuses a " .. type(value) .. ", " .. tostring(value):gsub("0x%x+", "…"), function()
      assert.error_matches(function() kafka.duration(value) end, "expected a duration")
    end)
  end

  it("needs an argument", function()
    assert.error(function() kafka.duration() end)
    assert.error(function() kafka.duration(nil) end)
  end)

  it("refuses a wait of more than 24 days, and says what to use instead", function()
    assert.error_matches(function() kafka.sleep("25d") end, '"forever"', 1, true)
  end)
end)
