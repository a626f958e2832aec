-- SPDX-License-Identifier: MIT
local await = require "support.await"
local embedded = require "support.embedded"
local program = require "support.program"
local repl = require "docmsg.repl"
local terminal = require "support.terminal"

describe("a session's chunk", function()
  local cases = {
    { "1 + 1", true, false }, { "x = 1", true, false }, { "f(", false, true },
    { "for i = 1, 2 do", false, true }, { "s = [[", false, true }, { "--[[", false, true },
    { "x =", false, true }, { "x = = 1", false, false }, { "end", false, false },
    { "s = 'abc", false, false }, { "", true, false }, { "-- a comment", true, false },
    { "return 1, 2", true, false },
  }
  for _, case in ipairs(cases) do
    it(("%q is %s"):format(case[1], case[2] and "whole" or case[3] and "incomplete" or "wrong"), function()
      local chunk, reason, incomplete = repl.compile(case[1])
      assert.equal(case[2], chunk ~= nil)
      assert.equal(case[2], reason == nil)
      assert.equal(case[3], incomplete)
    end)
  end
end)

describe("a session on piped input", function()
  local function run(stdin, ...)
    local result = program.run { "-i", stdin = stdin, ... }
    return result.status, result.out:gsub("^[^\n]*\n", "", 1), result.err
  end

  it("runs each line without a prompt and ends with 0", function()
    local status, out, err = run "x = 20\nx + 1, 'two'\nfor i = 1, 2 do\nprint(i)\nend\n_\n"
    assert.equal("", err)
    assert.equal('21\t"two"\n1\n2\n21\n', out)
    assert.equal(0, status)
  end)

  it("ends with 1 at the first error", function()
    local status, out, err = run "1\nerror 'boom'\n2"
    assert.equal("1\n", out)
    assert.truthy(err:find("stdin:1: boom\nstack traceback:", 1, true))
    assert.equal(1, status)
  end)

  it("ends with 1 at a syntax error, also at the end of the input", function()
    assert.equal(1, (run "x = = 1\n2"))
    assert.equal(1, (run "for i = 1, 2 do"))
  end)

  it("follows a script", function()
    local folder = program.folder()
    finally(function() program.remove(folder) end)
    program.write(folder .. "/a.lua", "X = 5")
    local result = program.run { "-i", "a.lua", cwd = folder, stdin = "X" }
    assert.truthy(result.out:find("\n5\n$"))
  end)

  it("does not follow a script that failed", function()
    local result = program.run { "-i", "-e", "error 'no'", stdin = "print 'on'" }
    assert.equal(1, result.status)
    assert.is_nil(result.out:find("on\n$"))
  end)

  it("has kafka and docmsg at hand, beside a script's own metatable of _G", function()
    local status, out = run("kafka == require 'docmsg.kafka', docmsg.kafka == kafka\nother",
      "-e", "setmetatable(_G, { __index = function(_, name) return name end })")
    assert.equal('true\ttrue\n"other"\n', out)
    assert.equal(0, status)
  end)

  it("shows nil, nothing, and values that are hostile", function()
    local _, out = run "nil\nprint()\nsetmetatable({}, {__tostring = error})\n1,nil,2"
    assert.equal("nil\n\n<table whose __tostring fails>\n1\tnil\t2\n", out)
  end)

  it("reads lines longer than any buffer", function()
    local _, out = run("#'" .. ("x"):rep(100000) .. "'")
    assert.equal("100000\n", out)
  end)
end)

describe("completion", function()
  local known = { topics = { "orders", "orders-old" }, groups = { "billing" }, events = { "order-placed" },
    properties = { "linger.ms" }, topic_properties = { "retention.ms" }, globals = { "kafka" } }
  local function live(kind) return known[kind] end
  local globals = { alpha = { beta = { gamma = 1 } }, albatross = 1,
    object = setmetatable({ own = 1 }, { __index = { method = 1 }, }), trap = setmetatable({}, { __index = error }) }
  local cases = {
    { "alb", "atross" }, { "al", nil, "albatross  alpha" }, { "x = alpha.b", "eta" }, { "alpha.beta.g", "amma" },
    { "object:m", "ethod" }, { "object.o", "wn" }, { "trap.a" }, { "nothing.a" }, { "func", "tion" }, { "" },
    { "f('ord", "er" }, { "f(\"b", "illing" }, { "f('orders", nil, "orders  orders-old" }, { "f('a', 'b", "illing" },
    { "f('it\\'s', '", nil, "billing  order-placed  orders  orders-old" }, { ".to", "pics" }, { ".c", nil, "cat  completion" },
    { ".tail or", "ders" }, { ".lag b", "illing" }, { ".tail b" }, { "'closed' .. alb", "atross" }, { "kaf", "ka" },
    { "publish('order-", "placed" }, { ".publish o", "rder-placed" }, { "{ ['ret", "ention.ms" }, { "{ [ 'ord", "er" },
    { "'ret" }, { ".cat orders -X lin", "ger.ms" }, { ".cat orders -X ret" },
    { "{ ['lin", "ger.ms" }, { ".cat orders --wh", "ere" }, { ".topics sh", "ow" },
    { ".topics show o", "rders" }, { ".cat 'a" }, { " .", nil, true }, { ".", nil, true },
  }
  for _, case in ipairs(cases) do
    it("offers what may follow: " .. case[1], function()
      local insertion, list = require("docmsg.repl.completer").complete(case[1], globals, live)
      if case[3] == true then list = list ~= nil end
      assert.same({ case[2], case[3] }, { insertion, list })
    end)
  end

  it("survives metatables that never end", function()
    local loop = {}
    setmetatable(loop, { __index = loop })
    assert.is_nil((require("docmsg.repl.completer").complete("loop.x.y", { loop = loop }, live)))
  end)

  it("takes no time, however many names there are", function()
    local cache = require "docmsg.repl.cache"
    local many = {}
    for i = 1, 10000 do many[i] = ("topic-%05d"):format(i) end
    cache.keep("topics", many)
    finally(function() cache.keep("topics", {}) end)
    local before = os.clock()
    assert.equal("topic-", "t" .. require("docmsg.repl.completer").complete("x = 't", {}, cache.live))
    assert.is_true(os.clock() - before < 0.05)
  end)

  it("counts what would not fit on the screen", function()
    local many = {}
    for i = 1, 150 do many[("many%03d"):format(i)] = 1 end
    local _, list = require("docmsg.repl.completer").complete("m.many", { m = many }, live)
    assert.matches("many100  … 50 more$", list or "")
  end)
end)

describe("a line with a dot", function()
  local dot = require "docmsg.repl.dot"
  local cases = {
    { ".topics", { "topics", "list" } }, { ".topics --only a", { "topics", "list", "--only", "a" } },
    { ".topics show a", { "topics", "show", "a" } }, { ".lag g", { "groups", "lag", "g" } },
    { ".plan t.lua", { "topics", "plan", "t.lua" } }, { " .cat a -f '%k %s'", { "cat", "a", "-f", "%k %s" } },
    { [[.cat a --where='key == "x"']], { "cat", "a", '--where=key == "x"' } }, { ".put ''", { "put", "" } },
  }
  for _, case in ipairs(cases) do
    it("is a command line: " .. case[1], function()
      assert.is_true(dot.is(case[1]))
      assert.same(case[2], dot.words(case[1]))
    end)
  end

  it("needs its quotes closed", function()
    assert.is_nil((dot.words ".cat 'a"))
  end)

  it("is none when it is a number, or dots", function()
    assert.is_false(dot.is ".5")
    assert.is_false(dot.is "...")
  end)
end)

describe("a session on a terminal", function()
  local folder, screen

  ---@param environment? table<string, string>
  local function start(environment, arguments)
    environment = environment or { DOCMSG_HISTORY = folder .. "/state/history" }
    environment.HOME = environment.HOME == nil and folder or environment.HOME
    screen = terminal.open(program.command(arguments or {}, environment))
    screen:await "> $"
    return screen
  end

  local function stop()
    screen:press "C-d"
    return screen:await "exit=%d+"
  end

  before_each(function() folder = program.folder() end)
  after_each(function()
    screen:close()
    program.remove(folder)
  end)

  it("greets, shows values, and ends at Ctrl-D with 0", function()
    start()
    screen:await "^docmsg%-lua %d.*librdkafka.*\n> $"
    screen:enter "1 + 1"
    screen:await "\n2\n> $"
    screen:enter "{ 'é', x = '\\0' }"
    screen:await '\n{ "é", x = "\\x00" }\n> $'
    screen:enter "_.x"
    screen:await '\n"\\x00"\n> $'
    assert.truthy(stop():find "exit=0")
  end)

  it("completes names, fields and verbs at TAB", function()
    start()
    screen:press("m", "a", "t", "h", ".", "f", "l", "o", "o")
    screen:await "> math.floo$"
    screen:press "Tab"
    screen:await "> math.floor$"
    screen:press "C-u"
    screen:press("k", "a", "f", "k", "a", ".", "p")
    screen:await "> kafka.p *$"
    screen:press("Tab", "Tab")
    screen:await "printer  producer  properties\n> kafka.pr?$"
    screen:press "C-c"
    screen:await "\n> kafka.pr?\n> $"
    screen:press(".", "v", "e", "r")
    screen:await "> .ver$"
    screen:press("Tab", "Enter")
    screen:await "\ndocmsg%-lua %d[^\n]*\n> $"
    assert.truthy(stop():find "exit=0")
  end)

  it("completes the topics that it has seen, and interrupts a tail", function()
    local own <close> = embedded.start()
    local topic = own:topic { name = "orders-of-the-day" }
    start(nil, { "--bootstrap-servers", own.bootstrap_servers })
    screen:enter ".tail orders-of-the-day"
    do
      local producer <close> = own:producer()
      assert(producer:publish { topic = topic.name, value = "good morning" })
    end
    screen:await "\ngood morning$"
    screen:press "C-c"
    screen:await "interrupted\n127.0.0.1:%d+> $"
    screen:enter ".topics"
    screen:await "orders%-of%-the%-day +1 .*> $"
    screen:press("C-l")
    screen:await "^127.0.0.1:%d+> $"
    screen:press("x", "=", "\\'", "o", "r", "d")
    screen:await "> x='ord$"
    screen:press "Tab"
    screen:await "> x='orders%-of%-the%-day$"
    screen:press "C-c"
    screen:await "day\n127.0.0.1:%d+> $"
    assert.truthy(stop():find "exit=0")
  end)

  it("refuses to write in a protected context, whose name is the prompt", function()
    assert(os.execute("mkdir -p " .. folder .. "/.config/docmsg"))
    program.write(folder .. "/.config/docmsg/contexts.lua",
      'return { prod = { bootstrap_servers = "127.0.0.1:1", protected = true } }')
    start({ HOME = folder, XDG_CONFIG_HOME = false }, { "--context", "prod" })
    screen:await "\nprod> $"
    assert.matches("\27[31mprod\27[", screen:tmux "capture-pane -e -p", 1, true)
    screen:enter "kafka.producer {}"
    screen:await "the context prod is protected: a producer is refused; start with %-%-write"
    screen:enter "'still here'"
    screen:await '"still here"\nprod> $'
    assert.truthy(stop():find "exit=0")
  end)

  it("keeps older results, and ends at .quit", function()
    start()
    screen:enter "'one'"
    screen:await '"one"\n> $'
    screen:enter "'two'"
    screen:await '"two"\n> $'
    screen:enter "_ .. _1"
    screen:await '"twoone"\n> $'
    screen:enter ".nonsens"
    screen:await "there is no .nonsens"
    screen:enter ".quit"
    screen:await "exit=0"
  end)

  it("goes on after an error", function()
    start()
    screen:enter "error { code = 5 }"
    screen:await "{ code = 5 }\nstack traceback:"
    screen:enter "'still ' .. 'here'"
    screen:await '"still here"\n> $'
    assert.truthy(stop():find "exit=0")
  end)

  it("continues incomplete input on the next line", function()
    start()
    screen:enter "for i = 1, 2 do"
    screen:await "\n>> $"
    screen:enter "print('line', i)"
    screen:await "\n>> $"
    screen:enter "end"
    screen:await "line%s+1\nline%s+2\n> $"
    screen:enter "function double(x)"
    screen:await "\n>> $"
    screen:enter "return 2 * x end"
    screen:await "\n> $"
    screen:enter "double(21)"
    screen:await "\n42\n> $"
  end)

  it("clears the line at Ctrl-C, also a continued one", function()
    start()
    screen:press("n", "o", "n", "s")
    screen:await "> nons$"
    screen:press "C-c"
    screen:await "\n> $"
    screen:enter "f("
    screen:await "\n>> $"
    screen:press "C-c"
    screen:await "\n> $"
    screen:enter "'clean'"
    screen:await '\n"clean"\n> $'
    assert.truthy(stop():find "exit=0")
  end)

  it("interrupts a running call at Ctrl-C and goes on", function()
    start()
    for _ = 1, 3 do
      screen:enter "print 'running' while true do pcall(string.rep, 'x', 10) end"
      screen:await "\nrunning$"
      screen:press "C-c"
      screen:await "interrupted\n> $"
      screen:press("C-l")
      screen:await "^> $"
    end
    screen:enter "'clean'"
    screen:await '\n"clean"\n> $'
    assert.truthy(stop():find "exit=0")
  end)

  it("interrupts a value that takes for ever to show", function()
    start()
    screen:enter "setmetatable({}, { __tostring = function() print 'showing' while true do end end })"
    screen:await "\nshowing$"
    screen:press "C-c"
    screen:await "interrupted\n> $"
  end)

  it("keeps its history for the next session, entries of several lines whole", function()
    start()
    screen:enter "one = 1"
    screen:await "\n> $"
    screen:enter " secret = 2"
    screen:await "\n> $"
    screen:enter "do"
    screen:await ">> $"
    screen:enter "two = 'é' end"
    screen:await "\n> $"
    stop()
    screen:close()
    local file = folder .. "/state/history"
    assert.equal("one = 1\ndo\\ntwo = 'é' end\n", program.read(file))
    assert.equal("600 700\n", program.capture(
      ("stat -c %%a %s %s/state | paste -sd' '"):format(file, folder)))

    start()
    screen:press("Up", "Up")
    screen:await "> one = 1$"
    screen:press "Enter"
    screen:await "\n> $"
    screen:press("Up", "Up")
    screen:await "two = 'é' end$"
    screen:press("Enter")
    screen:await "end\n> $"
    screen:enter "two"
    screen:await '\n"é"\n> $'
  end)

  local places = {
    ["in XDG_STATE_HOME"] = { "/xdg/docmsg/history", function() return { XDG_STATE_HOME = folder .. "/xdg" } end },
    ["in the home folder"] = { "/.local/state/docmsg/history", function() return { XDG_STATE_HOME = false } end },
  }
  for name, case in pairs(places) do
    it("keeps its history " .. name, function()
      start(case[2]())
      screen:enter "here = 1"
      screen:await "here = 1\n> $"
      assert.equal("here = 1\n", program.read(folder .. case[1]))
    end)
  end

  local fits = {
    { "without HOME", { HOME = false, XDG_STATE_HOME = false } },
    { "with a device for its history", { DOCMSG_HISTORY = "/dev/null" } },
    { "without a history", { DOCMSG_HISTORY = "" } },
    { "on a dumb terminal", { TERM = "dumb" } },
    { "on a terminal nobody knows", { TERM = "" } },
    { "without TERM", { TERM = false } },
    { "in the C locale", { LC_ALL = "C", LANG = false } },
  }
  for _, case in ipairs(fits) do
    it("works " .. case[1], function()
      start(case[2])
      screen:enter "1 + 1"
      screen:await "\n2\n> $"
      screen:press "C-c"
      screen:await "\n> %^?C?\n> $"
      assert.truthy(stop():find "exit=0")
      assert.equal("666\n", program.capture "stat -c %a /dev/null")
    end)
  end

  it("says once that its history cannot be kept, and goes on", function()
    program.write(folder .. "/file", "")
    start { DOCMSG_HISTORY = folder .. "/file/history" }
    screen:enter "1 + 1"
    screen:enter "2 + 2"
    local seen = screen:await "\n4\n> $"
    assert.truthy(seen:find("no history: ", 1, true))
    assert.equal(1, select(2, seen:gsub("Not a directory", "")))
  end)

  it("shares its history with other sessions", function()
    local screens, file = {}, folder .. "/h"
    for index = 1, 10 do
      screens[index] = terminal.open(program.command({}, { DOCMSG_HISTORY = file, HOME = folder }))
    end
    for _, each in ipairs(screens) do each:await "> $" end
    for round = 1, 5 do
      for index, each in ipairs(screens) do each:enter(("x%d_%d = 1"):format(index, round)) end
    end
    for _, each in ipairs(screens) do each:await "_5 = 1\n> $" end
    for _, each in ipairs(screens) do each:close() end
    local lines = {}
    for line in program.read(file):gmatch "[^\n]+" do lines[#lines + 1] = line end
    assert.equal(50, #lines)
    for _, line in ipairs(lines) do assert.truthy(line:find "^x%d+_%d = 1$") end
    screen = screens[1]
  end)

  -- What goes on beside the line must not swallow a signal.
  local ENDLESS <const> = "io.open('begun', 'w'):close() while true do end"
  local beside = {
    { "a tail's filter", '.tail endless-orders --where "(function() ' .. ENDLESS .. ' end)()" &', "Enter" },
    { "what TAB reads", ".publish o", "Tab" },
  }
  for _, case in ipairs(beside) do
    it(("ends with 143 at SIGTERM, and goes on at Ctrl-C, while %s never ends"):format(case[1]), function()
      local own <close> = embedded.start()
      local topic = own:topic { name = "endless-orders" }
      do
        local producer <close> = own:producer()
        assert(producer:publish { topic = topic.name, value = "v" })
      end
      program.write(folder .. "/events.lua", ENDLESS)
      screen = terminal.open(("cd %s; %s"):format(folder, program.command(
        { "--bootstrap-servers", own.bootstrap_servers }, { HOME = folder, DOCMSG_HISTORY = "" })))
      screen:await "> $"
      screen:enter("pid = io.open('/proc/self/stat'):read 'n' print('pid=' .. pid)")
      local pid = screen:await "\npid=%d+\n%S+> $":match "pid=(%d+)"
      for _, signal in ipairs { "INT", "TERM" } do
        screen:tmux("send-keys -l -- %s", program.quote(case[2]))
        screen:press(case[3])
        await(function() return os.remove(folder .. "/begun") end, "10s", "the code that never ends")
        os.execute(("kill -%s %s"):format(signal, pid))
        if signal == "INT" then
          screen:await "\n%S+> $"
          screen:press "C-l"
          screen:await "^%S+> $"
          screen:enter "1 + 1"
          screen:await "\n2\n%S+> $"
        end
      end
      screen:await "exit=143"
    end)
  end

  it("ends with 143 at SIGTERM, typing or running", function()
    for _, code in ipairs { "nothing()", "while true do end" } do
      start()
      screen:enter("pid = io.open('/proc/self/stat'):read 'n' print('pid=' .. pid)")
      local pid = screen:await "\npid=%d+\n> $":match "pid=(%d+)"
      screen:enter(code)
      screen:await(code == "nothing()" and "attempt to call.*> $" or "end$")
      os.execute("kill -TERM " .. pid)
      screen:await "exit=143"
      screen:close()
    end
  end)
end)
