-- SPDX-License-Identifier: MIT
-- docmsg-lua groups
return {
  about = [[
Consumer groups: who is in them, how far behind they are, and where they go on.]],
  examples = {
    { "docmsg-lua groups list" },
    { "docmsg-lua groups lag billing --sample 5s", "records behind, their age, and rates" },
    { "docmsg-lua groups seek billing -- -1h", "an hour back; nothing moves without --execute" },
  },
  verbs = {
    { "list", "the groups of the cluster" },
    { "show", "members, offsets and lag of a group" },
    { "lag", "the same" },
    { "seek", "moves the offsets of a group that has no members" },
    { "delete", "deletes groups with their offsets" },
  },
}
