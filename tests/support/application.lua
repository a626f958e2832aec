-- SPDX-License-Identifier: MIT
-- Applications under test: in this process, their handlers on the calling thread, or as a child that
-- can be killed.
--
--   local here <close> = application.start(cluster, app)
--   here:await(function() return here:stats("orders").acked == 3 end)
--
--   local child <close> = application.spawn(cluster, script, { workers = 2 })
--   child:await_handled(10)
--   child:kill("KILL")
local await = require "support.await"
local kafka = require "docmsg.kafka"
local process = require "support.process"
local program = require "support.program"
local runner = require "docmsg.runner"
local system = require "system"

local M = {}

---Properties that make rebalances of tests quick.
M.QUICK = { ["session.timeout.ms"] = 6000, ["heartbeat.interval.ms"] = 500 }

---@param text string
---@param changes? table
---@return table
local function merged(text, changes)
  local all = {}
  for name, value in pairs(text) do all[name] = value end
  for name, value in pairs(changes or {}) do all[name] = value end
  return all
end

---QUICK with more properties.
---@param changes? table<string, any>
---@return table<string, any>
function M.quick(changes)
  return merged(M.QUICK, changes)
end

-- == Topics ==

---Makes topics with these names, of so many partitions, and those of their dead letters.
---@param cluster support.Cluster
---@param topics table<string, integer> partitions by name
---@param groups? string[] whose dead letters of each topic need a place
function M.topics(cluster, topics, groups)
  local admin <close> = cluster:admin()
  local list = {}
  for name, partitions in pairs(topics) do
    list[#list + 1] = { name = name, partitions = partitions }
    for _, group in ipairs(groups or {}) do
      list[#list + 1] = { name = ("%s.%s.dlq"):format(name, group), partitions = partitions }
    end
  end
  await(function()
    local results, refused = assert(admin:create_topics(list)), false
    for name, result in pairs(results) do
      local err = result.error and result.error.name
      -- No broker may be there for a moment, after one has stood still.
      refused = refused or err == "INVALID_REPLICATION_FACTOR"
      assert(not err or err == "INVALID_REPLICATION_FACTOR" or err == "TOPIC_ALREADY_EXISTS", tostring(result.error))
      assert(err ~= "TOPIC_ALREADY_EXISTS" or list.refused, ("topic %s is there already"):format(name))
    end
    list.refused = refused
    return not refused
  end, "30s", "a broker to take the topics")
  local names = {}
  for i, topic in ipairs(list) do names[i] = topic.name end
  await(function() -- the broker hears of them a moment after its controller
    for _, info in pairs(assert(admin:describe_topics(names))) do
      if info.error then return false end
    end
    return true
  end, "20s", "the topics to be known")
end

---Produces records to a topic, in order.
---@param cluster support.Cluster
---@param topic string
---@param records docmsg.Record[]
function M.produce(cluster, topic, records)
  local producer <close> = cluster:producer { kafka = { ["linger.ms"] = 5 } }
  for _, record in ipairs(records) do
    record.topic = topic
    assert(producer:send(record))
  end
  assert(producer:flush("60s"))
end

---Everything that is in a topic now, up to the ends of its partitions.
---@param cluster support.Cluster
---@param topic string
---@return docmsg.Message[] copies
function M.read(cluster, topic)
  local consumer <close> = cluster:consumer()
  local producer <close> = cluster:producer()
  local left, places, messages = 0, {}, {}
  for partition = 0, assert(producer:partitions(topic)) - 1 do
    local first, last = consumer:watermarks(topic, partition, "10s")
    assert(first, last)
    left = left + last - first
    places[#places + 1] = { topic = topic, partition = partition, offset = first }
  end
  assert(consumer:assign(places))
  while left > 0 do
    local message = assert(consumer:poll("10s"), "fewer records than the offsets say")
    messages[#messages + 1], left = message:copy(), left - 1
  end
  return messages
end

---What a group has committed.
---@param cluster support.Cluster
---@param group string
---@param topic string
---@param partition? integer default 0
---@return integer? offset nil: nothing
function M.committed(cluster, group, topic, partition)
  local consumer <close> = cluster:consumer { group = group }
  local list = assert(consumer:committed({ { topic = topic, partition = partition or 0 } }, "10s"))
  return list[1].offset
end

---The header of a message.
---@param message docmsg.Message
---@param name string
---@return string?
function M.header(message, name)
  for i = #message.headers, 1, -1 do
    if message.headers[i][1] == name then return message.headers[i][2] end
  end
end

-- == In this process ==

---@class support.Application
---@field runner docmsg.Runner
---@field lines string[] its log
local Application = { __name = "support.Application" }
Application.__index = Application

---Starts an application whose handlers run when the test waits.
---@param cluster support.Cluster
---@param app docmsg.App
---@param options? docmsg.RunOptions
---@return support.Application
function M.start(cluster, app, options)
  local self = setmetatable({ lines = {} }, Application)
  local log = require("docmsg.log").new {
    level = "debug", format = "text", write = function(line) table.insert(self.lines, line) end,
  }
  kafka.defaults { bootstrap_servers = cluster.bootstrap_servers }
  self.runner = assert(runner.start(app, merged({ log = log, attempts = 1, workers = 0 }, options)))
  return self
end

---Runs handlers until the predicate is true.
---@param predicate fun(): any
---@param timeout? string
---@param what? string
function Application:await(predicate, timeout, what)
  local limit = kafka.duration(timeout or "30s") / 1000
  local deadline = system.monotime() + limit
  repeat
    self.runner:step "10ms"
    if predicate() then return end
  until system.monotime() >= deadline
  error(("waited %g s in vain for %s"):format(limit, what or "the predicate"), 2)
end

---@param group string
---@return docmsg.GroupStats
function Application:stats(group)
  return self.runner:stats().groups[group]
end

---Waits until each of its groups has partitions.
function Application:await_joined()
  return self:await(function()
    for _, stats in pairs(self.runner:stats().groups) do
      if stats.partitions == 0 then return false end
    end
    return true
  end, "60s", "all groups to join")
end

---Waits until so many records of the group have been acknowledged.
---@param group string
---@param count integer
---@param timeout? string
function Application:await_acked(group, count, timeout)
  return self:await(function() return self:stats(group).acked >= count end, timeout,
    ("%d records that %s has acknowledged"):format(count, group))
end

---Is there a line with this text in the log?
---@param text string
---@return string? line
function Application:logged(text)
  for _, line in ipairs(self.lines) do
    if line:find(text, 1, true) then return line end
  end
end

function Application:close()
  return self.runner:close()
end

Application.__close = function(self) self:close() end

-- == As a child ==

-- What every script of a child begins with: `note` leaves a line that survives kill -9.
local PROLOGUE <const> = [[
local notes = assert(io.open(assert(os.getenv "DOCMSG_TEST_NOTES"), "a"))
notes:setvbuf "line"
local function note(...)
  assert(notes:write(table.concat({ ... }, " "), "\n"))
end
local docmsg = require "docmsg"
]]

---@class support.Child
---@field process support.Process
---@field folder string
local Child = { __name = "support.Child" }
Child.__index = Child

---@class support.ChildOptions
---@field workers? integer default 1
---@field limit? number seconds
---@field env? table<string, string>
---@field words? string[] more options of `run`
---@field folder? string of a child that was killed: goes on with its notes

---Starts `docmsg-lua run` with a script that returns an app.
---@param servers string
---@param script string
---@param options? support.ChildOptions
---@return support.Child
function M.spawn(servers, script, options)
  options = options or {}
  local folder = options.folder or program.folder()
  program.write(folder .. "/app.lua", PROLOGUE .. script)
  local command = { process.program, "run", "app.lua", "--workers", tostring(options.workers or 1),
    "--bootstrap-servers", servers, cwd = folder, limit = options.limit or 120,
    env = merged({ DOCMSG_TEST_NOTES = folder .. "/notes" }, options.env) }
  for _, word in ipairs(options.words or {}) do command[#command + 1] = word end
  return setmetatable({ folder = folder, process = process.start(command) }, Child)
end

---The lines that its handlers noted, those of killed ones before it included.
---@return string[]
function Child:notes()
  local file, lines = io.open(self.folder .. "/notes"), {}
  if not file then return lines end
  for line in file:lines() do lines[#lines + 1] = line end
  file:close()
  return lines
end

---Waits until handlers have left so many lines.
---@param count integer
---@param timeout? string
---@return string[] notes
function Child:await_notes(count, timeout)
  return await(function()
    local notes = self:notes()
    if #notes >= count then return notes end
    assert(self.process:is_running(), "it has ended: " .. self.process:stderr())
  end, timeout or "60s", ("%d notes of handlers"):format(count))
end

---@param signal string
function Child:kill(signal)
  self.process:kill(signal)
end

---Waits for its end.
---@return support.Result
function Child:wait()
  return self.process:wait()
end

---Kills it, and starts it again with the same script.
---@param servers string
---@param options? support.ChildOptions
---@return support.Child self
function Child:restart(servers, options)
  self:kill("KILL")
  self:wait()
  local script = program.read(self.folder .. "/app.lua"):sub(#PROLOGUE + 1)
  local again = M.spawn(servers, script, merged({ folder = self.folder }, options))
  self.process = again.process
  return self
end

function Child:close()
  self.process:close()
  program.remove(self.folder)
end

Child.__close = Child.close

return M
