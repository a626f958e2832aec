-- SPDX-License-Identifier: MIT
-- docmsg-lua tools/soak-reloads.lua MINUTES [SEED]     (tools/soak runs it with a broker)
--
-- An application under steady load whose script is edited every ten seconds, one time in five so that
-- it cannot be loaded. Every record must be handled once, in one membership; memory and file
-- descriptors must not grow.
local growth = require "growth"
local kafka = require "docmsg.kafka"
local loader = require "docmsg.loader"
local log = require "docmsg.log"
local runner = require "docmsg.runner"

local MINUTES <const> = tonumber(arg[1]) or error("usage: soak-reloads.lua MINUTES [SEED]", 0)
local SEED <const> = math.tointeger(arg[2]) or os.time()

local RATE <const>, EVERY_S <const>, BAD <const> = 1000, 10, 5
local WORKERS <const> = 2

local SCRIPT <const> = [[
local app = require "docmsg".app { name = "soak" }
local seen = {}
app:consumer("$TOPIC"):on("$TOPIC", { emits = { "$TOPIC-out" } }, function(event, ctx)
  seen[event.key] = event.data.n
  if event.data.n % 1000 == 0 and ctx.attempt == 1 then return ctx:retry("once more", "200ms") end
  ctx:emit("$TOPIC-out", { n = event.data.n, version = $VERSION })
end)
return app
]]

local topic <const> = ("soak-reloads-%d"):format(SEED)
local out <const> = topic .. "-out"

---Saves a version of the script as an editor does that writes another file and renames it.
---@param path string
---@param version integer
local function save(path, version)
  local text = version % BAD == 0 and "return return"
    or SCRIPT:gsub("$(%u+)", { TOPIC = topic, VERSION = tostring(version) })
  local file <close> = assert(io.open(path .. "~", "w"))
  assert(file:write(text))
  file:close()
  assert(os.rename(path .. "~", path))
end

local function make_topics()
  local admin <close> = assert(kafka.admin {})
  for _, result in pairs(assert(admin:create_topics {
    { name = topic, partitions = 3 }, { name = out, partitions = 3 },
  })) do assert(not result.error, tostring(result.error)) end
end

---@param producer docmsg.Producer
---@param from integer
---@param count integer
local function produce(producer, from, count)
  for n = from, from + count - 1 do
    assert(producer:send { topic = topic, key = tostring(n % 500), value = ('{"n":%d}'):format(n) })
  end
end

---@return integer records in the output
local function written()
  local consumer <close> = assert(kafka.consumer { group = topic .. "-count" })
  local sum = 0
  for partition = 0, 2 do
    local low, high = consumer:watermarks(out, partition, "30s")
    sum = sum + assert(high, low) - low
  end
  return sum
end

---What must be true at the end.
---@param running docmsg.Runner
---@param sent integer
---@param versions integer
local function check(running, sent, versions)
  local stats = running:stats()
  local group, bad = stats.groups[topic], versions // BAD
  assert(group.acked == sent, ("%d of %d records handled"):format(group.acked, sent))
  assert(group.unaccounted == 0 and group.dead == 0, "records are missing, or dead")
  assert(group.rebalances.assign == 1 and group.rebalances.revoke == 0, "the group has rebalanced")
  assert(stats.reloads.failed == bad and stats.reloads.ok == versions - 1 - bad,
    ("%d reloads, %d in vain"):format(stats.reloads.ok, stats.reloads.failed))
  assert(written() == sent, "another number of outputs than of inputs")
end

---Steps until the predicate is true.
local function step_until(running, predicate, what)
  local deadline = os.time() + 60
  repeat
    assert(os.time() < deadline, "waited in vain for " .. what)
    running:step "10ms"
  until predicate(running:stats())
end

---One second of load.
---@param running docmsg.Runner
---@param producer docmsg.Producer
---@param sent integer
local function second(running, producer, sent)
  local until_s = os.time() + 1
  produce(producer, sent + 1, RATE)
  repeat running:step "20ms" until os.time() >= until_s
end

local function main()
  io.stdout:setvbuf "line"
  local path = os.tmpname()
  make_topics()
  save(path, 1)
  log.defaults { level = "error" }
  local running <close> = assert(runner.start(assert(loader.load(path)), {
    script = path, workers = WORKERS, watch = true,
    log = log.new { level = "info", write = function() end },
  }))
  local producer <close> = assert(kafka.producer { kafka = { ["linger.ms"] = 5 } })
  step_until(running, function(stats) return stats.groups[topic].state == "running" end, "partitions")
  local samples, sent, versions = {}, 0, 1
  while #samples < MINUTES * 60 do
    if #samples % EVERY_S == EVERY_S - 1 then
      versions = versions + 1
      save(path, versions)
    end
    second(running, producer, sent)
    sent = sent + RATE
    samples[#samples + 1] = growth.sample()
    local now = samples[#samples]
    if #samples % 10 == 0 then
      print(("%5d s  %d records  %d reloads  %d KiB  %d descriptors  %d threads"):format(#samples, sent,
        versions - 1, now.memory, now.descriptors, now.threads))
    end
  end
  assert(producer:flush "60s")
  step_until(running, function(stats)
    return stats.groups[topic].acked == sent and stats.reloads.ok + stats.reloads.failed == versions - 1
  end, "all records and reloads")
  check(running, sent, versions)
  os.remove(path)
  growth.check(samples)
end

main()
