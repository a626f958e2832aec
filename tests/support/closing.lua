-- SPDX-License-Identifier: MIT
-- Applications that are closed while they are at something: closing ends in time, and gives threads and
-- descriptors back. For the embedded broker and for Apache Kafka.
--
--   for _, case in ipairs(closing.cases) do
--     it(case[1] .. " ends in time", function() closing.check(cluster, case, away) end)
--   end
local application = require "support.application"
local await = require "support.await"
local kafka = require "docmsg.kafka"
local loader = require "docmsg.loader"
local log = require "docmsg.log"
local name = require "support.name"
local program = require "support.program"
local runner = require "docmsg.runner"
local system = require "system"

local M = {}

local RECORDS <const>, DRAIN_S <const> = 3000, 1

-- What closing may take beside the drain: a handler that is cut off, a member that cannot leave, a
-- producer that cannot send, each has a limit of its own.
local GRACE_S <const> = 30

local SCRIPT <const> = [[
local app = require("docmsg").app { name = "closing" }
local sleep = require("docmsg.kafka").sleep
app:consumer("$GROUP", { retry = { delay = "1h" }, $CONSUMER
  kafka = { ["session.timeout.ms"] = 6000, ["heartbeat.interval.ms"] = 500 } })
  :on("$TOPIC", { $OPTIONS }, function(event, ctx) $BODY end)
return app
]]

local function is_admitted(stats) return stats.admitted >= 200 end

---@class support.ClosingCase
---@field [1] string the application, in words
---@field ready fun(stats: docmsg.GroupStats): boolean is it at what it is to be closed at?
---@field body? string of its handler
---@field options? string of its handler
---@field consumer? string options
---@field workers? integer default 2
---@field idle? boolean there are no records
---@field gone? boolean the broker goes before it is closed
---@field lingers? boolean a thread may run until the broker is back

---@type support.ClosingCase[]
M.cases = {
  { "that has just been started", ready = function() return true end },
  { "that has nothing to do", idle = true, ready = function(stats) return stats.partitions == 3 end },
  { "with thousands of records in flight", body = "sleep '5ms'", ready = is_admitted },
  { "with records that wait for a retry", body = "ctx:retry()",
    ready = function(stats) return stats.retries >= 100 end },
  { "with handlers that do not end", body = "while true do end", ready = is_admitted },
  { "with batches that wait for more", options = "batch = { max = 10000, wait = '1h' }", ready = is_admitted },
  { "with batches that wait on the calling thread", options = "batch = { max = 10000, wait = '1h' }",
    workers = 0, ready = is_admitted },
  { "with handlers on the calling thread", workers = 0, body = "sleep '5ms'", ready = is_admitted },
  { "whose broker is gone", body = "sleep '5ms'", gone = true, ready = is_admitted },
  { "whose broker is gone while events are under way", body = "ctx:emit('$RESULTS', {})", gone = true,
    ready = is_admitted },
  { "whose groups commit in transactions", consumer = "guarantee = 'exactly-once',",
    body = "ctx:emit('$RESULTS', {}) sleep '1ms'", ready = is_admitted },
  { "whose groups commit in transactions and whose broker is gone", consumer = "guarantee = 'exactly-once',",
    body = "ctx:emit('$RESULTS', {}) sleep '1ms'", gone = true, lingers = true, ready = is_admitted },
}

local function descriptors()
  local count = 0
  for fd = 0, 255 do
    local info = io.open("/proc/self/fdinfo/" .. fd)
    if info then
      info:close()
      count = count + 1
    end
  end
  return count
end

local function script_of(case, names)
  local words = {
    GROUP = names.group, TOPIC = names.topic, CONSUMER = case.consumer or "", OPTIONS = case.options or "",
    BODY = (case.body or ""):gsub("%$RESULTS", names.results),
  }
  return (SCRIPT:gsub("%$(%u+)", words))
end

local function start(case, names, folder)
  local path = folder .. "/app.lua"
  program.write(path, script_of(case, names))
  return assert(runner.start(assert(loader.load(path)), {
    script = path, workers = case.workers or 2, drain = DRAIN_S .. "s",
    log = log.new { level = "error", write = function() end },
  }))
end

local function produce(cluster, topic)
  local records = {}
  for i = 1, RECORDS do records[i] = { key = tostring(i), value = "{}" } end
  application.produce(cluster, topic, records)
end

local function close(running, case)
  local began = system.monotime()
  local clean, stuck = running:close()
  local took = system.monotime() - began
  assert(took < DRAIN_S + GRACE_S, ("it took %g s"):format(took))
  assert(case.lingers or not stuck, "a thread still runs")
  assert(clean or case.gone, "not everything ended in order")
end

---Starts the application, closes it when it is at what it should be, and looks at what is left.
---@param cluster support.Cluster
---@param case support.ClosingCase
---@param away? fun(): fun() takes the broker away; what it returns brings it back
function M.check(cluster, case, away)
  log.defaults { level = "error" }
  kafka.defaults { bootstrap_servers = cluster.bootstrap_servers }
  local folder = program.folder()
  local _ <close> = setmetatable({}, { __close = function()
    program.remove(folder)
    kafka.defaults { bootstrap_servers = "localhost:9092" }
    log.defaults { level = "info" }
  end })
  local names = { topic = name.unique "topic", results = name.unique "results", group = name.unique "group" }
  application.topics(cluster, { [names.topic] = 3, [names.results] = 1 }, { names.group })
  if not case.idle then produce(cluster, names.topic) end
  local before, threads = descriptors(), kafka.live().threads
  local running = start(case, names, folder)
  await(function()
    running:step "10ms"
    return case.ready(running:stats().groups[names.group])
  end, "60s", "what is to be closed")
  local back = case.gone and away() or nil
  local closed, reason = pcall(close, running, case)
  if back then back() end
  if not closed then error(reason, 0) end
  running = nil
  await(function()
    if case.lingers then collectgarbage() end -- what could not be closed is ended when it is forgotten
    return descriptors() <= before and kafka.live().threads <= threads
  end, "20s", "descriptors and threads to be given back")
end

return M
