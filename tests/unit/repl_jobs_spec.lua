-- SPDX-License-Identifier: MIT
-- What goes on beside the prompt, without a broker: tails that are made up.
local program = require "support.program"

-- A script after which `jobs` follows a topic whose step is the code; `ended` counts the tails that ended.
local FOLLOWING <const> = [[
local ended = 0
require("docmsg.record.reading").follow = function(_, file)
  return { step = function(self) %s end, close = function() ended = ended + 1 end }
end
local jobs = require "docmsg.repl.jobs"
]]

local function run(step, code)
  return program.run { "-e", FOLLOWING:format(step) .. code }
end

describe("deliveries", function()
  it("are followed, 1000 at once, and the number of the others is told", function()
    local result = run("return true", [[
      local known = false
      local delivery = { status = "pending", wait = function()
        if known then return { topic = "t", partition = 0, offset = 7 } end
        return nil, { name = "_TIMED_OUT" }
      end }
      for _ = 1, 1005 do jobs.follow(delivery) end
      print(jobs.step())
      print(jobs.step())
      known = true
      local text = jobs.step()
      print(select(2, text:gsub("delivered to t/0 at 7\n", "")), text:find "not followed", jobs.step())]])
    assert.same({ 0, "docmsg-lua: 5 deliveries are not followed: 1000 are already\n\nnil\n1000\tnil\tnil\n" },
      { result.status, result.out })
  end)
end)

describe("a tail", function()
  it("goes on after a signal that its step has met, which whoever waits for a line gets", function()
    local result = run("os.execute 'kill -TERM $PPID' for i = 1, 100 do i = i + 1 end return true",
      "jobs.tail { TOPIC = 't' } print(jobs.step(), ended)")
    assert.same({ 143, "nil\t0\n" }, { result.status, result.out })
  end)

  it("that is not there cannot be stopped; those that are there are named", function()
    local result = run("return true", [[
      local dot = require "docmsg.repl.dot"
      print(dot.run(".stop x", print))
      jobs.tail { TOPIC = "a" } jobs.tail { TOPIC = "b" }
      print(dot.run(".stop x", print), ended)
      print(dot.run(".stop a", print), ended)
      print(dot.run(".stop", print), ended)]])
    assert.equal("docmsg-lua: x is not followed; these are: a b\n", result.err)
    assert.equal("nothing goes on\n\n2\t0\nended: a\nnil\t1\nended: b\nnil\t2\n", result.out)
  end)

  it("ends when its step fails, and says why; others go on", function()
    local result = run("if not self.first then self.first = true return true end return nil, 'no more'",
      "jobs.tail { TOPIC = 'a' } print(jobs.step()) jobs.tail { TOPIC = 'b' } print(jobs.step(), ended)")
    assert.same({ 0, "nil\ndocmsg-lua: .tail a has ended: no more\n\t1\n" }, { result.status, result.out })
  end)
end)
