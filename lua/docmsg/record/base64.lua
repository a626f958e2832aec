-- SPDX-License-Identifier: MIT
-- Reads base64, which stands for bytes that are not UTF-8 in the JSON of records.
local M = {}

local DIGITS <const> = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local values = {}
for i = 1, #DIGITS do values[DIGITS:byte(i)] = i - 1 end

local function three_bytes(four)
  local a, b, c, d = four:byte(1, 4)
  local bits = values[a] << 18 | values[b] << 12 | (values[c] or 0) << 6 | (values[d] or 0)
  local bytes = string.pack(">I3", bits)
  return values[d] and bytes or values[c] and bytes:sub(1, 2) or bytes:sub(1, 1)
end

---@param text string
---@return string? bytes nil when it is no base64
function M.decode(text)
  if #text % 4 ~= 0 or not text:find("^[%w+/]*=?=?$") then return nil end
  return (text:gsub("....", three_bytes))
end

return M
