-- SPDX-License-Identifier: MIT
-- What a process holds in the course of a long run, and whether it has grown.
local kafka = require "docmsg.kafka"

local M = {}

-- What a run may end with beyond what it had when it was warm: allocators keep some slack.
local MEMORY_SLACK_KB <const> = 4096
local MEMORY_SLACK <const> = 1.15
local DESCRIPTOR_SLACK <const> = 4

---@return integer kilobytes resident
local function resident()
  for line in io.lines("/proc/self/status") do
    local kilobytes = line:match("^VmRSS:%s*(%d+)")
    if kilobytes then
      return math.tointeger(kilobytes)
    end
  end
  error("/proc/self/status has no VmRSS")
end

---@return integer
local function descriptors()
  local stat <close> = assert(io.open("/proc/self/stat"))
  local listing <close> = assert(io.popen(("ls /proc/%d/fd"):format(stat:read("n"))))
  local count = 0
  for _ in listing:lines() do
    count = count + 1
  end
  return count
end

---@class soak.Sample
---@field memory integer kilobytes
---@field descriptors integer
---@field threads integer librdkafka's

---What the process holds now, its garbage collected.
---@return soak.Sample
function M.sample()
  collectgarbage()
  collectgarbage()
  return { memory = resident(), descriptors = descriptors(), threads = kafka.live().threads }
end

---@param samples soak.Sample[]
---@param field string
---@param from integer
---@param to integer
---@return integer
local function median(samples, field, from, to)
  local values = {}
  for i = from, to do
    values[#values + 1] = samples[i][field]
  end
  table.sort(values)
  return values[(#values + 1) // 2]
end

---Compares the second fifth of the run with the last one.
---@param samples soak.Sample[]
---@param field string
---@param limit fun(before: integer): number
---@return boolean grown
local function has_grown(samples, field, limit)
  local fifth = #samples // 5
  local before = median(samples, field, fifth + 1, 2 * fifth)
  local after = median(samples, field, #samples - fifth + 1, #samples)
  print(("%s: %d -> %d"):format(field, before, after))
  return after > limit(before)
end

---Raises when the process held more at the end of a run than when it was warm.
---@param samples soak.Sample[]
function M.check(samples)
  local memory = has_grown(samples, "memory", function(before)
    return before * MEMORY_SLACK + MEMORY_SLACK_KB
  end)
  local files = has_grown(samples, "descriptors", function(before)
    return before + DESCRIPTOR_SLACK
  end)
  if memory or files then
    error("the process has grown", 0)
  end
end

return M
