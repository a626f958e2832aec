-- SPDX-License-Identifier: MIT
-- Creates and verifies the topics, and says so line by line.
local exit = require "docmsg.exit"
local topics = require "docmsg.topics"

local M = {}

local function say(format, ...)
  io.stdout:write(format:format(...), "\n")
end

---Reports a failure on standard error.
---@param code integer exit code
---@param reason any
---@return integer code
function M.fail(code, reason)
  io.stdout:flush()
  io.stderr:write("❌ Topic setup failed!\n", tostring(reason), "\n")
  return code
end

local function say_result(result)
  if result.status == "failed" then
    say("❌ Failed to create topic %s: %s", result.name, tostring(result.error))
  elseif #result.differences > 0 then
    say("⚠️  Topic differs: %s: %s", result.name, topics.describe(result.differences))
  elseif result.status == "created" then
    say("✅ Created topic: %s", result.name)
  else
    say("ℹ️  Topic already exists: %s", result.name)
  end
end

-- How many results there are of each outcome: failed, late (created, not ready), created, differing.
local function count(results)
  local counts = { failed = 0, late = 0, created = 0, differing = 0, same = 0 }
  for _, result in ipairs(results) do
    local differs = #result.differences > 0
    local outcome = result.status
    if outcome == "exists" then outcome = differs and "differing" or "same" end
    if outcome == "created" and differs then outcome = "late" end
    counts[outcome] = counts[outcome] + 1
  end
  return counts
end

-- What the topics came to: the exit code, and the reason when it is not 0.
local function judge(declared, results)
  local counts = count(results)
  local function because(number, what)
    return ("%d of %d topics %s"):format(number, #results, what)
  end
  if counts.failed > 0 then
    local partly = counts.created + counts.late > 0
    return partly and exit.PARTLY or exit.FAILED, because(counts.failed, "could not be created")
  elseif counts.late > 0 then
    return exit.UNCONVERGED, because(counts.late, "were created but are not ready yet; run setup again")
  elseif counts.differing > 0 then
    return exit.PENDING, because(counts.differing, "differ from " .. declared.path)
  end
  return exit.DONE
end

-- The results are what the broker said last, compared with the file.
local function summarise(results)
  say("✅ All required topics exist")
  say("📊 Topic Summary:")
  for _, topic in ipairs(results) do
    local plural = topic.partitions == 1 and "" or "s"
    say("  • %s: %d partition%s", topic.name, topic.partitions, plural)
  end
  say("✅ Kafka topics setup completed successfully!")
end

---Creates what is missing and verifies all of it.
---@param declared docmsg.TopicTable
---@param options docmsg.TopicsOptions
---@return integer code exit code
function M.run(declared, options)
  say("🚀 Setting up Kafka topics for document processing system...")
  io.stdout:flush()
  local manager <close>, err = topics.connect(options)
  if not manager then return M.fail(exit.FAILED, err) end
  local results, failure = manager:ensure(declared)
  if not results then return M.fail(exit.FAILED, failure) end
  for _, result in ipairs(results) do say_result(result) end
  local code, reason = judge(declared, results)
  if code ~= exit.DONE then return M.fail(code, reason) end
  say("✅ All %d topics ready", #results)
  summarise(results)
  return code
end

return M
