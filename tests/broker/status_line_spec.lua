-- SPDX-License-Identifier: MIT
-- What somebody sees at a terminal while an application runs: log lines, and one line below them.
local broker = require "support.broker"
local process = require "support.process"
local program = require "support.program"
local terminal = require "support.terminal"

local APP <const> = [[
local docmsg = require "docmsg"
local app = docmsg.app { name = "shown" }
app:consumer("GROUP"):on("TOPIC", { lazy = true }, function(event, ctx)
  ctx.log:info("%s", event.value)
end)
return app
]]

local function stage()
  local cluster = broker.connect()
  local topic, group = cluster:topic(), cluster:group()
  local folder = program.folder()
  program.write(folder .. "/app.lua", (APP:gsub("GROUP", group):gsub("TOPIC", topic.name)))
  finally(function()
    local admin <close> = cluster:admin()
    admin:delete_topics { topic.name, topic.name .. "." .. group .. ".dlq" }
    program.remove(folder)
  end)
  local function publish(value)
    local producer <close> = cluster:producer {}
    assert(producer:publish { topic = topic.name, value = value })
  end
  return { folder .. "/app.lua", "--workers", "1" }, cluster.bootstrap_servers, group, publish
end

describe("docmsg-lua run", function()
  it("shows one line on a terminal, which log lines of workers do not mix with", function()
    local words, servers, group, publish = stage()
    local shown <close> = terminal.open(program.command({ "--bootstrap-servers", servers, "run",
      table.unpack(words) }))
    local line_of = group:gsub("%-", "%%-") .. ": %S+/s  lag 0  0 in flight"
    shown:await(line_of)
    local long = ("x"):rep(60)
    publish(long)
    publish "short"
    local screen = shown:await("short.*\n" .. line_of)
    for line in screen:gmatch("[^\n]+") do
      local is_log = line:find("^%d+%-%d+%-%d+T%d+:%d+:%d+Z INFO ") and not line:find("in flight")
      assert.truthy(is_log or line:find("^" .. line_of .. "$"), screen)
    end
    shown:press "C-c"
    screen = shown:await "exit=0"
    assert.truthy(screen:find(group .. ": 2 handled, 0 skipped, 0 retries, 0 dead letters, 0 left for later", 1, true), screen)
    assert.is_nil(screen:find("in flight", 1, true), screen)
  end)

  it("has neither the line nor its control characters in a file", function()
    local words, servers, group, publish = stage()
    publish "one"
    local child <close> = process.start { process.program, "--bootstrap-servers", servers, "run",
      table.unpack(words) }
    child:await_stderr("INFO .*: one\n")
    child:kill "TERM"
    local result = child:wait()
    assert.equal(0, result.code, result.stderr)
    assert.is_nil(result.stderr:find("\27", 1, true))
    assert.is_nil(result.stderr:find("in flight", 1, true))
    assert.truthy(result.stderr:find(group .. ": 1 handled", 1, true), result.stderr)
  end)
end)
