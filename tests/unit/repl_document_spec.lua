-- SPDX-License-Identifier: MIT
-- What `?name`, `??name` and `.time` print, on piped input.
local program = require "support.program"

local function run(line)
  local result = program.run { "-i", stdin = line .. "\n" }
  return result.status, result.out:gsub("^[^\n]*\n", "", 1), result.err
end

describe("a question", function()
  local cases = {
    { "?kafka.producer", "^kafka%.producer%(options%)\nMakes a producer.*\n  options docmsg%.ProducerOptions\n  → docmsg%.Producer%? producer\n" },
    { "p = kafka.producer {}\n?p.close", "client:close%(timeout%)\n" },
    { "p = kafka.producer {}\n?p", "docmsg%.Producer\n.*publish" },
    { "c = kafka.consumer {}\n?c.poll", "^consumer:poll%(timeout%)\nThe next record" },
    { "a = kafka.admin {}\n?a.cluster", "^admin:cluster%(options%)\n" },
    { "b = kafka.embedded()\n?b.set_rtt", "^embedded:set_rtt%(id, rtt%)\n" },
    { "f = kafka.printer { file = io.stdout }\n?f.print", "^printer:print%(message%)\n" },
    { "?kafka", "^docmsg%.kafka\n.*consumer" },
    { "?topics.plan", "^function Manager:plan%(declared, only%) +/[^\n]*topics%.lua:%d+\nPlans what" },
    { "?docmsg.message_key", "^function M%.message_key%(id, user_id%) +/[^\n]*bus%.lua:%d+\n.*\n  → string key\n$" },
    { "?bus", "^docmsg%.Bus +/[^\n]*bus%.lua\nA bus: " },
    { "?bus.publish", "\nPublishes an event and waits" },
    { "?tail", "^usage: docmsg%-lua tail TOPIC" },
    { "?.topics plan", "^usage: docmsg%-lua topics plan FILE" },
    { "??docmsg.message_key", "^/[^\n]*bus%.lua:%d+\nfunction M%.message_key%(id, user_id%)\n.*\nend\n$" },
    { "??topics.close", nil, "there is no topics.close" },
    { "??topics.plan", "\nfunction Manager:plan%(declared, only%)\n.*\nend\n$" },
    { "?string.format", "^string%.format is a function of which nothing is written here\n$" },
    { "x = 5\n?x", "^x is a number of which nothing is written here\n$" },
    { "??string.format", nil, "string.format is written in C" },
    { "function f() end\n??f", nil, "f was typed: the history has it" },
    { "x = 5\n??x", nil, "x is no function" },
    { "?nothing.at.all", nil, "there is no nothing.at.all" },
    { "?no verb", nil, "there is no verb no" },
    { "? 1", nil, "?name shows" }, { "?", nil, "?name shows" }, { "?.", nil, "?name shows" },
    { "x = false\n?x", "^x is a boolean of which" }, { "x = 5\n?x.a.b", nil, "there is no x.a.b" },
  }
  for _, case in ipairs(cases) do
    it(("is answered: %q"):format(case[1]), function()
      local status, out, err = run(case[1])
      if case[2] then
        assert.matches(case[2], out)
        assert.equal(0, status)
      else
        assert.matches("docmsg-lua: " .. case[3], err, 1, true)
        assert.equal(2, status)
      end
    end)
  end

  it("about what cannot be made says why", function()
    local folder = program.folder()
    finally(function() program.remove(folder) end)
    program.write(folder .. "/pipeline.lua", "local app = nothing.here")
    for _, line in ipairs { "?app", "??app", "?app.name" } do
      local result = program.run { "-i", stdin = line .. "\n", cwd = folder }
      assert.matches("docmsg%-lua: [^\n]*pipeline%.lua:1: attempt to index a nil value", result.err)
      assert.equal(2, result.status)
    end
  end)

  it("about a verb is answered although a script lets no other global be read", function()
    local result = program.run { "-i", "-e", "setmetatable(_G, { __index = function() error('strict', 0) end })",
      stdin = "?tail\n?nothing\n" }
    assert.matches("usage: docmsg%-lua tail TOPIC", result.out)
    assert.equal("docmsg-lua: strict\n", result.err)
  end)

  it("that never ends is interrupted", function()
    local result = program.run { "-i", "-e", [[
      trap = setmetatable({}, { __index = function() os.execute "kill -TERM $PPID" while true do end end })]],
      stdin = "?trap.door\nprint 'goes on'\n" }
    assert.equal(143, result.status)
    assert.is_nil(result.out:find "goes on")
  end)

  it("whose answer fails with a table is told as any error", function()
    local result = program.run { "-i", "-e", "trap = setmetatable({}, { __index = function() error { 'own' } end })",
      stdin = "?trap.door\n" }
    assert.matches("{ \"own\" }", result.err, 1, true)
    assert.equal(1, result.status)
  end)
end)

describe("the time", function()
  it("is that of a clock, beside that of the processor", function()
    local status, out = run ".time kafka.sleep '200ms'\n.time 'value'"
    local wall, cpu = out:match "^(%d+%.%d+) s, (%d+%.%d+) s of them CPU time\n\"value\"\n"
    assert.message(out).is_true(tonumber(wall) >= 0.2 and tonumber(cpu) < tonumber(wall))
    assert.equal(0, status)
  end)
end)
