-- SPDX-License-Identifier: MIT
-- Under the system's lua5.4, with nothing but the loadable module: objects that nobody closes.
-- Whatever the way out, there is no crash and no hang; each client is warned about, and what was
-- queued is delivered or reported as lost.
local broker = require "support.broker"
local process = require "support.process"

local UNCLOSED = "was not closed: call :close%(%)"
local LIMIT = 15 -- seconds; nothing here may take longer

-- What each script begins with.
local PRELUDE = [[
local kafka = require "docmsg.kafka"
local topic, group = ...
local function admin() return assert(kafka.admin {}) end
local function producer(options) return assert(kafka.producer(options or {})) end
local function queue(client, count)
  local handles = {}
  for i = 1, count do handles[i] = assert(client:send { topic = topic, key = "k", value = "v" .. i }) end
  return handles
end
local function transaction()
  local client = producer { transactional_id = group }
  assert(client:begin())
  queue(client, 10)
  return client
end
local function consumer()
  local client = assert(kafka.consumer { group = group, topics = { topic } })
  local message = client:messages("10s")()
  assert(message.value == "first")
  return client, message
end
]]

local root = process.program:match("^(.*)/bin/[^/]*$")

---Runs a script under lua5.4.
---@param code string
---@param topic? string
---@param env? table<string, string>
---@return support.Result
local function run(code, topic, env)
  local cluster = broker.connect()
  local environment = {
    LUA_PATH = ("%s/lua/?.lua;%s/lib/?.lua;;"):format(os.getenv "PWD", root), LUA_CPATH = root .. "/lib/?.so;;",
    LUA_INIT = false,
    KAFKA_BOOTSTRAP_SERVERS = cluster.bootstrap_servers,
  }
  for name, value in pairs(env or {}) do
    environment[name] = value
  end
  local result = process.run { "lua5.4", "-", topic or "none", cluster:group(),
    stdin = PRELUDE .. code, env = environment, limit = 2 * LIMIT }
  assert.is_nil(result.signal, ("signal %s: %s"):format(result.signal, result.stderr))
  assert.is_true(result.seconds < LIMIT, ("took %g s"):format(result.seconds))
  return result
end

---@param result support.Result
local function warnings(result)
  return select(2, result.stderr:gsub(UNCLOSED, ""))
end

---A topic with one record.
local function topic_with_record()
  local cluster = broker.connect()
  local topic = cluster:topic()
  local producer <close> = cluster:producer()
  assert(producer:publish { topic = topic.name, value = "first" })
  return topic
end

---How many records a reader of committed transactions gets.
local function count_records(topic)
  local cluster = broker.connect()
  local consumer <close> = cluster:consumer { kafka = { ["isolation.level"] = "read_committed" } }
  local low, high = assert(consumer:watermarks(topic, 0))
  assert(consumer:assign { { topic = topic, partition = 0, offset = low } })
  local count = 0
  while count < high do
    local batch = assert(consumer:batch(1000, "2s"))
    if #batch == 0 then
      break
    end
    count = count + #batch
  end
  return count
end

-- What is made, and how many clients then want to be closed.
local objects = {
  { "an admin", "local a = admin()", 1 },
  { "a producer", "local p = producer()", 1 },
  { "a producer that has published", "local p = producer() assert(p:publish { topic = topic })", 1 },
  { "a consumer that never polled", [[local c = assert(kafka.consumer { group = group,
      topics = { topic } })]], 1 },
  { "a consumer in a group", "local c = consumer()", 1 },
  { "a message", "local c, m = consumer()", 1 },
  { "a message, in a global", "local c c, kept = consumer()", 1 },
  { "a message of a collected consumer", [[local c, m = consumer() c = nil
      collectgarbage() collectgarbage()]], 1 },
  { "an iterator", "local c = consumer() iterate = c:messages('10s')", 1 },
  { "two of each", "for i = 1, 2 do all = { all, admin(), producer(), consumer() } group = group .. i end", 6 },
  { "objects in cycles", [[local p, c, m = producer() c, m = consumer()
      local a = { p, c, m } a.a, a.deliveries = a, queue(p, 5)
      setmetatable(a, { __index = a, __gc = function() return p:pending() end })]], 2 },
  { "objects in coroutines", [[local co = coroutine.wrap(function()
      local p <close> = producer() local c = consumer() queue(p, 5) coroutine.yield() end) co()]], 2 },
  { "a suspended handler", [[local c c = assert(kafka.consumer { group = group, topics = { topic },
      on_assign = function(partitions, self) held = { partitions, self, c } end }) c:poll('10s')]], 1 },
  { "a descriptor in use", "local c = consumer() assert(c:fd() > 2)", 1 },
  { "an embedded broker", "local b = assert(kafka.embedded {})", 0 },
  { "an embedded broker with clients", [[local b = assert(kafka.embedded {})
      local s = { bootstrap_servers = b.bootstrap_servers }
      local a, p = assert(kafka.admin(s)), assert(kafka.producer(s))
      assert(a:create_topics { { name = "t", partitions = 1 } })
      assert(p:publish { topic = "t" }) p:send { topic = "t" }]], 2 },
  { "clients whose embedded broker is closed", [[local b = assert(kafka.embedded {})
      local p = assert(kafka.producer { bootstrap_servers = b.bootstrap_servers }) b:close()]], 1 },
  { "closed clients", "local c, m = consumer() c:close() local a = admin() a:close()", 0 },
  { "declared clients", "local a <close> = admin() local p <close> = producer() queue(p, 5)", 0 },
  { "a producer closed after its consumer", [[local p, c = producer(), consumer() queue(p, 5)
      c:close() p:close()]], 0 },
  { "a consumer closed after its producer", [[local p, c = producer(), consumer() queue(p, 5)
      p:close() c:close()]], 0 },
  { "a finalizer that closes", [[local p = producer() queue(p, 5)
      setmetatable({}, { __gc = function() p:close() end })]], 0 },
  { "a finalizer that is too late", [[guard = setmetatable({}, { __gc = function() pcall(late.close, late) end })
      late = admin()]], 1 },
}

-- How the script ends, its exit code, and whether the state is closed.
local ways_out = {
  { "at the end of the script", "", 0, true },
  { "at os.exit with the state closed", "os.exit(3, true)", 3, true },
  { "at os.exit without", "os.exit(3)", 3, false },
  { "at an error", "error 'on purpose'", 1, true },
}

describe("under plain lua5.4, unclosed at exit:", function()
  it("has the modules of the library, each by its name", function()
    local result = run [[print(type(require "docmsg.runtime"),
      type(require "docmsg.schema.core"), require "docmsg.kafka" == kafka)]]
    assert.equal("table\ttable\ttrue\n", result.stdout, result.stderr)
  end)

  for _, object in ipairs(objects) do
    for _, way in ipairs(ways_out) do
      it(object[1] .. ", " .. way[1], function()
        local topic <close> = topic_with_record()
        local result = run(object[2] .. "\n" .. way[2], topic.name)
        assert.equal(way[3], result.code, result.stderr)
        if way[4] then
          assert.equal(object[3], warnings(result), result.stderr)
        end
      end)
    end
  end
end)

describe("under plain lua5.4, records queued at exit", function()
  for _, way in ipairs(ways_out) do
    if way[4] then
      it("are delivered " .. way[1], function()
        local topic <close> = topic_with_record()
        local result = run("local p = producer { kafka = { ['linger.ms'] = 60000 } } queue(p, 1000)\n"
          .. way[2], topic.name)
        assert.equal(way[3], result.code, result.stderr)
        assert.equal(1, warnings(result))
        assert.not_matches("not delivered", result.stderr, 1, true)
        assert.equal(1001, count_records(topic.name))
      end)

      it("are reported as lost " .. way[1] .. " without a broker", function()
        local result = run("local p = producer() local handles = queue(p, 1000)\n" .. way[2], nil,
          { KAFKA_BOOTSTRAP_SERVERS = "127.0.0.1:1" })
        assert.equal(way[3], result.code, result.stderr)
        assert.matches("1000 queued records were not delivered", result.stderr, 1, true)
      end)

      it("in a transaction are aborted " .. way[1], function()
        local topic <close> = topic_with_record()
        local result = run("local p = transaction()\n" .. way[2], topic.name)
        assert.equal(way[3], result.code, result.stderr)
        assert.equal(1, warnings(result))
        assert.equal(1, count_records(topic.name))
      end)
    end
  end
end)
