-- SPDX-License-Identifier: MIT
-- The prompt on what nobody should type, and where nobody should have to work.
local program = require "support.program"
local terminal = require "support.terminal"

describe("the prompt", function()
  local folder, screen

  local function start(environment, columns)
    environment.HOME = environment.HOME or folder
    screen = terminal.open(("cd %s; %s"):format(folder, program.command({}, environment)), columns)
    screen:await "> $"
  end

  local function enter(line, pattern)
    screen:enter(line)
    return screen:await(pattern)
  end

  before_each(function() folder = program.folder() end)
  after_each(function()
    screen:press "C-d"
    screen:await "exit=0"
    screen:close()
    program.remove(folder)
  end)

  it("takes a paste of ten thousand lines, and keeps each", function()
    start { DOCMSG_HISTORY = folder .. "/history" }
    program.write(folder .. "/paste", ("x = (x or 0) + 1\n"):rep(9999) .. "'pasted ' .. x\n")
    screen:tmux("load-buffer %s/paste", folder)
    screen:tmux "paste-buffer"
    screen:await("\n\"pasted 9999\"\n> $", 100)
    local count = 0
    for _ in io.lines(folder .. "/history") do count = count + 1 end
    assert.equal(10000, count)
  end)

  it("works on a terminal of 20 columns", function()
    start({ DOCMSG_HISTORY = "" }, 20)
    enter("('z'):rep(15) .. 'the end'", "\"" .. ("z"):rep(15) .. "the end\"\n> $")
    enter("{ a = 1, b = { 'two', 'three' } }", "\n{ a = 1, b = { \"two\", \"three\" } }\n> $")
    screen:press "C-l"
    screen:await "^> $"
    screen:press("s", "t", "r", "i", "n", "g", ".", "f", "o", "r", "m", "Tab")
    screen:await "^> string.format$"
    screen:press "C-c"
    screen:await "\n> $"
  end)

  it("shows tables that are deep, and such as hold themselves", function()
    start { DOCMSG_HISTORY = "" }
    enter("t = {} t.t = t", "> $")
    enter("t", "\n{ t = <cycle> }\n> $")
    enter("d = {} for _ = 1, 100000 do d = { d } end", "end\n> $")
    enter("d", "{ … }.*\n> $")
  end)

  it("says once that the home cannot be written, and goes on", function()
    start { HOME = "/proc/self", DOCMSG_HISTORY = false, XDG_STATE_HOME = false }
    enter("1 + 1", "the history is not kept: /proc/self/[^\n]*\n?[^\n]*\n2\n> $")
    screen:press "C-l"
    screen:await "^> $"
    enter("2 + 2", "2 %+ 2\n4\n> $")
  end)

  it("ends a file that never ends, and goes on", function()
    program.write(folder .. "/endless.lua", "print 'begun' while true do end")
    start { DOCMSG_HISTORY = "" }
    enter(".load endless.lua", "\nbegun$")
    screen:press "C-c"
    screen:await "interrupted\n> $"
    enter("1 + 1", "\n2\n> $")
  end)
end)

describe("a file", function()
  it("of a hundred megabytes is no topic table", function()
    local folder = program.folder()
    finally(function() program.remove(folder) end)
    os.execute(("truncate -s 100M %s/big.lua"):format(folder))
    local result = program.run { "lint", "big.lua", cwd = folder }
    assert.equal(2, result.status)
    assert.matches("big.lua: [^\n]*larger than", result.out .. result.err)
  end)

  it("that never ends is no topic table", function()
    local folder = program.folder()
    finally(function() program.remove(folder) end)
    program.write(folder .. "/endless.lua", "while true do end")
    local result = program.run { "lint", "endless.lua", cwd = folder }
    assert.equal(2, result.status)
    assert.matches("endless.lua:1: error: stopped after", result.out .. result.err)
  end)
end)
