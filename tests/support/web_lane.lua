-- SPDX-License-Identifier: MIT
-- Handles the requests of a lane in tests.
local M = {}

---@param settings {greeting: string}
---@return fun(request: docmsg.http.Request) handle
function M.boot(settings)
  local web, log = require "docmsg.web", require("docmsg.log").new { level = "error", write = function() end }
  return function(request)
    if request:rest() == "nothing" then return end
    local fifo = request:query "until" -- opens when somebody writes
    if fifo then assert(io.open(fifo)):close() end
    web.handle(request, function()
      if request:rest() == "error" then error "no" end
      return 200, ("%s %s"):format(settings.greeting, request:rest())
    end, log)
  end
end

return M
