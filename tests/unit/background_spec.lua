-- SPDX-License-Identifier: MIT
-- A function on a thread of its own.
local program = require "support.program"

-- The first run never ends.
local MODULE <const> = [[
local runs = 0
return { boot = function()
  return function(ends)
    runs = runs + 1
    while runs == 1 and not ends do end
    return "run " .. runs
  end
end }]]

local CODE <const> = [[
local host, kafka = require "docmsg.host", require "docmsg.kafka"
local background <close> = host.background(host.open_runtime().state { module = "endless" }, %s)
local deadline, text = host.now() + %s, nil
repeat
  background:wake()
  text = background:take()
  kafka.sleep "10ms"
until text or host.now() > deadline
print(text)]]

describe("a function in the background", function()
  local folder

  before_each(function()
    folder = program.folder()
    program.write(folder .. "/endless.lua", MODULE)
  end)
  after_each(function() program.remove(folder) end)

  it("is cut off when it takes too long, and runs again when it is woken", function()
    local result = program.run { "-e", CODE:format("50", "10"), cwd = folder }
    assert.same({ 0, "run 2\n", "" }, { result.status, result.out, result.err })
  end)

  it("has the time it is given, and ends with its owner although it does not end by itself", function()
    local result = program.run { "-e", CODE:format("nil", "0.2"), cwd = folder }
    assert.same({ 0, "nil\n", "" }, { result.status, result.out, result.err })
  end)
end)
