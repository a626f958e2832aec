-- SPDX-License-Identifier: MIT
-- Names of topics and groups that no other test, and no other run, uses.
local M = {}

local run = ("%08x"):format(math.random(0) & 0xffffffff)
local count = 0

---@param word? string what the name is for, such as "orders"
---@return string
function M.unique(word)
  count = count + 1
  return ("test-%s-%s-%d"):format(word or "it", run, count)
end

return M
