-- SPDX-License-Identifier: MIT
-- Patterns of topic names: "*" stands for any characters, "?" for one.
local M = {}

local function to_pattern(text)
  local pattern = text:gsub("[%^%$%(%)%%%.%[%]%+%-]", "%%%0"):gsub("%*", ".*"):gsub("%?", ".")
  return "^" .. pattern .. "$"
end

---Makes a function that tells whether a name matches one of the patterns.
---@param globs? string[] none or nil matches everything
---@return fun(name: string): boolean
function M.matcher(globs)
  if not globs or #globs == 0 then return function() return true end end
  local patterns = {}
  for i, text in ipairs(globs) do patterns[i] = to_pattern(text) end
  return function(name)
    for _, pattern in ipairs(patterns) do
      if name:find(pattern) then return true end
    end
    return false
  end
end

return M
