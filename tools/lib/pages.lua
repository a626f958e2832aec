-- SPDX-License-Identifier: MIT
-- The modules that the reference page shows.
local annotations = require "lib.annotations"
local reference = require "lib.reference"

local M = {}

-- The program's own modules, and parts of others: nothing for scripts.
local PROGRAM <const> = {
  ["docmsg.bare"] = true, ["docmsg.cli"] = true, ["docmsg.command"] = true, ["docmsg.config"] = true,
  ["docmsg.connection"] = true,
  ["docmsg.history"] = true, ["docmsg.inspect"] = true, ["docmsg.meta.host"] = true, ["docmsg.options"] = true,
  ["docmsg.repl"] = true, ["docmsg.script"] = true, ["docmsg.topic.find"] = true,
  ["docmsg.topic.session"] = true, ["docmsg.usage"] = true,
  ["docmsg.usage_error"] = true,
  ["docmsg.dispatch"] = true, ["docmsg.guarantee"] = true, ["docmsg.outcome"] = true,
  ["docmsg.router"] = true, ["docmsg.services"] = true,
  ["docmsg.schema.kind"] = true, ["docmsg.schema.program"] = true,
  ["docmsg.schema.value"] = true,
}

---@param path string below lua/
---@return string
local function module_name(path)
  local name = path:match("lua/(docmsg.*)%.lua$"):gsub("/init$", ""):gsub("/", ".")
  return name
end

---All modules of the project, with their annotations; those of C modules under their own name.
---@param root string the project's folder
---@return reference.Module[]
function M.modules(root)
  local modules = {}
  for i, path in ipairs(annotations.list(root .. "/lua/docmsg")) do
    modules[i] = { name = module_name(path), file = annotations.read(path) }
  end
  return modules
end

---The reference page.
---@param root string the project's folder
---@return string
function M.reference(root)
  local shown = {}
  for _, module in ipairs(M.modules(root)) do
    if not PROGRAM[module.name] and not module.name:find("^docmsg%.verb%.") then
      module.name = module.name:gsub("%.meta%.", ".")
      shown[#shown + 1] = module
    end
  end
  table.sort(shown, function(a, b) return a.name < b.name end)
  return reference.page(shown)
end

return M
