-- SPDX-License-Identifier: MIT
-- docmsg-lua run
local exit = require "docmsg.exit"

-- One core is left to the threads that read, write and settle.
local function default_workers()
  return math.max(1, require("docmsg.host").cores() - 1)
end

-- What draws the status line, when standard error is a terminal that people read. From now on log
-- lines, those of workers, too, know of it.
local function status_line_of()
  local log, term = require "docmsg.log", os.getenv "TERM"
  local wanted = require("docmsg.host").isatty(2) and term and term ~= "dumb" and log.defaults({}).format == "text"
  if not wanted then return nil end
  log.defaults { over_status_line = true }
  return function(text) io.stderr:write(text) end
end

return {
  usage = "APP.lua [options]",
  about = [[
Runs all consumers of an application until Ctrl-C or SIGTERM: running handlers may finish, what is
due is committed, the groups are left. A second signal ends at once. Missing dead-letter topics are
created first. SIGHUP loads the script anew, as --watch does when a file of it is saved; handlers are
swapped between two records. While something is wrong with it, the old ones go on.]],
  examples = {
    { "docmsg-lua run app.lua", "with the workers that the script declares" },
    { "docmsg-lua run app.lua --only orders --workers 4", "one group, four workers" },
    { "docmsg-lua run app.lua --watch", "edited handlers are live within a second" },
    { "docmsg-lua run app.lua --workers 0", "handlers on the main thread" },
    { "docmsg-lua run app.lua --http :9464", "figures for Prometheus, and health" },
  },
  { "APP", required = true, help = "a script that returns an app or ends in app:run()" },
  { "--only", "GROUP", help = "run this group alone" },
  { "--workers", "N", kind = "integer", min = 0, max = 256,
    help = "for each group; default: as the script says, else one fewer than cores" },
  { "--watch", help = "load the script anew when one of its files changes" },
  { "--no-create", help = "do not create missing dead-letter topics; refuse to start instead" },
  { "--drain", "DUR", kind = "duration", default = "25s", help = "for running handlers at the end" },
  { "--http", "ADDR", help = "figures and health at host:port, or :port of this machine: /metrics /livez /readyz" },
  { "--http-public", help = "--http may be an address that other machines reach" },
  network = true,
  run = function(options, output)
    local script = require "docmsg.script"
    local path, reason = script.find(options.APP, require("docmsg.host").share)
    if not path then return output:fail(exit.USAGE, reason) end
    script.resolve_beside(path)
    local status_line = status_line_of()
    local app, wrong = require("docmsg.loader").load(path)
    if not app then return output:fail(exit.USAGE, wrong) end
    local ok, failure, stuck = app:run {
      only = options.only, script = path, workers = options.workers,
      default_workers = default_workers(), create = not options.no_create,
      timeout = options.timeout, drain = options.drain, exit_when_stuck = true, watch = options.watch,
      http = options.http, http_public = options.http_public, status_line = status_line,
    }
    if ok then return exit.DONE end
    local code = output:fail(exit.FAILED, failure)
    if stuck then os.exit(code, false) end -- closing the state would wait for them
    return code
  end,
}
