-- SPDX-License-Identifier: MIT
-- An HTTP client for tests, made of what every machine with bash has.
local process = require "support.process"

local M = {}

-- Sends the request as it is and prints what comes back until the other side closes.
local SCRIPT <const> = [[exec 3<>"/dev/tcp/$1/$2" && printf '%s' "$3" >&3 && cat <&3]]

---@class support.Response
---@field code integer
---@field head string
---@field body string

---Sends the bytes of a request and takes what comes back.
---@param address string "127.0.0.1:9464"
---@param request string
---@return support.Response? response nil when nothing comes back
function M.raw(address, request)
  local host, port = address:match("^(.*):(%d+)$")
  local result = process.run { "bash", "-c", SCRIPT, "bash", host, port, request }
  local head, body = result.stdout:match("^(HTTP/1%.1 .-\r\n)\r\n(.*)$")
  if not head then return nil end
  return { code = math.tointeger(head:match("^%S+ (%d+)")), head = head, body = body }
end

---Asks for a path.
---@param address string
---@param path string
---@param method? string default "GET"
---@return support.Response
function M.get(address, path, method)
  local request = ("%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"):format(method or "GET", path, address)
  return assert(M.raw(address, request), "no answer")
end

return M
