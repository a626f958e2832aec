-- SPDX-License-Identifier: MIT
-- The handlers of a consumer, loaded for each lane of its group: first all of them, then given to the
-- group, so that nothing changes when one cannot be loaded.
--
--   local serving = serving.prepare(app, consumer, { lanes = 2, script = "app.lua", log = log })
--   serving:start(group)
local runtime = require "docmsg.runtime"

local M = {}

---@class docmsg.ServingOptions
---@field workers integer 0: the calling thread runs the handlers
---@field script? string the file that workers load
---@field arguments? table<integer, string> the script's `arg`
---@field log docmsg.Log

---@class docmsg.Serving
---@field private states docmsg.WorkerState[]
---@field private dispatch? fun(work: docmsg.Work): integer, ...
---@field private limits docmsg.Limits
local Serving = { __name = "docmsg.Serving" }
Serving.__index = Serving

local function worker_settings(consumer, options)
  local host = package.loaded["docmsg.host"]
  return {
    script = options.script,
    arguments = options.arguments,
    group = consumer.group,
    variables = host and host.variables and host.variables(),
    log = require("docmsg.log").defaults {},
  }
end

local function prepare_inline(self, app, consumer, options)
  local ok, dispatch = pcall(require("docmsg.dispatch").compile, app, consumer, { log = options.log })
  if not ok then return nil, require("docmsg.failure").text(dispatch) end
  self.dispatch = dispatch
  return self
end

local function prepare_workers(self, consumer, options)
  for i = 1, options.workers do
    local state, reason = runtime.state {
      module = "docmsg.worker", settings = worker_settings(consumer, options),
      memory = consumer.settings.memory,
    }
    if not state then
      self:close()
      return nil, reason
    end
    self.states[i] = state
  end
  return self
end

---Loads the handlers.
---@param app docmsg.App
---@param consumer docmsg.ConsumerGroup
---@param options docmsg.ServingOptions
---@return docmsg.Serving?
---@return string? reason
function M.prepare(app, consumer, options)
  local settings = consumer.settings
  local self = setmetatable({ states = {},
    limits = { timeout_ms = settings.timeout_ms, instructions = settings.instructions } }, Serving)
  if options.workers == 0 then return prepare_inline(self, app, consumer, options) end
  return prepare_workers(self, consumer, options)
end

---Gives the handlers to the group, which uses them from the next record of each lane on.
---@param group docmsg.Group
function Serving:start(group)
  for lane, state in ipairs(self.states) do group:serve(lane, state, self.limits) end
  if self.dispatch then
    if package.loaded["docmsg.host"] then runtime.limit_coroutines() end
    group:handle(self.dispatch, self.limits)
  end
end

---Closes what no group has.
function Serving:close()
  for _, state in ipairs(self.states) do state:close() end
end

return M
