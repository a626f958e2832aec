-- SPDX-License-Identifier: MIT
-- Clusters by name: ~/.config/docmsg/contexts.lua ($XDG_CONFIG_HOME/docmsg/contexts.lua), for --context.
--
--   return {
--     dev = { bootstrap_servers = "localhost:9092" },
--     prod = { bootstrap_servers = "kafka.example.com:9093", protected = true, colour = "red",
--       kafka = { ["security.protocol"] = "ssl" } },
--   }
local settings = require "docmsg.settings"
local usage_error = require "docmsg.usage_error"

local M = {}

---@class docmsg.ClusterContext
---@field name string
---@field bootstrap_servers string
---@field kafka table<string, string|number|boolean>
---@field protected boolean refuses to change anything without --write
---@field colour? "red"|"green"|"yellow"|"bold"|"dim" of the prompt; default: red when it is protected

---@type table<string, docmsg.Setting>
local FIELDS <const> = {
  bootstrap_servers = { kind = "string", required = true },
  kafka = { kind = "table", default = {} },
  protected = { kind = "boolean", default = false },
  colour = { kind = "string" },
}

---Where the contexts are.
---@param getenv fun(name: string): string?
---@return string? path nil when there is no home
function M.path(getenv)
  local function value(name)
    local text = getenv(name)
    return text ~= "" and text or nil
  end
  local folder = value "XDG_CONFIG_HOME" or value "HOME" and value "HOME" .. "/.config"
  return folder and folder .. "/docmsg/contexts.lua"
end

local function load_all(path)
  local chunk, reason = loadfile(path, "t", {})
  if not chunk then return nil, reason end
  local ok, contexts = pcall(chunk)
  if not ok then return nil, tostring(contexts) end
  if type(contexts) ~= "table" then return nil, path .. ": it must return a table of contexts by name" end
  return contexts
end

local function names_of(contexts)
  local names = {}
  for name in pairs(contexts) do names[#names + 1] = tostring(name) end
  table.sort(names)
  return names
end

---The context of that name. Raises a usage error when there is none, or it is wrong.
---@param name string
---@param getenv fun(name: string): string?
---@return docmsg.ClusterContext
function M.get(name, getenv)
  local path = M.path(getenv)
  if not path then usage_error.raise "--context: neither HOME nor XDG_CONFIG_HOME says where contexts.lua is" end
  local contexts, reason = load_all(path)
  if not contexts then usage_error.raise("--context: " .. reason) end
  local found = contexts[name]
  if type(found) ~= "table" then
    local names = names_of(contexts)
    usage_error.raise(("--context: %s has no context '%s'%s"):format(path, name, settings.nearest(name, names)))
  end
  local ok, checked = pcall(settings.read, FIELDS, found, ("%s: %s"):format(path, name), 1)
  if not ok then usage_error.raise(tostring(checked):gsub("^[^ ]+:%d+: ", "", 1)) end
  checked.name = name
  return checked
end

return M
