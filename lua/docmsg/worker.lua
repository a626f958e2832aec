-- SPDX-License-Identifier: MIT
-- What the Lua state of a worker does first: loads the script of the application anew and makes the
-- function that handles the records of one group.
local M = {}

---@class docmsg.worker.Settings
---@field script string
---@field arguments? table<integer, string> the script's `arg`
---@field group string
---@field variables? table<string, string> the environment, with what .env sets
---@field log {level: string, format: string}

-- The toolkit's modules find the program as far as a worker may use it.
local function take_host(variables)
  if not variables then return end
  package.loaded["docmsg.host"] = {
    getenv = function(name) return variables[name] end,
    open_kafka = function() return require "docmsg.kafka" end,
  }
end

---Loads the script in a restricted state; raises when it cannot be loaded.
---@param settings docmsg.worker.Settings
---@return fun(work: docmsg.Work): integer, ... dispatch
function M.boot(settings)
  local sandbox = require "docmsg.sandbox"
  take_host(settings.variables)
  sandbox.restrict()
  require("docmsg.log").defaults(settings.log)
  local app, reason = require("docmsg.loader").load(settings.script, settings.arguments)
  if not app then error(reason, 0) end
  local consumer = app:find(settings.group)
  if not consumer then error(("%s declares no group %q"):format(settings.script, settings.group), 0) end
  local dispatch = require("docmsg.dispatch").compile(app, consumer)
  sandbox.seal()
  return dispatch
end

return M
