-- SPDX-License-Identifier: MIT
-- A folder with files, and the program run in it against one cluster.
--
--   local place <close> = workplace.new(servers)
--   place:write("topics.lua", "return { … }")
--   local result = place:run("topics", "plan", "topics.lua")
local json = require "docmsg.json"
local process = require "support.process"
local program = require "support.program"

local M = {}

---@class support.Workplace
---@field folder string
---@field servers string
local Workplace = { __name = "support.Workplace" }
Workplace.__index = Workplace

---@param servers string
---@return support.Workplace
function M.new(servers)
  return setmetatable({ folder = program.folder(), servers = servers }, Workplace)
end

---@param name string
---@param text string
function Workplace:write(name, text)
  program.write(self.folder .. "/" .. name, text)
end

---@param name string
---@return string
function Workplace:read(name)
  return program.read(self.folder .. "/" .. name)
end

local function command(self, words)
  return { process.program, "--bootstrap-servers", self.servers, cwd = self.folder, limit = 120,
    env = { KAFKA_REPLICATION_FACTOR = false }, table.unpack(words) }
end

---Runs the program to its end.
---@param ... string
---@return support.Result
function Workplace:run(...)
  return process.run(command(self, { ... }))
end

---Starts the program.
---@param ... string
---@return support.Process
function Workplace:start(...)
  return process.start(command(self, { ... }))
end

---Runs the program and expects an exit code. Returns what it printed.
---@param code integer
---@param ... string
---@return string stdout
---@return string stderr
function Workplace:expect(code, ...)
  local result = self:run(...)
  if result.code ~= code then
    error(("%s: exit code %s, not %d:\n%s%s"):format(table.concat({ ... }, " "),
      tostring(result.code or result.signal), code, result.stdout, result.stderr), 2)
  end
  return result.stdout, result.stderr
end

---The plan of a topic table, as a value.
---@param ... string the file and options
---@return table
function Workplace:plan(...)
  return assert(json.decode((self:expect(0, "topics", "plan", "-F", "json", ...))))
end

---Deletes the folder.
function Workplace:close()
  program.remove(self.folder)
end

Workplace.__close = Workplace.close

return M
