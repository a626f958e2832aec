-- SPDX-License-Identifier: MIT
-- docmsg-lua groups lag: `groups show` by the name of what is asked for most.
local lag = {}
for name, value in pairs(require "docmsg.verb.groups.show") do lag[name] = value end

lag.examples = {
  { "docmsg-lua groups lag document_consumer_group" },
  { "docmsg-lua groups lag document_consumer_group --sample 5s", "also records a second, in and out" },
  { "docmsg-lua groups lag document_consumer_group --max 1000", "for a check: exit code 3 when it is more" },
}

return lag
