-- SPDX-License-Identifier: MIT
-- The names that TAB learns: how they are asked for, and which are offered.
local embedded = require "support.embedded"
local names = require "docmsg.names"
local program = require "support.program"
local repl_names = require "docmsg.repl.names"

describe("the names that TAB learns", function()
  it("come back as they were written, without those that are empty", function()
    local answer = repl_names.write { topics = { "a", "b" }, groups = { "first", "", "with space" }, others = {} }
    assert.same({ topics = { "a", "b" }, groups = { "first", "with space" }, others = {} }, repl_names.read(answer))
  end)

  it("are there by and by on a slow link", function()
    local own <close> = embedded.start()
    local topic = own:topic { name = "far-away" }
    own.broker:set_rtt(1, "300ms")
    local result = program.run { "--bootstrap-servers", own.bootstrap_servers, "-e", [[
      local ask, answer = require("docmsg.repl.names").boot(), nil
      for _ = 1, 8 do answer = answer or ask() end
      print(answer and table.concat(require("docmsg.repl.names").read(answer).topics, " "))
      ask(true)]] }
    assert.same({ 0, topic.name .. "\n" }, { result.status, result.out })
  end)

  it("are the topics that are there, but Kafka's own", function()
    local infos = { orders = {}, __consumer_offsets = {}, gone = { error = {} }, _mine = {} }
    local found = names.topics(infos)
    table.sort(found)
    assert.same({ "_mine", "orders" }, found)
  end)
end)
