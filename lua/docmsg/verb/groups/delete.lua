-- SPDX-License-Identifier: MIT
-- docmsg-lua groups delete
local exit = require "docmsg.exit"
local lag = require "docmsg.group.lag"
local session = require "docmsg.topic.session"

local COLUMNS <const> = { { "group", "GROUP" }, { "status", "STATUS" } }

-- Nil when all are there and empty, else an exit code.
local function guard(admin, names, options, output)
  for _, name in ipairs(names) do
    local info, reason = lag.describe(admin, name, options.timeout)
    if not info then return output:fail(exit.FAILED, ("%s; nothing was changed"):format(tostring(reason))) end
    if #info.members > 0 then
      return output:fail(exit.REFUSED, ("%s has %s; nothing was changed"):format(name,
        require("docmsg.output").count(#info.members, "member")))
    end
  end
end

return {
  usage = "GROUP… [options]",
  about = [[
Deletes groups with their offsets, after asking. A group that has members is refused.

Exit code: 0 done · 1 one does not exist, or nothing could be done · 4 not confirmed, or one has
members, nothing was changed · 5 partly done]],
  examples = {
    { "docmsg-lua groups delete billing-old" },
    { "docmsg-lua groups delete a b --yes", "without a question" },
  },
  prints = true,
  network = true,
  confirms = true,
  { "GROUP", required = true, repeated = true, help = "names of groups" },
  run = function(options, output)
    local names = session.unique(options.GROUP)
    local admin <close>, err = session.admin(options)
    if not admin then return output:fail(exit.FAILED, err) end
    local code = guard(admin, names, options, output)
    if code then return code end
    local question = ("Delete %s?"):format(require("docmsg.output").count(#names, "group"))
    if not output:confirm(question, options.yes) then return exit.REFUSED end
    local results, failure = admin:delete_groups(names, { timeout = options.timeout })
    if not results then return output:fail(exit.FAILED, failure) end
    local records, failed = {}, 0
    for i, name in ipairs(names) do
      local wrong = results[name].error
      records[i] = { group = name, status = wrong and "failed: " .. tostring(wrong) or "deleted" }
      if wrong then failed = failed + 1 end
    end
    output:rows(COLUMNS, records)
    return failed == 0 and exit.DONE or failed == #names and exit.FAILED or exit.PARTLY
  end,
}
