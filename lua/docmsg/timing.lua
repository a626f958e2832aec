-- SPDX-License-Identifier: MIT
-- A middleware that logs how long handlers take, and warns about the slow ones.
--
--   app:use(docmsg.timing { slow = "500ms" })
local settings = require "docmsg.settings"

local M = {}

local OPTIONS <const> = { slow = { kind = "duration", default = "1s" } }

---@param options? {slow?: string} from when on a run is slow; default "1s"
---@return docmsg.Middleware
function M.new(options)
  local slow_ms = settings.read(OPTIONS, options, "docmsg.timing").slow_ms
  return function(next, about)
    return function(event, ctx)
      next(event, ctx)
      local elapsed = ctx:elapsed()
      local level = elapsed >= slow_ms and "warn" or "debug"
      ctx.log:line(level, "%s took %d ms", about.type, elapsed)
    end
  end
end

return M
