-- SPDX-License-Identifier: MIT
-- The whole document workflow of a spec's own, as tools/up starts it with the program under test: it
-- ends, data and all, with its scope.
--
--   local own <close> = own_workflow.new()
--   own:expect()
--   own:expect "--status"
local process = require "support.process"
local program = require "support.program"

local M = {}

---@class support.OwnWorkflow
---@field folder string
---@field env table<string, string|false> of tools/up
local OwnWorkflow = { __name = "support.OwnWorkflow" }
OwnWorkflow.__index = OwnWorkflow

---Nothing runs yet.
---@return support.OwnWorkflow
function M.new()
  local folder = program.folder()
  return setmetatable({ folder = folder, env = {
    DOCMSG_KAFKA_DIR = folder, DOCMSG_DATA_DIR = folder .. "/data", DOCMSG_BIN = process.program,
    DOCMSG_KAFDROP_URL = "http://127.0.0.1:9/", KAFKA_BOOTSTRAP_SERVERS = false, KAFKA_REPLICATION_FACTOR = false,
  } }, OwnWorkflow)
end

---Runs tools/up.
---@param ... string
---@return support.Result
function OwnWorkflow:run(...)
  return process.run { "tools/up", env = self.env, limit = 200, ... }
end

---Starts tools/up.
---@param ... string
---@return support.Process
function OwnWorkflow:start(...)
  return process.start { "tools/up", env = self.env, limit = 200, ... }
end

---Runs tools/up, which must end with 0.
---@param ... string
---@return string stdout
---@return string stderr
function OwnWorkflow:expect(...)
  local result = self:run(...)
  if not result.ok then error(("tools/up %s: %s"):format(table.concat({ ... }, " "), result.stderr), 2) end
  return result.stdout, result.stderr
end

---Runs lines of bash as a user would, with the program in the PATH; one that fails ends them.
---@param text string
---@return support.Result
function OwnWorkflow:bash(text)
  local env = { PATH = process.program:match "^(.*)/[^/]*$" .. ":" .. os.getenv "PATH" }
  for name, value in pairs(self.env) do env[name] = value end
  return process.run { "bash", "-euo", "pipefail", "-c", text, env = env, limit = 300 }
end

---The process of a part.
---@param name string
---@return integer
function OwnWorkflow:pid(name)
  return math.tointeger(program.read(("%s/up/%s.pid"):format(self.folder, name)):match "^%d+")
end

---What a part has printed.
---@param name string
---@return string
function OwnWorkflow:log(name)
  return program.read(("%s/up/%s.log"):format(self.folder, name))
end

---Ends it and deletes its data.
function OwnWorkflow:close()
  local result = self:run("--stop", "--wipe")
  program.remove(self.folder)
  assert(result.ok, result.stderr)
end

OwnWorkflow.__close = OwnWorkflow.close

return M
