-- SPDX-License-Identifier: MIT
-- Swaps the handlers of a runner for those of its edited script. Everything is loaded and checked
-- before anything changes; the groups keep their partitions and their records.
local connection = require "docmsg.topic.connection"
local dead_letter = require "docmsg.dead_letter"
local loader = require "docmsg.loader"
local runtime = require "docmsg.runtime"
local serving = require "docmsg.serving"
local watch = require "docmsg.watch"

local M = {}

-- What a group has promised to the broker, or to those who read what it writes.
local FIXED <const> = { "guarantee", "order", "instance_id" }
-- What is used once, when the group is opened.
local AT_START <const> = { "dead_letters", "kafka", "start", "workers" }

local function show(value)
  return require("docmsg.schema.value").show(value)
end

local function equal(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if not equal(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

-- == Comparing ==

-- Why the group cannot go over to the new declaration while it runs.
local function refusal(old, new)
  for _, name in ipairs(FIXED) do
    local before, after = old.settings[name], new.settings[name]
    if before ~= after then
      return ("consumer %q: %s cannot change while it runs, from %s to %s: start the program again")
        :format(new.group, name, show(before), show(after))
    end
  end
end

local function warn_of_later(log, old, new)
  for _, name in ipairs(AT_START) do
    if not equal(old.settings[name], new.settings[name]) then
      log:warn("%s: a changed %s takes effect when the program is started again", new.group, name)
    end
  end
end

---A group that goes on.
---@class docmsg.reload.Kept
---@field entry docmsg.runner.Group
---@field consumer docmsg.ConsumerGroup as it is declared now
---@field serving? docmsg.Serving its handlers, when they are loaded
---@field topics? string[] when they are others than before

---What is to be done for each group.
---@class docmsg.reload.Plan
---@field app docmsg.App
---@field kept docmsg.reload.Kept[]
---@field new docmsg.ConsumerGroup[]
---@field removed docmsg.runner.Group[]

---@return docmsg.reload.Plan? plan
---@return string? reason
local function compare(running, app, consumers)
  local plan, declared = { app = app, kept = {}, new = {}, removed = {} }, {}
  for _, consumer in ipairs(consumers) do
    declared[consumer.group] = true
    local entry = running[consumer.group]
    local reason = entry and refusal(entry.consumer, consumer)
    if reason then return nil, reason end
    if not entry then
      plan.new[#plan.new + 1] = consumer
    else
      local topics = consumer:topics()
      plan.kept[#plan.kept + 1] = { entry = entry, consumer = consumer,
        topics = not equal(topics, entry.consumer:topics()) and topics or nil }
    end
  end
  for name, entry in pairs(running) do
    if not declared[name] then plan.removed[#plan.removed + 1] = entry end
  end
  return plan
end

-- == Preparing ==

-- The topics of what is new, as far as they are known.
local function prepare_topics(plan, options, log)
  local changed = { table.unpack(plan.new) }
  for _, kept in ipairs(plan.kept) do
    if kept.topics then changed[#changed + 1] = kept.consumer end
  end
  if #changed == 0 then return {} end
  local admin <close>, reason = connection.open { attempts = 1, log = log }
  if not admin then return nil, reason end
  return dead_letter.ensure(admin, changed, {
    create = options.create ~= false, timeout = options.timeout or "30s", log = log,
  })
end

local function discard(plan)
  for _, kept in ipairs(plan.kept) do
    if kept.serving then kept.serving:close() end
  end
end

local function prepare_handlers(plan, options, log)
  for _, kept in ipairs(plan.kept) do
    local reason
    kept.serving, reason = serving.prepare(plan.app, kept.consumer, {
      workers = kept.entry.workers, script = options.script, arguments = options.arguments, log = log,
    })
    if not kept.serving then return nil, reason end
    kept.consumer:freeze()
  end
  for _, consumer in ipairs(plan.new) do
    local ok, reason = pcall(consumer.freeze, consumer)
    if not ok then return nil, reason end
  end
  return true
end

-- == Changing ==

local function swap(plan, log)
  for _, kept in ipairs(plan.kept) do
    local entry = kept.entry
    warn_of_later(log, entry.consumer, kept.consumer)
    kept.serving:start(entry.group)
    entry.consumer, entry.sweeping = kept.consumer, true
    if kept.topics then
      log:info("%s: subscribes to %s now", entry.name, table.concat(kept.topics, ", "))
      entry.group:subscribe(kept.topics)
    end
  end
  for _, entry in ipairs(plan.removed) do
    log:info("%s: is not declared any more: running handlers may finish", entry.name)
    entry.removed = true
    entry.group:stop()
  end
end

-- Loads the script anew and swaps the handlers. The application, or nil and why the old ones go on.
local function attempt(self, groups)
  local options, log, running = self.options, self.log, {}
  for _, entry in ipairs(groups) do
    if not entry.removed then running[entry.name] = entry end
  end
  local app, reason = loader.reload(options.script, options.arguments)
  if not app then return nil, reason end
  local consumers, none = self.parts.choose(app, options.only)
  if not consumers then return nil, none end
  local plan, refused = compare(running, app, consumers)
  if not plan then return nil, refused end
  local ok, trouble = prepare_handlers(plan, options, log)
  if ok then ok, trouble = prepare_topics(plan, options, log) end
  if ok and #plan.new > 0 then ok, trouble = self.parts.open(app, plan.new, ok) end
  if not ok then
    discard(plan)
    return nil, tostring(trouble)
  end
  swap(plan, log)
  return app
end

-- == When ==

---Starts the groups of consumers, of whose topics `infos` tells: all or none.
---@alias docmsg.reload.Open
---| fun(app: docmsg.App, consumers: docmsg.ConsumerGroup[], infos: table<string, docmsg.TopicInfo>): boolean?, any

---What a reload needs of the runner.
---@class docmsg.reload.Parts
---@field choose fun(app: docmsg.App, only: string?): docmsg.ConsumerGroup[]?, string? which consumers run
---@field patience_of fun(consumer: docmsg.ConsumerGroup): integer? how long a handler may take
---@field open docmsg.reload.Open

---@class docmsg.Reloading
---@field private options docmsg.RunOptions
---@field private log docmsg.Log
---@field private parts docmsg.reload.Parts
---@field private result {ok: integer, failed: integer}
---@field private watch? docmsg.Watch
local Reloading = { __name = "docmsg.Reloading" }
Reloading.__index = Reloading

-- Watches what the application was loaded from, beside what is watched already.
local function follow(self, app)
  if not self.watch then return end
  self.watch:follow(loader.files())
  self.watch:follow { self.options.script }
  if app then self.watch:follow(app.files) end
end

---@param app docmsg.App that runs
---@param options docmsg.RunOptions
---@param log docmsg.Log
---@param parts docmsg.reload.Parts
---@return docmsg.Reloading
function M.new(app, options, log, parts)
  local self = setmetatable({
    options = options, log = log, parts = parts, result = { ok = 0, failed = 0 },
    watch = options.watch and watch.new(require("docmsg.host").fingerprint) or nil,
  }, Reloading)
  follow(self, app)
  return self
end

---How many reloads there were.
---@return {ok: integer, failed: integer}
function Reloading:counts()
  return { ok = self.result.ok, failed = self.result.failed }
end

---Loads the script anew.
---@param groups docmsg.runner.Group[]
---@return boolean ok false: the log says why, and all is as before
function Reloading:now(groups)
  local app, reason = attempt(self, groups)
  follow(self, app)
  local result = app and "ok" or "failed"
  self.result[result] = self.result[result] + 1
  if not app then
    self.log:error("not reloaded, the handlers stay as they are: %s", reason)
    return false
  end
  for _, entry in ipairs(groups) do entry.patience_ms = self.parts.patience_of(entry.consumer) end
  self.log:info("reloaded %s", self.options.script)
  return true
end

---Loads the script anew when that was asked for, or a file was edited.
---@param groups docmsg.runner.Group[]
---@param asked? boolean by a signal
function Reloading:when_due(groups, asked)
  local changed = self.watch and self.watch:changed(runtime.now())
  if changed then self.log:debug("%s has changed", changed) end
  if asked or changed then self:now(groups) end
end

return M
