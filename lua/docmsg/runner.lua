-- SPDX-License-Identifier: MIT
-- Runs the consumers of an application: makes their dead-letter topics, joins their groups, runs their
-- handlers in workers or on the calling thread, and ends all of it in order.
--
--   local runner <close> = assert(runner.start(app, { log = log }))
--   while runner:step "100ms" do end     -- or runner:run()
local connection = require "docmsg.topic.connection"
local dead_letter = require "docmsg.dead_letter"
local kafka = require "docmsg.kafka"
local reload = require "docmsg.reload"
local runtime = require "docmsg.runtime"
local serving = require "docmsg.serving"

local M = {}

local DRAIN <const> = "25s"

-- How long the end of a group or of the producer may take beside that.
local END_MS <const> = 10000

-- How long a handler that was cut off may take to end: what is inside a function of C may take
-- for ever.
local CUT_OFF_MS <const> = 2000

-- How long nobody looks after the groups when several run their handlers on the calling thread.
local TURN_MS <const> = 5

-- Besides its last handler a group keeps the thread for that long, see `group:step`.
local STEP_MS <const> = 1000

---@class docmsg.RunOptions
---@field only? string the one group to run
---@field workers? integer for every group; default: as each declares, else 0
---@field default_workers? integer for groups that declare none; default 0
---@field script? string the file that workers load; without it handlers run on the calling thread
---@field arguments? table<integer, string> the script's `arg`
---@field create? boolean make missing dead-letter topics; default true
---@field timeout? docmsg.Duration of each request at the start; default "30s"
---@field attempts? integer to connect; default 30
---@field drain? docmsg.Duration how long running handlers may take at the end; default "25s"
---@field exit_when_stuck? boolean the process ends when a handler does not end in twice its time
---@field http? string the address to tell figures and health at: "host:port" or ":port"
---@field http_public? boolean that address may be reached from other machines
---@field status_line? fun(text: string) draws a line about the run on a terminal
---@field watch? boolean loads the script anew when one of its files has changed
---@field log? docmsg.Log

---@class docmsg.Runner
---@field private emitter docmsg.Emitter
---@field private groups docmsg.runner.Group[]
---@field private log docmsg.Log
---@field private options docmsg.RunOptions
---@field private stopping boolean
---@field package signal? fun(): integer? the signal that asks for the end
---@field package hangup? fun(): boolean? does a signal ask to load the script anew?
---@field private failure? string
---@field private clean? boolean it was closed: in order?
---@field private stuck? boolean it was closed, but a thread still runs
---@field private monitor docmsg.Monitor
---@field private final? docmsg.RunnerStats of a runner that was closed
---@field private reloading? docmsg.Reloading of one that has a script
local Runner = { __name = "docmsg.Runner" }
Runner.__index = Runner

---@class docmsg.runner.Group
---@field name string
---@field group docmsg.Group
---@field inline boolean its handlers run on the calling thread
---@field workers integer
---@field consumer docmsg.ConsumerGroup as it was declared last
---@field sweeping? boolean lanes may still use what a reload has replaced
---@field removed? boolean a reload did not find it any more
---@field ended boolean
---@field stuck boolean it has left, but a handler or a transaction of it does not end
---@field patience_ms? integer how long its longest handler may run; nil: without end

---@class docmsg.RunnerStats
---@field emitter docmsg.EmitterStats
---@field groups table<string, docmsg.GroupStats>
---@field reloads? {ok: integer, failed: integer} of a script

-- == Starting ==

local function choose(app, only)
  if #app.consumers == 0 then return nil, "the application has no consumer: declare one with app:consumer" end
  if not only then return app.consumers end
  local consumer = app:find(only)
  if consumer then return { consumer } end
  local names = {}
  for i, declared in ipairs(app.consumers) do names[i] = declared.group end
  return nil, ("the application has no group '%s'; it has %s"):format(only, table.concat(names, ", "))
end

local function prepare_topics(consumers, options, log)
  local admin <close>, err = connection.open { attempts = options.attempts, log = log }
  if not admin then return nil, err end
  return dead_letter.ensure(admin, consumers, {
    create = options.create ~= false, timeout = options.timeout or "30s", log = log,
  })
end

-- Divides the properties of a consumer between its own client and that which produces for it.
local function split_properties(consumer, scopes)
  local own, producer = {}, {}
  for name, value in pairs(consumer.settings.kafka) do
    local of = scopes[name] == "P" and producer or own
    of[name] = value
  end
  return own, producer
end

local function is_exactly_once(consumer)
  return consumer.settings.guarantee == "exactly-once"
end

-- The embedded broker answers to transactions, and does nothing of them.
local function warn_of_embedded(consumers, log)
  if kafka.live().brokers == 0 then return end
  for _, consumer in ipairs(consumers) do
    if is_exactly_once(consumer) then
      log:warn("%s: exactly-once needs a real broker: the embedded one keeps no transaction from being "
        .. "seen, nor its offsets", consumer.group)
    end
  end
end

---@class docmsg.runner.Properties
---@field own table<docmsg.ConsumerGroup, table> of their clients
---@field transactions table<docmsg.ConsumerGroup, table> of the producers that exactly-once groups have
---@field producer table of the one that the others share

-- The properties that the consumers set, by client; nil and the reason when they contradict.
local function assign_properties(consumers)
  local scopes, reals, names = {}, {}, {}
  local result = { own = {}, transactions = {}, producer = {} }
  for _, property in ipairs(kafka.properties()) do
    local name = property.name
    scopes[name], reals[name] = scopes[name] or property.scope, reals[name] or property.alias_of or name
  end
  for _, consumer in ipairs(consumers) do
    local own, producer = split_properties(consumer, scopes)
    result.own[consumer] = own
    if is_exactly_once(consumer) then
      result.transactions[consumer], producer = producer, {}
    end
    for given, value in pairs(producer) do
      local real = reals[given]
      local name = names[real] or given
      local other = result.producer[name]
      if other ~= nil and tostring(other) ~= tostring(value) then
        return nil, ("'%s' is set to %s and to %s: the groups share one producer"):format(name,
          tostring(other), tostring(value))
      end
      result.producer[name], names[real] = value, name
    end
  end
  return result
end

local function workers_of(self, consumer)
  if not self.options.script then return 0 end
  return self.options.workers or consumer.settings.workers or self.options.default_workers or 0
end

-- How long a handler of the consumer may run; nil: without end.
local function patience_of(consumer)
  local longest = consumer.settings.timeout_ms or 0
  if longest == 0 then return nil end
  for _, route in ipairs(consumer.routes) do
    local own = route.options.timeout_ms
    if own == 0 then return nil end
    longest = math.max(longest, own or 0)
  end
  return longest
end

-- How many partitions the consumer's topics have; nil when that is not known, such as of a pattern.
local function partitions_of(consumer, infos)
  local count = 0
  for _, topic in ipairs(consumer:topics()) do
    local info = infos[topic]
    if not info or not info.partitions then return nil end
    count = count + #info.partitions
  end
  return math.max(1, count)
end

local function open_group(self, app, consumer, properties, infos)
  local workers = workers_of(self, consumer)
  local group, err = runtime.group {
    emitter = self.emitter, group = consumer.group, topics = consumer:topics(),
    partitions = partitions_of(consumer, infos),
    order = consumer.settings.order, lanes = math.max(1, workers),
    instance_id = consumer.settings.instance_id, dead_letters = consumer.settings.dead_letters,
    source = ("%s/%s"):format(app.name, consumer.group), drain = self.options.drain or DRAIN,
    start = consumer.settings.start, exit_when_stuck = self.options.exit_when_stuck,
    kafka = properties.own[consumer],
    transactions = properties.transactions[consumer] and { kafka = properties.transactions[consumer] },
  }
  if not group then return nil, err end
  self.groups[#self.groups + 1] = { name = consumer.group, group = group, inline = workers == 0,
    workers = workers, consumer = consumer, patience_ms = patience_of(consumer) }
  local handlers, reason = serving.prepare(app, consumer, {
    workers = workers, script = self.options.script, arguments = self.options.arguments, log = self.log,
  })
  if not handlers then return nil, reason end
  handlers:start(group)
  return group:start()
end

-- Closes what it is given when its scope ends by an error, such as Ctrl-C.
local function closed_on_error(thing)
  return setmetatable({}, { __close = function(_, err)
    if err then thing:close() end
  end })
end

-- Starts groups of an application that was loaded anew; all or none.
local function open_new(self, app, consumers, infos)
  local properties, conflict = assign_properties(consumers)
  if not properties then return nil, conflict end
  local before = #self.groups
  for _, consumer in ipairs(consumers) do
    local started, reason = open_group(self, app, consumer, properties, infos)
    if not started then
      for i = #self.groups, before + 1, -1 do
        self.groups[i].group:close(END_MS .. "ms")
        table.remove(self.groups, i)
      end
      return nil, reason
    end
  end
  return true
end

local function begin_reloading(self, app)
  self.reloading = reload.new(app, self.options, self.log, {
    choose = choose, patience_of = patience_of, open = function(...) return open_new(self, ...) end,
  })
end

-- Starts what the application declares; what is told goes to the monitor.
local function begin(app, options, log, monitor)
  local consumers, reason = choose(app, options.only)
  if not consumers then return nil, reason end
  warn_of_embedded(consumers, log)
  local properties, conflict = assign_properties(consumers)
  if not properties then return nil, conflict end
  local infos, err = prepare_topics(consumers, options, log)
  if not infos then return nil, err end
  local emitter, refused = runtime.emitter { kafka = properties.producer }
  if not emitter then return nil, refused end
  local self = setmetatable({
    emitter = emitter, groups = {}, log = log, options = options, monitor = monitor,
  }, Runner)
  local _ <close> = closed_on_error(self)
  for _, consumer in ipairs(consumers) do
    local started, failure = open_group(self, app, consumer, properties, infos)
    if not started then
      self:close()
      return nil, failure
    end
  end
  if options.script then begin_reloading(self, app) end
  return self
end

---Starts the consumers of an application.
---@param app docmsg.App
---@param options? docmsg.RunOptions
---@return docmsg.Runner? runner
---@return any reason
function M.start(app, options)
  options = options or {}
  require("docmsg.protection").check "running an application"
  local log = options.log or require("docmsg.log").new()
  local monitor, refused = require("docmsg.monitor").open {
    http = options.http, http_public = options.http_public, status_line = options.status_line, log = log,
  }
  if not monitor then return nil, refused end
  local _ <close> = closed_on_error(monitor)
  local self, reason = begin(app, options, log, monitor)
  if not self then
    monitor:close()
    return nil, reason
  end
  return self
end

-- == Running ==

local function tell(self, source)
  for _, note in ipairs(source:notes()) do self.log:line(note.level, "%s", note.message) end
end

-- Is nothing more to be expected of the group?
local function is_over(entry)
  entry.ended = entry.ended or entry.group:ended()
  if entry.ended then return true end
  local stats, runs = entry.group:stats(), false
  for _, lane in ipairs(stats.lanes) do runs = runs or lane.busy_ms > 0 end
  entry.stuck = stats.left_ms ~= nil and stats.left_ms > (runs and CUT_OFF_MS or END_MS)
  return entry.stuck
end

-- Closes the groups that a reload has removed, when they have ended.
local function close_removed(self)
  for i = #self.groups, 1, -1 do
    local entry = self.groups[i]
    if entry.removed and entry.ended and entry.group:close "0" then table.remove(self.groups, i) end
  end
end

-- Looks after the groups: what they say, and which of them have ended.
local function tend(self)
  tell(self, self.emitter)
  close_removed(self)
  local running = false
  for _, entry in ipairs(self.groups) do
    tell(self, entry.group)
    if entry.sweeping then entry.sweeping = not entry.group:sweep() end
    running = not is_over(entry) or running
    local trouble = entry.group:trouble()
    if trouble then self.failure = self.failure or ("%s: %s"):format(entry.name, trouble) end
  end
  return running
end

-- How long handlers may keep this thread, one group after the other; nil: without end.
local function patience(self)
  local total = 0
  for _, entry in ipairs(self.groups) do
    if entry.inline and not entry.patience_ms then return nil end
    if entry.inline then total = total + entry.patience_ms + STEP_MS end
  end
  return total
end

-- Runs handlers on this thread, or waits: for the one group that runs here, in turns for several.
local function work(self, timeout_ms)
  local inline, count = {}, 0
  for _, entry in ipairs(self.groups) do
    if entry.inline and not entry.ended then
      inline[#inline + 1], count = entry.group, count + entry.group:step(0)
    end
  end
  if count > 0 then return end
  if #inline == 1 then
    inline[1]:step(timeout_ms .. "ms")
  else
    kafka.sleep((#inline == 0 and timeout_ms or math.min(timeout_ms, TURN_MS)) .. "ms")
  end
end

---Loads the script anew and swaps the handlers between two records of each lane. When something is
---wrong with it, the old ones go on and the log says why. What handlers keep in variables is lost.
---@return boolean ok
function Runner:reload()
  if not self.reloading then error("runner:reload: it was started without a script", 2) end
  return self.reloading:now(self.groups)
end

---Runs what is due, for about that long at the most.
---@param timeout docmsg.Duration
---@return boolean running false when nothing more is to be expected of the groups
function Runner:step(timeout)
  work(self, kafka.duration(timeout))
  local fatal = self.emitter:fatal()
  if fatal and not self.failure then
    self.failure = tostring(fatal)
    self:stop()
  end
  if self.failure then self:stop() end
  if self.reloading and not self.stopping then
    self.reloading:when_due(self.groups, self.hangup and self.hangup())
  end
  local running = tend(self)
  self.monitor:tell(self, patience(self))
  return running
end

---Begins to end: no record is begun any more, what runs may finish, commits, leaves.
function Runner:stop()
  if self.stopping then return end
  self.stopping = true
  for _, entry in ipairs(self.groups) do entry.group:stop() end
end

---Has it begun to end?
---@return boolean
function Runner:is_stopping()
  return self.stopping or false
end

---The figures of each group and of the producer; once it is closed, the last ones.
---@return docmsg.RunnerStats
function Runner:stats()
  if self.final then return self.final end
  local groups = {}
  for _, entry in ipairs(self.groups) do groups[entry.name] = entry.group:stats() end
  local reloads = self.reloading and self.reloading:counts()
  return { emitter = self.emitter:stats(), groups = groups, reloads = reloads }
end

-- Says what became of the records.
local function summarise(self)
  for name, stats in pairs(self.final.groups) do
    self.log:info("%s: %d handled, %d skipped, %d retries, %d dead letters, %d left for later", name, stats.acked,
      stats.skipped, stats.retries, stats.dead, stats.cancelled)
    if stats.unaccounted ~= 0 then self.log:error("%s: %d records are unaccounted for", name, stats.unaccounted) end
  end
end

---Runs until the groups have ended: because something failed, or because a signal asked for it.
---@return boolean ok
---@return string? reason
---@return boolean? stuck threads still run that nothing can end but the end of the process
function Runner:run()
  local signal = self.signal
  while self:step "100ms" do
    if signal and not self.stopping and signal() then
      self.log:info("ending: running handlers may finish; a second signal ends at once")
      self:stop()
    end
  end
  local clean, stuck = self:close()
  summarise(self)
  if self.failure then return false, self.failure, stuck end
  if not clean then
    return false, "not everything ended in order: some records will be handled again", stuck
  end
  return true
end

---Why it ended, when something failed.
---@return string?
function Runner:trouble()
  return self.failure
end

---Ends the groups and the producer.
---@return boolean clean false when a thread still runs, or events were not delivered
---@return boolean stuck a thread still runs: a handler does not end, or a transaction whose broker is gone
function Runner:close()
  if self.clean ~= nil then return self.clean, self.stuck end
  self.stuck = false
  self:stop()
  for _, entry in ipairs(self.groups) do
    while not is_over(entry) do entry.group:join "100ms" end
    tell(self, entry.group)
  end
  self.final = self:stats()
  self.monitor:close()
  for i = #self.groups, 1, -1 do
    local entry = self.groups[i]
    local closed = entry.group:close(entry.stuck and 0 or END_MS .. "ms")
    self.stuck = self.stuck or not closed
    table.remove(self.groups, i)
  end
  tell(self, self.emitter)
  self.clean = not self.stuck and self.emitter:close(END_MS .. "ms") == 0
  return self.clean, self.stuck
end

Runner.__close = function(self) self:close() end

-- Signals are asked for while the value lives; SIGHUP only by who can load its script anew.
local function listening(reloads)
  local host = package.loaded["docmsg.host"]
  if not host or not host.listen then return nil, nil end
  host.listen(true, reloads)
  return host, setmetatable({}, { __close = function() host.listen(false) end })
end

---Starts the consumers and runs them until their end.
---@param app docmsg.App
---@param options? docmsg.RunOptions
---@return boolean ok
---@return string? reason
---@return boolean? stuck threads still run that nothing can end but the end of the process
function M.run(app, options)
  local runner, reason = M.start(app, options)
  if not runner then return false, tostring(reason) end
  local _ <close> = runner
  local host, _ <close> = listening(runner.reloading ~= nil)
  if host then runner.signal, runner.hangup = host.signal, host.hangup end
  return runner:run()
end

return M
