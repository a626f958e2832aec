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

-- The module of a file. What a C module offers may be annotated in parts: meta/NAME.lua and
-- meta/NAME/PART.lua.
---@param path string below lua/
---@return string
local function module_name(path)
  local name = path:match("lua/(docmsg.*)%.lua$"):gsub("/init$", "")
  return (name:gsub("^(docmsg/meta/[^/]+)/.*$", "%1"):gsub("/", "."))
end

---All modules of the project, with their annotations; those of C modules in docmsg.meta.
---@param root string the project's folder
---@return reference.Module[]
function M.modules(root)
  local modules, last = {}, nil
  for _, path in ipairs(annotations.list(root .. "/lua/docmsg")) do
    local name, file = module_name(path), annotations.read(path)
    if last and last.name == name then
      annotations.add(last.file, file)
    else
      last = { name = name, file = file }
      modules[#modules + 1] = last
    end
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
