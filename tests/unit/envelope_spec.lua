-- SPDX-License-Identifier: MIT
local envelope = require "docmsg.envelope"

describe("an envelope", function()
  it("has CloudEvents' required attributes as headers", function()
    assert.same({
      { "ce_specversion", "1.0" },
      { "ce_id", "1" },
      { "ce_source", "here" },
      { "ce_type", "document-received" },
      { "content-type", "application/json" },
    }, envelope.headers { type = "document-received", source = "here", id = "1" })
  end)

  it("makes an id when none is given", function()
    assert.truthy(envelope.headers({ type = "t", source = "s" })[2][2]:find "^%x+%-%x+%-7")
  end)

  it("takes the topic for the type of a record without headers", function()
    local function message(ce_type)
      return { topic = "t", header = function(_, name) return name == "ce_type" and ce_type or nil end }
    end
    assert.equal("t", envelope.type(message()))
    assert.equal("other", envelope.type(message "other"))
  end)
end)
