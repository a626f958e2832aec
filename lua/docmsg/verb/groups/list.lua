-- SPDX-License-Identifier: MIT
-- docmsg-lua groups list
local exit = require "docmsg.exit"
local glob = require "docmsg.topic.glob"
local session = require "docmsg.topic.session"

local COLUMNS <const> = { { "group", "GROUP" }, { "state", "STATE" }, { "members", "MEMBERS" },
  { "assignor", "ASSIGNOR" } }

return {
  usage = "[options]",
  about = "Lists the consumer groups of the cluster.",
  examples = {
    { "docmsg-lua groups list" },
    { "docmsg-lua groups list --only 'document_*' -F jsonl", "one JSON object a line" },
  },
  prints = true,
  network = true,
  { "--only", "GLOB", repeated = true, help = "these groups alone; * and ? stand for any characters" },
  run = function(options, output)
    local admin <close>, err = session.admin(options)
    if not admin then return output:fail(exit.FAILED, err) end
    local listed, failure = admin:list_groups { timeout = options.timeout }
    if not listed then return output:fail(exit.FAILED, failure) end
    local names, wanted = {}, glob.matcher(options.only)
    for _, entry in ipairs(listed) do
      if wanted(entry.group) then names[#names + 1] = entry.group end
    end
    table.sort(names)
    local infos, wrong = {}, nil
    if #names > 0 then infos, wrong = admin:describe_groups(names, { timeout = options.timeout }) end
    if not infos then return output:fail(exit.FAILED, wrong) end
    local records = {}
    for i, name in ipairs(names) do
      local info = infos[name]
      records[i] = { group = name, state = info.state, members = #(info.members or {}), assignor = info.assignor,
        error = info.error and tostring(info.error) }
    end
    output:rows(COLUMNS, records)
    return exit.DONE
  end,
}
