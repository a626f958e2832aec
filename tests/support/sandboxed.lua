-- SPDX-License-Identifier: MIT
-- Runs a piece of code in a worker's state as a handler would find it.
--
--   local ok, text = sandboxed.run "return type(os.exit)"
local runtime = require "docmsg.runtime"

local M = {}

---What the new state does first. Only an error's text leaves a state, so the result becomes one.
---@param settings {code: string}
function M.boot(settings)
  local sandbox = require "docmsg.sandbox"
  sandbox.restrict()
  known = 1 -- luacheck: ignore 111 (a global that the script has set)
  sandbox.seal()
  local ok, result = pcall(assert(load(settings.code, "=handler")))
  error((ok and "returned " or "raised ") .. tostring(result), 0)
end

---@param code string
---@return boolean ok did it end without an error?
---@return string text what it returned or raised
function M.run(code)
  local state, reason = runtime.state { module = "support.sandboxed", settings = { code = code } }
  assert(not state, "the state was booted")
  local verb, text = reason:match("^(%a+) (.*)$")
  if verb ~= "returned" and verb ~= "raised" then error(reason, 2) end
  return verb == "returned", (text:gsub("\nstack traceback.*$", ""))
end

return M
