-- SPDX-License-Identifier: MIT
-- Makes the changes of a plan. Each topic is described again right before its change; when it is no
-- longer what the plan saw, it is stale and left alone, and when the change has been made already,
-- by a run that was cut short or by somebody else, it counts as made. Every topic has a result of
-- its own; one that fails does not stop the others.
local converge = require "docmsg.topic.converge"
local observe = require "docmsg.topic.observe"
local planning = require "docmsg.topic.plan"
local rephrase = require("docmsg.topic.connection").rephrase
local state = require "docmsg.topic.state"

local M = {}

-- So many topics are described, changed and awaited together.
local BATCH <const> = 100

---@class docmsg.topic.Result
---@field topic string
---@field class docmsg.topic.Class
---@field status "done"|"already"|"failed"|"stale"|"unconverged"|"skipped"
---@field error? docmsg.Error why it failed
---@field reason? string why it is stale, not converged or skipped
---@field observed? docmsg.Observed what was last seen of the topic

---@class docmsg.ApplyOptions
---@field timeout docmsg.Duration of a request
---@field wait docmsg.Duration until a change reads back
---@field sleep fun(duration: docmsg.Duration)
---@field witnesses? fun(): docmsg.topic.Witnesses other brokers that must see a change too
---@field validate_only? boolean ask the broker whether it would do it

-- One step of a change through `apply`: the change, its result, the states before and after it.
---@class docmsg.topic.Step
---@field change docmsg.topic.Change
---@field result docmsg.topic.Result
---@field before docmsg.topic.State
---@field after docmsg.topic.State

local request = {}

function request.create(admin, steps, options)
  local topics = {}
  for i, step in ipairs(steps) do
    local change = step.change
    topics[i] = { name = change.topic, partitions = change.partitions,
      replication_factor = change.replication_factor, config = change.config }
  end
  return admin:create_topics(topics, options)
end

function request.grow(admin, steps, options)
  local topics = {}
  for i, step in ipairs(steps) do
    topics[i] = { name = step.change.topic, partitions = step.change.to }
  end
  return admin:create_partitions(topics, options)
end

function request.config(admin, steps, options)
  local changes = {}
  for i, step in ipairs(steps) do
    local set, delete = {}, {}
    for _, property in ipairs(step.change.properties) do
      if property.to then
        set[property.name] = property.to
      else
        delete[#delete + 1] = property.name
      end
    end
    changes[i] = { name = step.change.topic, set = set, delete = delete }
  end
  return admin:alter_configs(changes, options)
end

function request.delete(admin, steps, options)
  if options.validate_only then return {} end -- Kafka has no trial of it
  local names = {}
  for i, step in ipairs(steps) do names[i] = step.change.topic end
  return admin:delete_topics(names, { timeout = options.timeout })
end

request.repartition = request.grow
request["config.safe"], request["config.risky"] = request.config, request.config

local function end_step(step, status, reason)
  local result = step.result
  result.status = status
  if type(reason) == "string" then result.reason = reason else result.error = reason end
end

local function names_of(steps)
  local names = {}
  for i, step in ipairs(steps) do names[i] = step.change.topic end
  return names
end

-- Notes what the topics are now. Returns nil and the error when the broker does not say.
local function look(admin, steps, options)
  local observed, err = observe.topics(admin, names_of(steps), { timeout = options.timeout })
  if not observed then return nil, err end
  for _, step in ipairs(steps) do
    step.result.observed = observed[step.change.topic]
    step.now = state.of(step.result.observed, step.after.config or {})
  end
  return true
end

-- The steps whose topics are what the plan saw.
local function sift(steps)
  local due = {}
  for _, step in ipairs(steps) do
    if state.covers(step.now, step.after) then
      end_step(step, "already")
    elseif state.same(step.now, step.before) then
      due[#due + 1] = step
    else
      end_step(step, "stale", "it is not what the plan saw: " .. state.describe(step.now, step.before))
    end
  end
  return due
end

-- Says how many brokers there are to somebody who asked for more replicas.
local function explain(err, brokers)
  if not err or err.name ~= "INVALID_REPLICATION_FACTOR" or err.hint then return err end
  local explained = rephrase(err, err.message)
  explained.hint = ("the cluster has %d broker(s): lower replication_factor or start more")
    :format(#brokers)
  return explained
end

-- The topic may have changed all the same: somebody else was first, or the answer was lost.
local FORESTALLED <const> = { TOPIC_ALREADY_EXISTS = true, UNKNOWN_TOPIC_OR_PART = true }
local LOST <const> = { _TIMED_OUT = true, _TRANSPORT = true, REQUEST_TIMED_OUT = true }

local function is_ambiguous(err)
  return err.retriable or LOST[err.name] or FORESTALLED[err.name]
end

-- Sends the request of all steps. Returns those whose topics have to be read back.
local function send(admin, steps, options, brokers)
  local answers, err = request[steps[1].change.class](admin, steps,
    { timeout = options.timeout, validate_only = options.validate_only })
  local open = {}
  for _, step in ipairs(steps) do
    local answer = answers and answers[step.change.topic]
    local failure = explain(err or (answer and answer.error), brokers)
    step.failure = failure
    if failure and not is_ambiguous(failure) then
      end_step(step, "failed", failure)
    else
      open[#open + 1] = step
    end
  end
  return open
end

local function has_leaders(info)
  for _, partition in ipairs(info and info.partitions or {}) do
    if not partition.leader then return false end
  end
  return true
end

local function has_arrived(step)
  return state.covers(step.now, step.after) and has_leaders(step.result.observed.info)
end

local function unconverged_reason(step, looked)
  if not looked then return "the cluster does not answer any more" end
  if not state.covers(step.now, step.after) then return state.describe(step.now, step.after) end
  return has_arrived(step) and "not every broker knows it yet" or "a partition has no leader"
end

-- What became of a step whose topic was read for the last time.
local function judge(step, looked)
  local failure = step.failure
  if looked and step.is_everywhere and has_arrived(step) then
    end_step(step, failure and FORESTALLED[failure.name] and "already" or "done")
  elseif failure and FORESTALLED[failure.name] then
    end_step(step, "stale", "somebody else was first: " .. state.describe(step.now, step.after))
  elseif failure then
    end_step(step, "failed", failure)
  else
    end_step(step, "unconverged", unconverged_reason(step, looked))
  end
end

-- Is there nothing to wait for? What somebody else did need not become what was wanted.
local function is_settled(step)
  local forestalled = step.failure and FORESTALLED[step.failure.name]
  if forestalled then return step.now.exists or step.change.class ~= "create" end
  return has_arrived(step)
end

-- Notes which steps have settled, for every broker that is asked. Have all of them?
local function note_settled(steps, witnesses)
  local expected, all = {}, true
  for _, step in ipairs(steps) do
    local info = step.result.observed.info
    if is_settled(step) then expected[step.change.topic] = info and #info.partitions or 0 end
  end
  local unseen = witnesses and witnesses:unseen(expected) or {}
  for _, step in ipairs(steps) do
    local topic = step.change.topic
    step.is_everywhere = expected[topic] ~= nil and not unseen[topic]
    all = all and step.is_everywhere
  end
  return all
end

local function read_back(admin, steps, options)
  local witnesses = options.witnesses and options.witnesses()
  local looked
  converge.await(options, function()
    looked = look(admin, steps, options)
    return looked and note_settled(steps, witnesses) or false
  end)
  for _, step in ipairs(steps) do judge(step, looked) end
end

-- Describes, changes and reads back the topics of one batch.
local function run_batch(admin, steps, options, brokers)
  local looked, err = look(admin, steps, options)
  if not looked then
    for _, step in ipairs(steps) do end_step(step, "failed", err) end
    return
  end
  local due = sift(steps)
  local open = #due > 0 and send(admin, due, options, brokers) or {}
  if options.validate_only then
    for _, step in ipairs(open) do
      end_step(step, step.failure and "failed" or "done", step.failure)
    end
  elseif #open > 0 then
    read_back(admin, open, options)
  end
end

-- The steps of one class that can be made; a topic whose earlier change was not made is skipped.
local function steps_of(plan, class, states, results)
  local steps = {}
  for _, change in ipairs(plan.changes) do
    local before = states[change.topic]
    if change.class == class then
      local result = { topic = change.topic, class = class }
      results[#results + 1] = result
      local step = { change = change, result = result, before = before }
      if before then
        step.after = state.after(before, change)
        steps[#steps + 1] = step
      else
        end_step(step, "skipped", "an earlier change of it was not made")
      end
    end
  end
  return steps
end

-- A topic whose change was made is as the change left it; another has no known state any more.
local function advance(steps, states, is_trial)
  for _, step in ipairs(steps) do
    local status = step.result.status
    if status ~= "done" and status ~= "already" then
      states[step.change.topic] = nil
    elseif status == "already" or not is_trial then
      states[step.change.topic] = step.after
    end
  end
end

---Makes the changes of a plan, those of the same kind together.
---@param admin docmsg.Admin
---@param plan docmsg.Plan
---@param options docmsg.ApplyOptions
---@return docmsg.topic.Result[] results one for each change, in the order in which they were made
function M.run(admin, plan, options)
  local results, states = {}, {}
  for name, seen in pairs(plan.seen) do states[name] = seen end
  for _, class in ipairs(planning.ORDER) do
    local steps = steps_of(plan, class, states, results)
    for first = 1, #steps, BATCH do
      local batch = table.move(steps, first, math.min(first + BATCH - 1, #steps), 1, {})
      run_batch(admin, batch, options, plan.cluster.brokers)
    end
    advance(steps, states, options.validate_only)
  end
  return results
end

return M
