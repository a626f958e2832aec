-- SPDX-License-Identifier: MIT
-- An HTTP client for tests, made of what every machine with bash has.
local process = require "support.process"

local M = {}

-- Sends standard input as it is, or in pieces of so many bytes with a pause between them, and prints
-- what comes back until the other side closes.
local SCRIPT <const> = [[exec 3<>"/dev/tcp/$1/$2" || exit 1
if [ "$3" = 0 ]; then cat >&3; else while LC_ALL=C IFS= read -r -N "$3" piece || [ -n "$piece" ]; do
  printf '%s' "$piece" >&3 || break; sleep "$4"; done; fi
[ "$5" = gone ] || cat <&3]]

---@class support.Response
---@field code integer
---@field head string
---@field body string

---@class support.http.Manner
---@field bytes? integer that are sent at once; default: all
---@field pause? number seconds between them
---@field gone? boolean goes away when everything is sent

---Begins to send the bytes of a request.
---@param address string "127.0.0.1:9464"
---@param request string
---@param manner? support.http.Manner
---@return support.Process
function M.start(address, request, manner)
  manner = manner or {}
  local host, port = address:match("^(.*):(%d+)$")
  return process.start { "bash", "-c", SCRIPT, "bash", host, port, tostring(manner.bytes or 0),
    tostring(manner.pause or 0), manner.gone and "gone" or "", stdin = request }
end

---Takes what has come back.
---@param text string
---@return support.Response? response nil when that is none
function M.read(text)
  local head, body = text:match("^(HTTP/1%.1 .-\r\n)\r\n(.*)$")
  if not head then return nil end
  return { code = math.tointeger(head:match("^%S+ (%d+)")), head = head, body = body }
end

---Sends the bytes of a request and takes what comes back.
---@param address string
---@param request string
---@return support.Response? response nil when nothing comes back
function M.raw(address, request)
  return M.read(M.start(address, request):wait().stdout)
end

---The bytes of a request.
---@param method string
---@param path string
---@param headers? string[] "Name: value"; a Host and "Connection: close" are there
---@param body? string with its length, unless the headers say how long it is
---@return string
function M.request(method, path, headers, body)
  local lines, has = { ("%s %s HTTP/1.1"):format(method, path), "Connection: close" }, {}
  for _, line in ipairs(headers or {}) do
    lines[#lines + 1] = line
    has[line:match("^[^:]*"):lower()] = true
  end
  if not has.host then lines[#lines + 1] = "Host: localhost" end
  if body and not has["content-length"] and not has["transfer-encoding"] then
    lines[#lines + 1] = "Content-Length: " .. #body
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or "")
end

---A part of a form: a file when it has a name.
---@param name string
---@param content string
---@param filename? string
---@return string
function M.part(name, content, filename)
  local file = filename and ('; filename="%s"\r\nContent-Type: application/octet-stream'):format(filename) or ""
  return ('--frontier\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'):format(name, file, content)
end

---The header and the body of a form.
---@param ... string its parts
---@return string header
---@return string body
function M.form(...)
  return "Content-Type: multipart/form-data; boundary=frontier", table.concat { ... } .. "--frontier--\r\n"
end

---Asks for a path.
---@param address string
---@param path string
---@param method? string default "GET"
---@return support.Response
function M.get(address, path, method)
  return assert(M.raw(address, M.request(method or "GET", path, { "Host: " .. address })), "no answer")
end

return M
