-- SPDX-License-Identifier: MIT
-- What a run of specs prints: a line for each, what is wrong below it, and at last
-- "N passed, N failed". A pending spec has failed: a check that does not run proves nothing.
local system = require "system"

local M = {}

---@class support.Report
---@field passed integer
---@field failed integer
---@field package current? {problems: string[], started: number}
local Report = {}
Report.__index = Report

---@return support.Report
function M.new()
  return setmetatable({ passed = 0, failed = 0 }, Report)
end

---@param text string
local function indent(text)
  return "      " .. tostring(text):gsub("\n", "\n      ")
end

local function write(...)
  io.stdout:write(...)
  io.stdout:flush()
end

---@param title string
function Report:begin_spec(title)
  self.current = { problems = {}, started = system.monotime() }
  write("  ", title, " ... ")
end

---Notes a failure of the current spec, or of what surrounds the specs.
---@param where string
---@param message any
---@param traceback string?
function Report:problem(where, message, traceback)
  local text = tostring(message) .. (traceback or "")
  if self.current then
    table.insert(self.current.problems, text)
  else
    self.failed = self.failed + 1
    write("  ", where, " FAILED\n", indent(text), "\n")
  end
end

function Report:end_spec()
  local current = self.current
  local elapsed = (" (%.0f ms)\n"):format((system.monotime() - current.started) * 1000)
  self.current = nil
  if #current.problems == 0 then
    self.passed = self.passed + 1
    write("ok", elapsed)
    return
  end
  self.failed = self.failed + 1
  write("FAILED", elapsed)
  for _, text in ipairs(current.problems) do
    write(indent(text), "\n")
  end
end

---Prints the last line.
---@return boolean ok all passed, and there was something to pass
function Report:finish()
  if self.current then
    self:end_spec()
  end
  if self.passed + self.failed == 0 then
    self:problem("no specs", "no spec was found: check the file names and --filter")
  end
  write(("%d passed, %d failed\n"):format(self.passed, self.failed))
  return self.failed == 0
end

return M
