-- SPDX-License-Identifier: MIT
-- docmsg-lua topics
return {
  about = [[
Topics as code: a Lua file declares them, the cluster is compared with it, and what is missing or
different is changed when it is told to. What the file does not mention is left alone.]],
  examples = {
    { "docmsg-lua topics plan topics.lua", "what would change" },
    { "docmsg-lua topics apply topics.lua --allow config", "changes it, also what can hurt in that way" },
    { "docmsg-lua topics export --only 'orders*'", "what there is, as a topic table" },
  },
  verbs = {
    { "list", "the topics of the cluster" },
    { "show", "partitions, offsets and configuration of some topics" },
    { "plan", "what would have to change until the cluster is as declared" },
    { "apply", "makes the changes of a topic table or of a saved plan" },
    { "verify", "whether everything is as declared" },
    { "export", "the cluster as a topic table" },
    { "delete", "deletes topics by name" },
  },
}
