-- SPDX-License-Identifier: MIT
-- The long run: records go through three stages, each a topic and a group, while the consumer is
-- killed again and again and the broker, too. kcat counts what came out. The same run by an
-- application that breaks the law must be found out: the checker is checked.
local application = require "support.application"
local await = require "support.await"
local load = require "support.load"
local own_broker = require "support.own_broker"
local peer = require "support.peer"
local random = require "support.random"
local system = require "system"

local RECORDS <const>, KILLS <const>, BROKER_KILLS <const> = 100000, 10, 3
local PARTITIONS <const> = 6

-- Offsets are committed so often; and what a commit may take.
local COMMIT_S <const>, COMMITTING_S <const> = 1, 1

-- Of a run that cheats: one record in so many is acknowledged before it is handled.
local CHEAT_EVERY <const> = 100

-- The three groups. With DOCMSG_TEST_CHEAT the second breaks the law: it acknowledges some records
-- and keeps them for later, as systems do that commit what was fetched.
local SCRIPT <const> = [[
local app = docmsg.app { name = "stages" }
local quick = { ["session.timeout.ms"] = 6000, ["heartbeat.interval.ms"] = 500,
  ["reconnect.backoff.max.ms"] = 500 }
local function stage(number, cheat)
  local late = {}
  -- Who comes back under its name need not wait until the dead one is missed.
  app:consumer("group-" .. number, { kafka = quick, instance_id = "the-one" }):on("stage-" .. number, function(event, ctx)
    local n = event.data.n
    if cheat and n % cheat == 0 then
      late[#late + 1] = n
      return
    end
    ctx:emit("stage-" .. number + 1, { n = n }, { key = event.key })
  end)
end
stage(1)
stage(2, tonumber(os.getenv "DOCMSG_TEST_CHEAT"))
stage(3)
return app
]]

-- What is on the last topic: how often each number, by an independent client.
local function count_outputs(servers)
  local times, total = {}, 0
  local text = peer.kcat(servers, { "-C", "-t", "stage-4", "-o", "beginning", "-e", "-f", "%s\n" })
  for n in text:gmatch('"n":(%d+)') do
    n = math.tointeger(n)
    times[n], total = (times[n] or 0) + 1, total + 1
  end
  return times, total
end

-- When the copies of each number were written to a topic, in order, in seconds.
local function copies_of(servers, topic)
  local copies = {}
  local text = peer.kcat(servers, { "-C", "-t", topic, "-o", "beginning", "-e", "-f", "%T %s\n" })
  for ms, n in text:gmatch '(%d+) {"n":(%d+)' do
    copies[n] = copies[n] or {}
    table.insert(copies[n], tonumber(ms) / 1000)
  end
  for _, list in pairs(copies) do table.sort(list) end
  return copies
end

-- What the first stage wrote more than once: how many copies, how long before the next kill the earliest
-- of them was written, and which of them no kill explains. A kill explains what was written since the last
-- commit before it, and, when the broker was killed first, until the application was.
local function explain_repeats(servers, kills)
  local patience = COMMIT_S + COMMITTING_S * load.share()
  local found = { copies = 0, longest = 0, unexplained = {} }
  local function age(at)
    for _, kill in ipairs(kills) do
      if at <= kill.to then return math.max(0, kill.from - at) end
    end
    return math.huge
  end
  for n, list in pairs(copies_of(servers, "stage-2")) do
    for i = 1, #list - 1 do
      local seconds = age(list[i])
      found.copies = found.copies + 1
      found.longest = math.max(found.longest, seconds)
      if seconds > patience then
        table.insert(found.unexplained, ("%s, %.3f s before a kill"):format(n, seconds))
      end
    end
  end
  table.sort(found.unexplained)
  return found
end

local function quiet() end

-- How many records are in a topic; 0 while the broker does not answer.
local function size_of(cluster, topic)
  local size = 0
  local consumer <close> = cluster:consumer { on_error = quiet }
  for partition = 0, PARTITIONS - 1 do
    local _, last = consumer:watermarks(topic, partition, "5s")
    size = size + (math.type(last) == "integer" and last or 0)
  end
  return size
end

-- How many records no stage has committed.
local function lag(cluster)
  local left = 0
  for stage = 1, 3 do
    local topic, places = "stage-" .. stage, {}
    for partition = 1, PARTITIONS do places[partition] = { topic = topic, partition = partition - 1 } end
    local consumer <close> = cluster:consumer { group = "group-" .. stage, on_error = quiet }
    left = left + size_of(cluster, topic)
    for _, place in ipairs(assert(consumer:committed(places, "10s"))) do
      left = left - (place.offset or 0)
    end
  end
  return left
end

local function fill(cluster, count)
  local records = {}
  for n = 1, count do records[n] = { key = "k" .. n % 1000, value = ('{"n":%d}'):format(n) } end
  application.produce(cluster, "stage-1", records)
end

-- Kills the application and the broker at random moments, waits until all is done, and tells what
-- came out.
local function run(count, kills, broker_kills, env)
  local own <close> = own_broker.start()
  local servers = own.cluster.bootstrap_servers
  local topics = {}
  for stage = 1, 4 do topics["stage-" .. stage] = PARTITIONS end
  application.topics(own.cluster, topics)
  fill(own.cluster, count)
  local seed = os.time()
  print(("  seed %d"):format(seed))
  local choose = random.new(seed)
  local child <close> = application.spawn(servers, SCRIPT, { workers = 1, limit = 280, env = env })
  local times = {}
  for kill = 1, kills do
    local enough = size_of(own.cluster, "stage-4") + 1 + choose:below(count // (2 * kills))
    await(function() return size_of(own.cluster, "stage-4") >= enough end, "60s",
      ("kill %d, at %d outputs"):format(kill, enough))
    local from = system.gettime()
    if kill * broker_kills % kills < broker_kills then
      own.kafka "kill"
      own.kafka "restart"
    end
    child:restart(servers, { workers = 1, limit = 280, env = env })
    times[kill] = { from = from, to = system.gettime() }
  end
  await(function() return lag(own.cluster) == 0 end, "120s", "all records to be handled")
  child:kill "TERM"
  local result = child:wait()
  return { result = result, times = { count_outputs(servers) }, repeats = explain_repeats(servers, times) }
end

local function missing(times, count)
  local left = 0
  for n = 1, count do left = left + (times[n] and 0 or 1) end
  return left
end

describe("records that go through three stages", function()
  it("all come out, whatever is killed", function()
    local outcome = run(RECORDS, KILLS, BROKER_KILLS)
    local times, total = table.unpack(outcome.times)
    assert.equal(0, outcome.result.code, outcome.result.stderr)
    assert.equal(0, missing(times, RECORDS))
    local repeats = outcome.repeats
    print(("  %d records; repeated: %d by the first stage, written at most %.2f s before a kill; %d by all"):format(RECORDS,
      repeats.copies, repeats.longest, total - RECORDS))
    assert.equal("", table.concat(repeats.unexplained, "\n"), "written again, though long committed")
    assert(total - RECORDS >= repeats.copies, "what the first stage repeats comes out again")
  end)

  it("are missed when an application acknowledges what it has not handled", function()
    local outcome = run(20000, 2, 0, { DOCMSG_TEST_CHEAT = tostring(CHEAT_EVERY) })
    assert.equal(20000 // CHEAT_EVERY, missing(outcome.times[1], 20000))
  end)
end)
