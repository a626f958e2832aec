-- SPDX-License-Identifier: MIT
-- docmsg-lua topics apply
local exit = require "docmsg.exit"
local file = require "docmsg.file"
local planning = require "docmsg.topic.plan"
local saved = require "docmsg.topic.saved"
local session = require "docmsg.topic.session"
local show = require "docmsg.topic.show"

local WORDS <const> = { config = true, repartition = true, delete = true }
local MOST_BYTES <const> = 64 << 20
local MOST_COMPLAINTS <const> = 10

local function read_allow(text)
  local allowed = {}
  for word in text:gmatch("[^,%s]+") do
    if not WORDS[word] then return nil, "a comma list of config, repartition, delete" end
    allowed[word] = true
  end
  return allowed
end

-- A saved plan. Returns nil and an exit code when it cannot be applied here.
local function load_plan(options, manager, output)
  local text, reason = file.read(options.FILE, MOST_BYTES)
  local plan
  if text then plan, reason = saved.read(text) end
  if not plan then return nil, output:fail(exit.USAGE, ("%s: %s"):format(options.FILE, reason)) end
  if #options.only > 0 then
    return nil, output:fail(exit.USAGE, "--only chooses from a topic table; a saved plan is applied whole")
  end
  local id = manager.cluster.id
  if plan.cluster.id ~= id then
    return nil, output:fail(exit.STALE, ("%s is a plan of the cluster %s, this is %s"):format(options.FILE,
      plan.cluster.id or "?", id or "?"))
  end
  return plan
end

local function make_plan(options, declared, manager, output)
  if not declared then return load_plan(options, manager, output) end
  local plan, err = manager:plan(declared, options.only)
  if not plan then return nil, output:fail(exit.FAILED, err) end
  return plan
end

local function complain(refused, output)
  for i, change in ipairs(refused) do
    if i > MOST_COMPLAINTS then
      output:note("docmsg-lua: … and %d more", #refused - MOST_COMPLAINTS)
      break
    end
    output:note("docmsg-lua: %s: %s %s", change.topic, change.class,
      change.needs and ("needs --allow %s"):format(change.needs) or "cannot be applied: " .. change.reason)
  end
  output:note "docmsg-lua: refused, nothing was changed; --only leaves topics out"
end

local function show_results(plan, results, output)
  if output.format == "json" then
    output:document { plan = saved.document(plan), results = require("docmsg.json").array(session.records(results)) }
  elseif output.format == "jsonl" then
    output:rows({}, session.records(results))
  else
    local function paint(style, text) return output:paint(style, text) end
    for _, line in ipairs(show.results(results, paint)) do output:line("%s", line) end
  end
end

-- Why this plan shall not be applied, as an exit code; nil when it may.
local function guard(options, plan, output)
  if options.cluster and options.cluster ~= plan.cluster.id then
    return output:fail(exit.REFUSED, ("this is the cluster %s, not %s; nothing was changed")
      :format(plan.cluster.id or "?", options.cluster))
  end
  local refused = planning.refused(plan, options.allow or {})
  if #refused == 0 then return nil end
  complain(refused, output)
  return exit.REFUSED
end

return {
  usage = "FILE|PLAN.json [options]",
  about = [[
Makes the changes that plan shows, of a topic table or of a plan that was saved with --out. The
guards are judged for all of it before anything is changed. Before its change each topic is described
again; one that is not what the plan saw is left alone. After it, the cluster is read until the
change is to be seen. An apply that was cut short is simply run again.

Exit code: 0 done · 1 nothing could be done · 2 usage or file · 4 refused by a guard, nothing was
changed · 5 partly done · 6 a topic, or the cluster, is not what the plan saw · 7 done, but not to be
seen in time]],
  examples = {
    { "docmsg-lua topics apply topics.lua" },
    { "docmsg-lua topics apply topics.lua --allow config,repartition", "with what can hurt" },
    { "docmsg-lua topics apply p.json --cluster 4L6g3nShT-eMCtK--X86sw", "a saved plan, on this cluster alone" },
    { "docmsg-lua topics apply topics.lua --only 'orders*' --dry-run", "only ask the broker" },
  },
  prints = true,
  network = true,
  { "FILE", required = true, help = "a topic table, or a saved plan whose name ends in .json" },
  session.ONLY,
  { "--allow", "LIST", read = read_allow, help = "config, repartition, delete: what may hurt" },
  { "--cluster", "ID", help = "refuse to change another cluster" },
  { "--dry-run", help = "let the broker check it, changing nothing" },
  session.WAIT,
  run = function(options, output)
    local declared, reason
    if not options.FILE:find("%.json$") then
      declared, reason = session.load(options, output)
      if not declared then return output:fail(exit.USAGE, reason) end
    end
    local manager <close>, err = session.connect(options)
    if not manager then return output:fail(exit.FAILED, err) end
    local plan, code = make_plan(options, declared, manager, output)
    if not plan then return code end
    if output.format == "table" then require("docmsg.verb.topics.plan").show(plan, output) end
    code = guard(options, plan, output)
    local results = not code and manager:apply(plan, { wait = options.wait, validate_only = options.dry_run }) or {}
    show_results(plan, results, output)
    return code or session.code(results)
  end,
}
