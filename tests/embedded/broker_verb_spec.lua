-- SPDX-License-Identifier: MIT
local cluster = require "support.cluster"
local process = require "support.process"
local script = require "support.script"

describe("docmsg-lua broker", function()
  it("runs with the topics of a table until it is interrupted", function()
    local path = script.file(".lua", 'topic "orders" { partitions = 3, config = { ["retention.ms"] = 5 } }')
    finally(function() os.remove(path) end)
    local child <close> = script.start { "broker", path }
    local other = cluster.new(child:await_stdout "^(127%.0%.0%.1:%d+)\n$")
    do
      local producer <close> = other:producer()
      assert(producer:publish { topic = "orders", partition = 2, value = "v" })
      local consumer <close> = other:consumer { topics = { "orders" } }
      assert.equal("v", assert(consumer:poll "30s").value)
    end
    child:kill "INT"
    local result = child:wait()
    assert.equal(130, result.code)
    assert.equal("docmsg-lua: interrupted\n", result.stderr:gsub("^%S+ INFO [^\n]*\n", ""), nil)
  end)

  it("has as many brokers as asked for", function()
    local child <close> = script.start { "broker", "--brokers", "3" }
    local address = child:await_stdout "^(127%.0%.0%.1:%d+[^\n]*)\n$"
    local admin <close> = cluster.new(address):admin()
    assert.equal(3, #assert(admin:cluster()).brokers)
  end)

  local refused = {
    { { "broker", "--brokers", "0" }, "whole number from 1 on" },
    { { "broker", "/nonexistent.lua" }, "/nonexistent.lua" },
  }
  for _, case in ipairs(refused) do
    it("exits 2 for " .. table.concat(case[1], " "), function()
      local result = process.run { process.program, table.unpack(case[1]) }
      assert.equal(2, result.code)
      assert.equal("", result.stdout)
      assert.truthy(result.stderr:find(case[2], 1, true), result.stderr)
    end)
  end
end)
