-- SPDX-License-Identifier: MIT
-- Signals are the main thread's. One that came to a thread of the embedded broker ended it, and whoever
-- then asked the broker for something waited for ever.
local embedded = require "support.embedded"

local SIGINT <const>, SIGTERM <const> = 2, 15

---@param path string
---@return string text empty when the thread has ended
local function read(path)
  local file = io.open(path)
  if not file then return "" end
  local _ <close> = file
  return file:read("a")
end

---The signals that librdkafka's threads block, by their names.
---@return table<string, integer>
local function masks()
  local result = {}
  local ids <close> = assert(io.popen("ls /proc/$PPID/task"))
  for id in ids:lines() do
    local name, mask = read(("/proc/self/task/%s/status"):format(id)):match "Name:%s+(rdk:%S+).*SigBlk:%s+(%x+)"
    if name then result[name] = tonumber(mask, 16) end
  end
  return result
end

local function blocks(mask, signal) return mask >> (signal - 1) & 1 == 1 end

describe("a thread of librdkafka", function()
  it("gets no signals", function()
    local cluster <close> = embedded.start()
    local producer <close> = cluster:producer()
    local found = masks()
    assert(producer and found["rdk:mock"], "no thread of the broker")
    for name, mask in pairs(found) do
      assert(blocks(mask, SIGINT) and blocks(mask, SIGTERM), name)
    end
  end)
end)
