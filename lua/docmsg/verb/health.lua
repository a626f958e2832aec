-- SPDX-License-Identifier: MIT
-- docmsg-lua health
local exit = require "docmsg.exit"

return {
  usage = "ADDRESS [options]",
  about = [[
Asks a running application, at the address of its --http, whether it is ready: prints the answer, and
ends with 0 when it is, else with 1. For health checks of containers and for scripts that wait.]],
  examples = {
    { "docmsg-lua health :9464", "have all groups joined?" },
    { "docmsg-lua health :9464 --live", "does the process do its work?" },
  },
  network = true,
  { "ADDRESS", required = true, help = "host:port, or :port of this machine" },
  { "--live", help = "ask /livez, not /readyz" },
  run = function(options, output)
    local path = options.live and "/livez" or "/readyz"
    local text, code = require("docmsg.http").get(options.ADDRESS, path, options.timeout)
    if not text then return output:fail(exit.FAILED, tostring(code)) end
    if code ~= 200 then return output:fail(exit.FAILED, ("%d: %s"):format(code, (text:gsub("%s+$", "")))) end
    print((text:gsub("%s+$", "")))
    return exit.DONE
  end,
}
