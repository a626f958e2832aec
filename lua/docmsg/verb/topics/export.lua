-- SPDX-License-Identifier: MIT
-- docmsg-lua topics export
local exit = require "docmsg.exit"
local glob = require "docmsg.topic.glob"
local session = require "docmsg.topic.session"

return {
  usage = "[options]",
  about = [[
Prints the topics of the cluster as a topic table, with the overrides of their configuration. Planned
against the same cluster, it changes nothing.]],
  examples = {
    { "docmsg-lua topics export > topics.lua" },
    { "docmsg-lua topics export --only 'orders*'" },
  },
  network = true,
  session.ONLY,
  run = function(options, output)
    local manager <close>, err = session.connect(options)
    if not manager then return output:fail(exit.FAILED, err) end
    local wanted = glob.matcher(options.only)
    local cluster, failure = manager:describe(function(names)
      local chosen = {}
      for _, name in ipairs(names) do
        if wanted(name) then chosen[#chosen + 1] = name end
      end
      return chosen
    end)
    if not cluster then return output:fail(exit.FAILED, failure) end
    output:line("%s", (require("docmsg.topic.export").text(cluster):gsub("\n$", "")))
    return exit.DONE
  end,
}
