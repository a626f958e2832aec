-- SPDX-License-Identifier: MIT
-- Reading ahead: a full queue is filled again as soon as there is room.
local app = require "docmsg.app"
local application = require "support.application"
local embedded = require "support.embedded"

local RECORDS <const> = 400

describe("a group whose queue holds little", function()
  it("does not wait a second for each fetch", function()
    local cluster <close> = embedded.start()
    application.topics(cluster, { events = 1 }, { "reader" })
    local producer <close> = cluster:producer { kafka = { ["batch.num.messages"] = 10 } }
    for i = 1, RECORDS do assert(producer:send { topic = "events", key = tostring(i), value = "{}" }) end
    assert(producer:flush "60s")

    local made = app.new { name = "fetch" }
    made:consumer("reader", { kafka = application.quick {
      ["queued.min.messages"] = 1, ["fetch.message.max.bytes"] = 200 } }):on("events", function() end)
    local here <close> = application.start(cluster, made)
    here:await_acked("reader", RECORDS, "20s") -- 40 fetches
  end)
end)
