-- SPDX-License-Identifier: MIT
-- What the verbs about topics share: their options, the connection, the exit code of what was done.
local exit = require "docmsg.exit"
local log = require "docmsg.log"
local topics = require "docmsg.topics"

local M = {}

-- Who does not answer so simple a question does not answer at all.
local PROBE_TIMEOUT <const> = "5s"

M.FILE = { "FILE", required = true, help = "a topic table" }
M.ONLY = { "--only", "GLOB", repeated = true, help = "these topics alone; * and ? stand for any characters" }
M.WAIT = { "--wait", "DUR", kind = "duration", default = "30s",
  help = "until a change reads back from the cluster" }

---The words, each once.
---@param words string[]
---@return string[]
function M.unique(words)
  local list, seen = {}, {}
  for _, word in ipairs(words) do
    if not seen[word] then list[#list + 1] = word end
    seen[word] = true
  end
  return list
end

local function connect_options(options)
  local kafka = require "docmsg.kafka"
  local is_short = kafka.duration(options.timeout) < kafka.duration(PROBE_TIMEOUT)
  return {
    attempts = 1, probe_timeout = is_short and options.timeout or PROBE_TIMEOUT, timeout = options.timeout,
    log = log.new { level = not options.verbose and "warn" or nil },
  }
end

---Connects, once.
---@param options table<string, any>
---@return docmsg.TopicManager? manager
---@return docmsg.Error? err
function M.connect(options)
  return topics.connect(connect_options(options))
end

---The same for verbs that need the admin client alone.
---@param options table<string, any>
---@return docmsg.Admin? admin
---@return docmsg.Error? err
function M.admin(options)
  return require("docmsg.topic.connection").open(connect_options(options))
end

-- A pattern that matches nothing is a mistake: nothing to do would be a lie.
local function check_only(declared, only)
  local planning = require "docmsg.topic.plan"
  for _, pattern in ipairs(only) do
    if #planning.topics(declared, { pattern }) == 0 then
      return ("--only %s matches no topic of %s"):format(pattern, declared.path)
    end
  end
end

---Finds and loads the topic table that was named; its warnings go to standard error.
---@param options table<string, any>
---@param output docmsg.Output
---@return docmsg.TopicTable? declared
---@return string? reason
function M.load(options, output)
  local declared, reason = require("docmsg.topic.find").load(options.FILE)
  for _, warning in ipairs(declared and declared.warnings or {}) do
    output:note("docmsg-lua: warning: %s", warning)
  end
  if declared then reason = check_only(declared, options.only) end
  return not reason and declared or nil, reason
end

local OUTCOMES <const> = { done = "done", already = "done", failed = "failed", skipped = "failed",
  stale = "stale", unconverged = "unconverged" }

---The exit code of changes.
---@param results docmsg.topic.Result[]
---@return integer code
function M.code(results)
  local seen = {}
  for _, result in ipairs(results) do seen[OUTCOMES[result.status]] = true end
  if seen.stale then return exit.STALE end
  if seen.failed then return (seen.done or seen.unconverged) and exit.PARTLY or exit.FAILED end
  return seen.unconverged and exit.UNCONVERGED or exit.DONE
end

---Results as records for JSON.
---@param results docmsg.topic.Result[]
---@return table[]
function M.records(results)
  local records = {}
  for i, result in ipairs(results) do
    local err = result.error
    records[i] = { topic = result.topic, class = result.class, status = result.status,
      reason = result.reason, error = err and { name = err.name, message = err.message, hint = err.hint } }
  end
  return records
end

return M
