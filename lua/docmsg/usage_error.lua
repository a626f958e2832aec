-- SPDX-License-Identifier: MIT
-- An error that is the user's to mend: the program shows its message alone, without a traceback,
-- and exits with 2, or with the code that was given.
local M = {}

local UsageError = { __name = "docmsg.UsageError" }

function UsageError:__tostring()
  return self.message
end

---@param message string
---@param code? integer exit code
function M.raise(message, code)
  error(setmetatable({ message = message, code = code }, UsageError), 0)
end

---@param value any
---@return boolean
function M.is(value)
  return debug.getmetatable(value) == UsageError
end

return M
