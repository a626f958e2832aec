-- SPDX-License-Identifier: MIT
-- docmsg-lua topics delete
local exit = require "docmsg.exit"
local observe = require "docmsg.topic.observe"
local session = require "docmsg.topic.session"
local show = require "docmsg.topic.show"

-- The plan that deletes the named topics. Returns nil and an exit code when one does not exist.
local function make_plan(manager, names, output)
  local tombstones = { path = "", topics = {}, deleted = {} }
  for i, name in ipairs(names) do tombstones.deleted[i] = { name = name, deleted = true } end
  local plan, err = manager:plan(tombstones)
  if not plan then return nil, output:fail(exit.FAILED, err) end
  for _, name in ipairs(names) do
    if not plan.seen[name] then
      return nil, output:fail(exit.FAILED, ("there is no topic %s; nothing was changed"):format(name))
    end
  end
  return plan
end

return {
  usage = "TOPIC… [options]",
  about = [[
Deletes topics with all their records, after asking, and waits until they are gone.

Exit code: 0 done · 1 one does not exist, or nothing could be done · 4 not confirmed, nothing was
changed · 5 partly done · 7 not gone in time]],
  examples = {
    { "docmsg-lua topics delete orders-old" },
    { "docmsg-lua topics delete orders-old orders-older --yes", "without a question" },
  },
  prints = true,
  network = true,
  confirms = true,
  { "TOPIC", required = true, repeated = true, help = "names of topics" },
  session.WAIT,
  run = function(options, output)
    local names = session.unique(options.TOPIC)
    for _, name in ipairs(names) do
      if observe.is_internal(name) then
        return output:fail(exit.REFUSED, ("%s is Kafka's own; nothing was changed"):format(name))
      end
    end
    local manager <close>, err = session.connect(options)
    if not manager then return output:fail(exit.FAILED, err) end
    local plan, code = make_plan(manager, names, output)
    if not plan then return code end
    for _, change in ipairs(plan.changes) do output:note("%s: %s", change.topic, show.detail(change)) end
    local question = ("Delete %s?"):format(require("docmsg.output").count(#names, "topic"))
    if not output:confirm(question, options.yes) then return exit.REFUSED end
    local results = manager:apply(plan, { wait = options.wait })
    if output.format == "table" then
      for _, line in ipairs(show.results(results)) do output:line("%s", line) end
    else
      output:rows({}, session.records(results))
    end
    return session.code(results)
  end,
}
