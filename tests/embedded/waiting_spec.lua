-- SPDX-License-Identifier: MIT
-- Every call that waits for a broker: none is deaf to Ctrl-C, none outstays its time-out, and where
-- no broker answers, the error says which it was and why.
local process = require "support.process"
local system = require "system"

local LIMIT <const> = 0.2 -- seconds from a signal to what follows it

-- Clients whose broker does not listen. TIME is the time-out of the call.
local PRELUDE <const> = [[
io.stdout:setvbuf "no"
local kafka = require "docmsg.kafka"
local TIME = "%s"
local clients = {}
local function open(kind, options)
  options.bootstrap_servers = options.bootstrap_servers or "127.0.0.1:1"
  options.on_error = function() end
  clients[#clients + 1] = assert(kafka[kind](options))
  return clients[#clients]
end
local function producer(options) return open("producer", options or {}) end
local function consumer(options) return open("consumer", options or { group = "g" }) end
local function sent(p) return assert(p:send { topic = "t" }), p end
local function full() local p = producer { queue_timeout = TIME,
  kafka = { ["queue.buffering.max.messages"] = 1 } } sent(p) return p end
local function assigned() local c = consumer()
  assert(c:assign { { topic = "t", partition = 0 } }) return c end
local place = { topic = "t", partition = 0, offset = 1 }
-- Sets a hook as a signal does that comes when Lua has called the C function already: what it hears is
-- the return of a function that C has called, and not the call of the C function itself.
local function armed(value)
  debug.sethook(function()
    local returning, caller = debug.getinfo(2, "S"), debug.getinfo(3, "S")
    if returning.what ~= "C" or not caller or caller.what ~= "C" then return end
    debug.sethook()
    error("heard", 0)
  end, "r", 1)
  return value
end
-- A transaction whose broker has gone.
local function transaction()
  broker = assert(kafka.embedded())
  local servers = { bootstrap_servers = broker.bootstrap_servers }
  local a <close> = open("admin", servers)
  assert(a:create_topics { { name = "t", partitions = 1 } })
  local p = producer { bootstrap_servers = broker.bootstrap_servers, transactional_id = "x" }
  member = consumer { bootstrap_servers = broker.bootstrap_servers, group = "g" }
  assert(p:begin()) assert(p:publish { topic = "t" })
  broker:set_up(1, false)
  return p
end
local guard <close> = setmetatable({}, { __close = function()
  print "left"
  for _, client in ipairs(clients) do
    if client.purge and not tostring(client):find "closed" then client:purge() end
  end
end })
]]

-- What is made before, and the call. Those with 'silent' have no error: nothing came in time.
local CALLS <const> = {
  { "producer:publish", "local p = producer()", "p:publish({ topic = 't' }, TIME)" },
  { "producer:send with a full queue", "local p = full()", "p:send { topic = 't' }" },
  { "producer:send with a partitioner", "local p = producer { queue_timeout = TIME, partitioner = print }",
    "p:send { topic = 't' }" },
  { "producer:flush", "local _, p = sent(producer())", "p:flush(TIME)" },
  { "producer:close", "local _, p = sent(producer())", "p:close(TIME)" },
  { "producer:poll", "local _, p = sent(producer())", "p:poll(TIME)", silent = true },
  { "producer:partitions", "local p = producer()", "p:partitions('t', TIME)" },
  { "producer:begin", "local p = producer { transactional_id = 'x' }", "p:begin(TIME)" },
  { "producer:commit", "local p = transaction()", "p:commit(TIME)" },
  { "producer:abort", "local p = transaction()", "p:abort(TIME)" },
  { "producer:send_offsets", "local p = transaction()", "p:send_offsets({ place }, member, TIME)" },
  { "delivery:wait", "local d, p = sent(producer())", "d:wait(TIME)" },
  { "consumer:poll", "local c = assigned()", "c:poll(TIME)", silent = true },
  { "consumer:batch", "local c = assigned()", "c:batch(10, TIME)", silent = true },
  { "consumer:messages", "local c = assigned()", "c:messages(TIME)()", silent = true },
  { "consumer:batches", "local c = assigned()", "c:batches(10, TIME)()", silent = true },
  { "consumer:commit", "local c = consumer()", "c:commit({ place }, TIME)" },
  { "consumer:committed", "local c = consumer()", "c:committed({ place }, TIME)" },
  { "consumer:watermarks", "local c = consumer()", "c:watermarks('t', 0, TIME)" },
  { "consumer:seek", "local c = assigned()", "c:seek({ place }, TIME)" },
  { "consumer:poll in a coroutine", "local c = assigned()",
    "coroutine.wrap(function() return c:poll(TIME) end)()", silent = true },
  { "admin:create_topics", "local a = open('admin', {})",
    "a:create_topics({ { name = 't', partitions = 1 } }, { timeout = TIME })" },
  { "admin:describe_topics", "local a = open('admin', {})", "a:describe_topics({ 't' }, { timeout = TIME })" },
  { "admin:alter_configs", "local a = open('admin', {})",
    "a:alter_configs({ { name = 't', set = { x = 1 } } }, { timeout = TIME })" },
  { "admin:list_offsets", "local a = open('admin', {})",
    "a:list_offsets({ { topic = 't', partition = 0, at = 0 } }, { timeout = TIME })" },
  { "admin:group_offsets", "local a = open('admin', {})", "a:group_offsets('g', nil, { timeout = TIME })" },
  { "admin:cluster", "local a = open('admin', {})", "a:cluster { timeout = TIME }" },
  { "kafka.sleep", "", "kafka.sleep(TIME)", silent = true },
  { "topics.connect", "local topics = require 'docmsg.topics'",
    "topics.connect { bootstrap_servers = '127.0.0.1:1', attempts = 1, probe_timeout = TIME }" },
}

---@param call table
---@param time string
---@param expression? string instead of the call as it is
---@return string code that prints "ready", calls, and prints the error
local function script(call, time, expression)
  return PRELUDE:format(time) .. call[2] .. "\nprint 'ready'\nlocal _, err = " .. (expression or call[3])
    .. "\nprint('returned', err)"
end

---The call with a hook that is set while its arguments are evaluated.
---@param expression string
---@return string
local function armed(expression)
  local result, count = expression:gsub("TIME", "armed(TIME)")
  return count > 0 and result or (expression:gsub("'t'", "armed('t')"))
end

describe("a call that waits for a broker:", function()
  for _, call in ipairs(CALLS) do
    -- The quickest of a few tries counts: a busy machine may delay any of them.
    it(call[1] .. " is interrupted within 200 ms", function()
      local quickest = math.huge
      for _ = 1, 5 do
        local child <close> = process.start { process.program, "-e", script(call, "60s") }
        child:await_stdout "ready"
        local start = system.monotime()
        child:kill "INT"
        child:await_stdout "left"
        quickest = math.min(quickest, system.monotime() - start)
        local result = child:wait()
        assert.is_nil(result.stdout:find("returned", 1, true), result.stdout)
        assert.equal(130, result.code, result.stderr)
        if quickest <= LIMIT then break end
      end
      assert.is_true(quickest <= LIMIT, quickest)
    end)

    it(call[1] .. " hears what came as it began", function()
      local result = process.run { process.program, "-e", script(call, "60s", armed(call[3])), limit = 20 }
      assert.is_false(result.timed_out)
      assert.is_nil(result.stdout:find("returned", 1, true), result.stdout)
      assert.matches("heard", result.stderr)
    end)

    it(call[1] .. " ends in time and says why", function()
      local result = process.run { process.program, "-e", script(call, "400ms"), limit = 30 }
      local reason = result.stdout:match "\nreturned\t([^\n]*)"
      assert.is_truthy(reason, result.stdout .. result.stderr)
      if call.silent then
        assert.equal("nil", reason)
      else
        assert.matches("127%.0%.0%.1:%d+", reason)
        assert.is_truthy(reason:find("Connection refused", 1, true) or reason:find("Disconnected", 1, true), reason)
      end
    end)
  end
end)

-- What is made before, the call with an armed argument, what is asked after it, and its answer.
local KEPT <const> = {
  ["an admin is closed"] = { "open('admin', {})", "close, it, armed(TIME)", "it", "^docmsg.Admin %(closed%)" },
  ["a consumer is closed"] = { "assigned()", "close, it, armed(TIME)", "it", "^docmsg.Consumer %(closed%)" },
  ["a record that found no room does not wait"] =
    { "full()", "send, it, { topic = armed('t') }", "it:pending()", "^1\n" },
}

describe("after a call that heard what came as it began,", function()
  for name, case in pairs(KEPT) do
    it(name, function()
      local code = PRELUDE:format "60s"
        .. ("local it = %s print(pcall(it.%s)) print(%s)"):format(table.unpack(case, 1, 3))
      local result = process.run { process.program, "-e", code, limit = 20 }
      local answer = result.stdout:match "^false\theard\n(.*)"
      assert.is_truthy(answer, result.stdout .. result.stderr)
      assert.matches(case[4], answer)
    end)
  end
end)

-- What is made before, and what must end.
local ENDS <const> = {
  ["producer:purge"] = { "local p = assert(kafka.producer {}) assert(p:send { topic = 't' })", "p:purge()" },
  ["the end of a group that was not started"] = { [[
    local runtime = require "docmsg.runtime"
    local emitter = assert(runtime.emitter {})
    local group = assert(runtime.group { emitter = emitter, group = "g", topics = { "t" }, transactions = {} })]],
    "group:close()" },
}

describe("while a name server does not answer,", function()
  local library = process.program:gsub("bin/[^/]*$", "tests/c/silent_names.so")
  for name, case in pairs(ENDS) do
    it(name .. " comes to its end", function()
      local code = ([[
        io.stdout:setvbuf "line"
        local kafka = require "docmsg.kafka"
        kafka.defaults { bootstrap_servers = "silent.test:9092" }
        %s
        local _ <close> = setmetatable({}, { __close = function()
          %s
          print "ended"
          os.exit(0, false) -- the clients would be waited for
        end })
        print "ready"
        kafka.sleep "1h"]]):format(case[1], case[2])
      local child <close> = process.start { process.program, "-e", code, limit = 30,
        env = { LD_PRELOAD = library, ASAN_OPTIONS = "verify_asan_link_order=0" } }
      child:await_stdout "ready"
      child:await_stdout "asked"
      child:kill "INT"
      child:await_stdout "ended"
      assert.equal(0, child:wait().code)
    end)
  end
end)
