-- SPDX-License-Identifier: MIT
-- Signals, sent to real processes: how fast they are heard, and that nothing swallows them.
local program = require "support.program"

local LIMIT_MS <const> = 200

-- Starts the program, waits until it prints "ready", sends the signals, waits for its end. Prints
-- the exit status and the milliseconds from the first signal to the end.
local DRIVER <const> = [[
mkfifo fifo silent
exec 4<>silent
@ main.lua <&4 >fifo 2>err & pid=$!
exec 3<fifo
read -r line <&3
[ "$line" = ready ] || exit 99
before=$(date +%%s%%N)
%s
cat <&3 >rest
wait $pid
echo $? $(( ($(date +%%s%%N) - before) / 1000000 ))
cat rest
cat err >&2
]]

local folder

---@param code string prints "ready" itself when only a part of it shall be interrupted
---@param signals string shell commands that signal $pid
local function interrupt(code, signals)
  local prints_ready = code:find("print 'ready'", 1, true) and "" or "print 'ready';"
  program.write(folder .. "/main.lua", "io.stdout:setvbuf 'no' " .. prints_ready .. "\n" .. code)
  os.execute("rm -f " .. folder .. "/fifo " .. folder .. "/silent")
  local result = program.run { cwd = folder, shell = DRIVER:format(signals) }
  local status, elapsed, rest = result.out:match("^(%d+) (%d+)\n(.*)$")
  assert(status, result.out .. result.err)
  return { status = tonumber(status), ms = tonumber(elapsed), out = rest, err = result.err }
end

---The quickest of a few tries: a busy machine may delay any of them.
local function quickest(code, signals)
  local best
  for _ = 1, 5 do
    local result = interrupt(code, signals)
    best = best and best.ms <= result.ms and best or result
    if best.ms <= LIMIT_MS then break end
  end
  return best
end

local SPIN <const> = "while true do end"

describe("a signal", function()
  before_each(function() folder = program.folder() end)
  after_each(function() program.remove(folder) end)

  local loops = {
    ["a loop"] = SPIN,
    ["a loop of calls"] = "local function f() end while true do f() end",
    ["a loop of C calls"] = "while true do math.max(1, 2) end",
    ["a coroutine"] = "coroutine.wrap(function() while true do end end)()",
    ["a coroutine in a coroutine"] = [[
      coroutine.wrap(function() coroutine.wrap(function() while true do end end)() end)()]],
    ["coroutines that come and go"] = [[
      while true do coroutine.wrap(function() coroutine.yield() end)() end]],
    ["a coroutine that is being closed"] = [[
      local co = coroutine.create(function()
        local x <close> = setmetatable({}, { __close = function() while true do end end })
        coroutine.yield()
      end)
      coroutine.resume(co)
      coroutine.close(co)]],
    ["a protected loop"] = "while true do pcall(function() while true do end end) end",
    ["a protected loop with a handler"] = [[
      while true do xpcall(function() while true do end end, function(e) return tostring(e) .. '!' end) end]],
    ["a protected coroutine"] = [[
      while true do pcall(coroutine.wrap(function() while true do end end)) end]],
    ["a resumed coroutine"] = [[
      while true do coroutine.resume(coroutine.create(function() while true do end end)) end]],
    ["a sort"] = "table.sort({ 3, 1, 2 }, function() while true do end end)",
    ["a substitution"] = "('x'):gsub('x', function() while true do end end)",
    ["a metamethod"] = "return setmetatable({}, { __index = function() while true do end end }).x",
    ["a module"] = "package.preload.m = function() while true do end end require 'm'",
    ["a read from a silent input"] = "while true do io.read() end",
  }
  for name, code in pairs(loops) do
    it("interrupts " .. name, function()
      local result = quickest(code, "kill -INT $pid")
      assert.equal("docmsg-lua: interrupted\n", result.err)
      assert.equal(130, result.status)
      assert.is_true(result.ms <= LIMIT_MS, result.ms .. " ms")
    end)
  end

  it("terminates with 143", function()
    local result = quickest(SPIN, "kill -TERM $pid")
    assert.equal("docmsg-lua: terminated\n", result.err)
    assert.equal(143, result.status)
    assert.is_true(result.ms <= LIMIT_MS, result.ms .. " ms")
  end)

  it("closes variables and the state", function()
    local result = interrupt([[
      setmetatable({}, { __gc = function() print "collected" end })
      local x <close> = setmetatable({}, { __close = function()
        for _ = 1, 1000 do pcall(error) end
        print "closed"
      end })
      while true do end]], "kill -TERM $pid")
    assert.equal("closed\ncollected\n", result.out)
    assert.equal(143, result.status)
  end)

  it("lets a closing function handle its own errors", function()
    local result = interrupt([[
      local x <close> = setmetatable({}, { __close = function() print(pcall(error, "own")) end })
      while true do end]], "kill -INT $pid")
    assert.equal("false\town\n", result.out)
  end)

  it("counts once when it comes twice at once", function()
    local result = interrupt([[
      local x <close> = setmetatable({}, { __close = function() print "closed" end })
      while true do end]], "kill -INT $pid; kill -INT $pid")
    assert.equal(130, result.status)
  end)

  it("a second time interrupts a closing function that hangs", function()
    local result = interrupt([[
      local x <close> = setmetatable({}, { __close = function() print "closing" while true do end end })
      while true do end]], "kill -INT $pid; read -r line <&3; kill -INT $pid")
    assert.equal(130, result.status)
  end)

  -- Stays in a call of C that hears nothing until the program is gone; two signals at once count once.
  local DEAF <const> = "timeout 20 tail --pid=$PPID -s 0.1 -f /dev/null"
  local LATER <const> = "sleep 0.3; kill -TERM $PPID; "

  it("a second time ends a program whose closing function is stuck in C", function()
    local result = interrupt(([[
      local x <close> = setmetatable({}, { __close = function() os.execute "%s" end })
      while true do end]]):format(LATER .. DEAF), "kill -TERM $pid")
    assert.equal(143, result.status)
    assert.equal("", result.err) -- it got no further
  end)

  it("that one loop was ended by does not hurry the next loop when one comes for that", function()
    local result = interrupt([[
      local host = require "docmsg.host"
      host.listen(true)
      while not host.signal() do end
      host.listen(false)
      host.listen(true)
      os.execute "sleep 0.3; kill -TERM $PPID; sleep 1.5"
      print(host.signal())
      host.listen(false)]], "kill -TERM $pid")
    assert.equal("15\n", result.out)
  end)

  it("a second time ends a program that it interrupts, but that is still stuck", function()
    local result = interrupt(([[
      setmetatable({}, { __gc = function() os.execute "%s" print "it got on" end })
      local x <close> = setmetatable({}, { __close = function() os.execute "%s" end })
      while true do end]]):format("echo stuck; " .. DEAF, LATER), "kill -TERM $pid")
    assert.equal(143, result.status)
    assert.equal("stuck\n", result.out)
  end)

  it("a second time ends a program that is stuck in C", function()
    local result = interrupt([[
      setmetatable({}, { __gc = function() print "stuck" while true do end end })]],
      "read -r line <&3; kill -INT $pid; kill -INT $pid 2>/dev/null")
    assert.equal(130, result.status)
  end)

  it("that a finished chunk left behind does not reach a new coroutine", function()
    local result = program.run { "-e", [[
      local co = coroutine.create(function() return "fine" end)
      print(coroutine.resume(co))]] }
    assert.equal("true\tfine\n", result.out)
  end)

  it("interrupts a poll of a consumer", function()
    local result = quickest([[
      local kafka = require "docmsg.kafka"
      local consumer <close> = assert(kafka.consumer {
        bootstrap_servers = "127.0.0.1:1", group = "g", topics = { "t" }, on_log = function() end })
      print 'ready'
      consumer:poll "60s"]], "kill -INT $pid")
    assert.equal(130, result.status)
    assert.is_true(result.ms <= LIMIT_MS, result.ms .. " ms")
  end)

  it("interrupts a handler that runs on the calling thread, on both ways to it", function()
    for _, where in ipairs { "nil", "function() return true end" } do
      local result = interrupt(([[
        local docmsg = require "docmsg"
        local kafka = require "docmsg.kafka"
        local broker <close> = assert(kafka.embedded())
        kafka.defaults { bootstrap_servers = broker.bootstrap_servers }
        local admin <close> = assert(kafka.admin {})
        assert(admin:create_topics { { name = "t", partitions = 1 }, { name = "t.g.dlq", partitions = 1 } })
        local app = docmsg.app { name = "spinning" }
        app:consumer("g", { timeout = "1m" }):on("t", { where = %s }, function()
          print 'ready'
          while true do end
        end)
        local producer <close> = assert(kafka.producer {})
        assert(producer:send { topic = "t", value = "{}" })
        assert(producer:flush "30s")
        local log = require("docmsg.log").new { write = function() end }
        local runner <close> = assert(require("docmsg.runner").start(app, { log = log }))
        while true do pcall(runner.step, runner, "1s") end]]):format(where), "kill -INT $pid")
      assert.equal("docmsg-lua: interrupted\n", result.err)
      assert.equal(130, result.status)
    end
  end)

  it("interrupts a poll in a protected coroutine", function()
    local result = quickest([[
      local kafka = require "docmsg.kafka"
      local consumer <close> = assert(kafka.consumer {
        bootstrap_servers = "127.0.0.1:1", group = "g", topics = { "t" }, on_log = function() end })
      print 'ready'
      while true do pcall(coroutine.wrap(function() consumer:poll "60s" end)) end]], "kill -TERM $pid")
    assert.equal(143, result.status)
    assert.is_true(result.ms <= LIMIT_MS, result.ms .. " ms")
  end)
end)
