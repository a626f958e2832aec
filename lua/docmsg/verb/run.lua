-- SPDX-License-Identifier: MIT
-- docmsg-lua run
local exit = require "docmsg.exit"

-- One core is left to the threads that read, write and settle.
local function default_workers()
  return math.max(1, require("docmsg.host").cores() - 1)
end

return {
  usage = "APP.lua [options]",
  about = [[
Runs all consumers of an application until Ctrl-C or SIGTERM: running handlers may finish, what is
due is committed, the groups are left. A second signal ends at once. Missing dead-letter topics are
created first.]],
  examples = {
    { "docmsg-lua run app.lua", "with the workers that the script declares" },
    { "docmsg-lua run app.lua --only orders --workers 4", "one group, four workers" },
    { "docmsg-lua run app.lua --workers 0", "handlers on the main thread" },
  },
  { "APP", required = true, help = "a script that returns an app or ends in app:run()" },
  { "--only", "GROUP", help = "run this group alone" },
  { "--workers", "N", kind = "integer", min = 0, max = 256,
    help = "for each group; default: as the script says, else one fewer than cores" },
  { "--no-create", help = "do not create missing dead-letter topics; refuse to start instead" },
  { "--drain", "DUR", kind = "duration", default = "25s", help = "for running handlers at the end" },
  network = true,
  run = function(options, output)
    local script = require "docmsg.script"
    local path, reason = script.find(options.APP, require("docmsg.host").share)
    if not path then return output:fail(exit.USAGE, reason) end
    script.resolve_beside(path)
    local app, wrong = require("docmsg.loader").load(path)
    if not app then return output:fail(exit.USAGE, wrong) end
    local ok, failure = app:run {
      only = options.only, script = path, workers = options.workers,
      default_workers = default_workers(), create = not options.no_create,
      timeout = options.timeout, drain = options.drain, exit_when_stuck = true,
    }
    if not ok then return output:fail(exit.FAILED, failure) end
    return exit.DONE
  end,
}
