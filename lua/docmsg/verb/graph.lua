-- SPDX-License-Identifier: MIT
-- docmsg-lua graph
local exit = require "docmsg.exit"

return {
  usage = "APP.lua [options]",
  about = [[
Draws the way of events through an application, as its handlers and what they may emit are declared. No
broker is needed.]],
  examples = {
    { "docmsg-lua graph pipeline.lua", "Mermaid, for a page" },
    { "docmsg-lua graph pipeline.lua -F dot", "for Graphviz: | dot -Tsvg >pipeline.svg" },
  },
  { "APP", required = true, help = "a script that returns an app or ends in app:run()" },
  { "--format", "FORMAT", short = "-F", kind = "choice", default = "mermaid", choices = { "mermaid", "dot" },
    help = "mermaid or dot" },
  run = function(options, output)
    local script, graph = require "docmsg.script", require "docmsg.graph"
    local path, reason = script.find(options.APP, require("docmsg.host").share)
    if not path then return output:fail(exit.USAGE, reason) end
    script.resolve_beside(path)
    local app, wrong = require("docmsg.loader").load(path)
    if not app then return output:fail(exit.USAGE, wrong) end
    output:line("%s", (graph.write(graph.of(app), options.format):gsub("\n$", "")))
    return exit.DONE
  end,
}
