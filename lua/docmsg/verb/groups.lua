-- SPDX-License-Identifier: MIT
-- docmsg-lua groups
return {
  about = [[
Consumer groups: who is in them, how far behind they are, and where they go on.]],
  verbs = {
    { "list", "the groups of the cluster" },
    { "show", "members, offsets and lag of a group" },
    { "seek", "moves the offsets of a group that has no members" },
    { "delete", "deletes groups with their offsets" },
  },
}
