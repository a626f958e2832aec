-- SPDX-License-Identifier: MIT
-- A pipeline for tests that kill: one consumer that reads numbered records, passes most of them on
-- and rejects every fiftieth, in processes of its own; and what an independent reader finds of them.
--
--   local line <close> = pipeline.new(cluster, { guarantee = "exactly-once" })
--   line:produce(1000)
--   local member <close> = line:start()
--   line:await_handled(member)
local await = require "support.await"
local name = require "support.name"
local peer = require "support.peer"
local workplace = require "support.workplace"

local M = {}

local PARTITIONS <const>, OUTPUTS <const> = 6, 4
local REJECTED <const> = 50

-- Each record takes its handler a while, so that a kill finds work of every kind under way.
local APP <const> = [[
local docmsg = require "docmsg"
local s = require "docmsg.schema"
local data = s.record { n = s.integer, padding = s.optional(s.string) }
local app = docmsg.app { name = "pipeline", events = {
  ["in"] = { topic = "$INPUT", key = "n", data = data },
  ["out"] = { topic = "$OUTPUT", key = "n", data = data },
  ["nowhere"] = { topic = "$OUTPUT-missing", key = "n", data = data },
} }
local member = app:consumer("$GROUP", {
  guarantee = "$GUARANTEE", instance_id = $INSTANCE,
  kafka = { ["session.timeout.ms"] = 2000, ["heartbeat.interval.ms"] = 300, $KAFKA },
})
local function handle(event, ctx)
  local busy = os.clock() + $SECONDS
  repeat until os.clock() >= busy
  if event.data.n % $REJECTED == 0 then $REJECT end
  ctx:emit("out", { n = event.data.n })
end
local batch = $BATCH
member:on("in", { emits = { "out", "nowhere" }, batch = batch }, batch and function(events, contexts)
  for i, event in ipairs(events) do handle(event, contexts[i]) end
end or handle)
return app
]]

---@class support.PipelineOptions
---@field guarantee? "at-least-once"|"exactly-once"
---@field instance_id? boolean every process has the same; default: none
---@field kafka? string more properties, as Lua
---@field batch? string the handler gets batches: its option `batch`, as Lua
---@field seconds? number that a handler takes; default 0.0002
---@field reject? string how a record is rejected, as Lua; default: by the handler
---@field largest? integer bytes of a record that the output takes

---@class support.Pipeline
---@field group string
---@field input string
---@field output string
---@field dead string the topic of dead letters
---@field count integer records produced
---@field cluster support.Cluster
---@field private place support.Workplace
---@field private topics support.Topic[]
---@field private admin docmsg.Admin
---@field private readers table<string, docmsg.Consumer> by isolation level
local Pipeline = { __name = "support.Pipeline" }
Pipeline.__index = Pipeline

---@param cluster support.Cluster
---@param options support.PipelineOptions
---@return support.Pipeline
function M.new(cluster, options)
  local topics = {
    cluster:topic { partitions = PARTITIONS },
    cluster:topic { partitions = OUTPUTS, config = { ["max.message.bytes"] = options.largest } },
  }
  local self = setmetatable({
    cluster = cluster, group = name.unique("pipeline"), topics = topics, count = 0,
    input = topics[1].name, output = topics[2].name,
    place = workplace.new(cluster.bootstrap_servers), admin = cluster:admin(), readers = {},
  }, Pipeline)
  self.dead = ("%s.%s.dlq"):format(self.input, self.group)
  local values = {
    INPUT = self.input, OUTPUT = self.output, GROUP = self.group, REJECTED = REJECTED,
    REJECT = options.reject or 'return ctx:reject("every so often")',
    GUARANTEE = options.guarantee or "at-least-once", KAFKA = options.kafka or "",
    BATCH = options.batch or "nil", INSTANCE = options.instance_id and '"one"' or "nil", SECONDS = options.seconds or 0.0002,
  }
  self.place:write("app.lua", (APP:gsub("%$(%u+)", function(word) return tostring(values[word]) end)))
  return self
end

---Produces that many more records, numbered on.
---@param count integer
function Pipeline:produce(count)
  local producer <close> = self.cluster:producer()
  for n = self.count + 1, self.count + count do
    assert(producer:send { topic = self.input, key = ("k%d"):format(n % 300), value = ('{"n":%d}'):format(n) })
  end
  assert(producer:flush("60s"))
  self.count = self.count + count
end

---Starts a process that runs the consumer.
---@return support.Process
function Pipeline:start()
  return self.place:start("run", "app.lua", "--workers", "1", "--drain", "5s")
end

-- The ends of the output's partitions for a reader, added up.
local function written(self, isolation)
  local reader = self.readers[isolation]
  if not reader then
    reader = self.cluster:consumer { kafka = { ["isolation.level"] = isolation } }
    self.readers[isolation] = reader
  end
  local sum = 0
  for partition = 0, OUTPUTS - 1 do
    local _, high = reader:watermarks(self.output, partition)
    sum = sum + assert(high)
  end
  return sum
end

---Is there a transaction that has written to the output and not ended?
---@return boolean
function Pipeline:is_open()
  return written(self, "read_committed") < written(self, "read_uncommitted")
end

local function check_running(member)
  if not member:is_running() then error("the consumer ended early:\n" .. member:stderr(), 0) end
end

---Waits until so much more is written to the output, committed or not.
---@param member support.Process that is expected to do it
---@param more integer
function Pipeline:await_written(member, more)
  local before = written(self, "read_uncommitted")
  await(function()
    check_running(member)
    return written(self, "read_uncommitted") >= before + more or self:committed() == self.count
  end, "60s", ("%d more records in the output"):format(more))
end

---Stops the process inside a transaction; sees to it that there is one.
---@param member support.Process
function Pipeline:stop_inside(member)
  await(function()
    check_running(member)
    if self:committed() > self.count - 1000 then self:produce(2000) end
    for _ = 1, 20 do
      if self:is_open() then
        member:kill("STOP")
        if self:is_open() then return true end
        member:kill("CONT")
      end
    end
  end, "60s", "a transaction to stop in")
end

---Waits until the group knows one member, which has all partitions of the input. What a member logs
---does not tell: under a cooperative assignor it gains only those it had not had.
---@param member support.Process that is expected to be the one
function Pipeline:await_alone(member)
  await(function()
    check_running(member)
    local members = assert(self.admin:describe_groups { self.group })[self.group].members
    return #members == 1 and #members[1].assignment == PARTITIONS
  end, "30s", "one member to have all partitions")
end

---The committed offsets, added up.
---@return integer
function Pipeline:committed()
  local sum = 0
  for _, place in ipairs(assert(self.admin:group_offsets(self.group))) do sum = sum + (place.offset or 0) end
  return sum
end

---Waits until every record is handled and committed.
---@param member support.Process that is expected to do it
function Pipeline:await_handled(member)
  await(function()
    check_running(member)
    return self:committed() == self.count
  end, "90s", "all offsets to be committed")
end

---Ends a process that has handled everything, and finds out what came of it.
---@param member support.Process
---@return support.Findings
function Pipeline:finish(member)
  member:await_stderr("partitions gained", "30s") -- one that has nothing left to do may not have begun
  self:await_handled(member)
  member:kill("TERM")
  local result = member:wait()
  if result.code ~= 0 then error(("it ended with %s: %s"):format(result.code, result.stderr), 2) end
  return self:findings()
end

-- How often kcat finds each number among what is committed in a topic.
local function tally(self, topic)
  local text = peer.kcat(self.cluster.bootstrap_servers, {
    "-C", "-t", topic, "-o", "beginning", "-e", "-X", "isolation.level=read_committed", "-f", "%s\\n",
  })
  local counts = {}
  for n in text:gmatch('"n":(%d+)') do
    n = math.tointeger(n)
    counts[n] = (counts[n] or 0) + 1
  end
  return counts
end

---@class support.Findings
---@field lost integer[] numbers found nowhere
---@field doubled integer[] numbers found more than once
---@field stray integer[] numbers found where they do not belong

---What kcat finds of the records' outputs and dead letters.
---@return support.Findings
function Pipeline:findings()
  local outputs, letters = tally(self, self.output), tally(self, self.dead)
  local found = { lost = {}, doubled = {}, stray = {} }
  for n = 1, self.count do
    local here, elsewhere = outputs[n], letters[n]
    if n % REJECTED == 0 then here, elsewhere = elsewhere, here end
    if not here then table.insert(found.lost, n) end
    if here and here > 1 then table.insert(found.doubled, n) end
    if elsewhere then table.insert(found.stray, n) end
  end
  return found
end

---Deletes its topics and files.
function Pipeline:close()
  for _, reader in pairs(self.readers) do reader:close() end
  for _, topic in ipairs(self.topics) do topic:close() end
  self.admin:delete_topics { self.dead }
  self.admin:close()
  self.place:close()
end

Pipeline.__close = Pipeline.close

return M
