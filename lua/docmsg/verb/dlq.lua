-- SPDX-License-Identifier: MIT
-- docmsg-lua dlq
return {
  about = [[
Dead letters: records that a consumer group has set aside, with the reason, in a topic of their own.
They can be looked at and, when the reason is gone, be handled once more by the group that failed.]],
  examples = {
    { "docmsg-lua dlq list" },
    { "docmsg-lua dlq show billing", "the dead letters of a group" },
    { "docmsg-lua dlq redrive billing", "what would be sent back; nothing is without --execute" },
  },
  verbs = {
    { "list", "the topics of dead letters, with counts by reason" },
    { "show", "dead letters with reason, message and where they came from" },
    { "redrive", "sends dead letters back to where they came from" },
  },
}
