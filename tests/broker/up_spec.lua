-- SPDX-License-Identifier: MIT
-- tools/up, with the program under test, on a system of its own.
local await = require "support.await"
local http = require "docmsg.http"
local own_workflow = require "support.own_workflow"
local process = require "support.process"
local program = require "support.program"
local script = require "support.script"

describe("tools/up", function()
  local own

  before_each(function() own = own_workflow.new() end)
  after_each(function() own:close() end)

  it("starts all of it, mends what ended, and ends all of it", function()
    local places = own:expect()
    local servers, gateway = places:match "KAFKA_BOOTSTRAP_SERVERS=(%S+)", places:match "DOCMSG_GATEWAY=http://(%S+)"
    assert.same({ "ok\n", 200 }, { http.get(gateway, "/readyz") })
    local sent = script.run({ "send_document.lua", "README.md" },
      { servers = servers, env = { DOCMSG_DATA_DIR = own.env.DOCMSG_DATA_DIR } })
    assert.equal(0, sent.code, sent.stderr)
    await(function() return own:log("pipeline"):find("📄 Document filename: README.md", 1, true) end, "30s",
      "the document in the pipeline's log")
    local first = own:pid "pipeline"
    assert.matches("pipeline  127.0.0.1:%d+  pid " .. first .. ", ready\ngateway  " .. gateway .. "  pid %d+, ready\n",
      own:expect "--status")

    local _, progress = own:expect()
    assert.matches("Apache Kafka already runs", progress, 1, true)
    assert.matches("the pipeline already runs", progress, 1, true)
    assert.equal(first, own:pid "pipeline")
    process.run { "kill", "-STOP", tostring(first) }
    local again <close> = own:start()
    again:await_stderr("the pipeline already runs", "60s")
    await(function() return not own:run("--status").ok end)
    assert.is_true(again:is_running()) -- it waits until the pipeline answers
    process.run { "kill", "-CONT", tostring(first) }
    assert.equal(0, again:wait().code, again:wait().stderr)

    process.run { "kill", tostring(first) } -- not -KILL: the group would wait 45 s for the lost member
    await(function() return not process.is_running(first) end)
    local status = own:run "--status"
    assert.equal(1, status.code)
    assert.matches("pipeline  stopped\n", status.stdout, 1, true)
    own:expect()
    local second = own:pid "pipeline"
    assert.is_true(process.is_running(second))

    own:expect "--stop"
    assert.is_false(process.is_running(second))
    status = own:run "--status"
    assert.equal(1, status.code)
    assert.matches("node 1  127.0.0.1:%d+  stopped\npipeline  stopped\n", status.stdout)
  end)

  it("says why a part did not start, and takes back what it started", function()
    local broken = own.folder .. "/broken"
    program.write(broken, ([[
#!/bin/sh
if [ "$1" = run ]; then echo 'no luck today' >&2; exit 1; fi
exec '%s' "$@"
]]):format(process.program))
    assert(process.run({ "chmod", "+x", broken }).ok)
    own.env.DOCMSG_BIN = broken
    local result = own:run()
    assert.equal(1, result.code)
    assert.equal("", result.stdout)
    assert.matches("the pipeline did not start; from .*pipeline%.log:\nno luck today\n", result.stderr)
    assert.matches("stop Apache Kafka\n$", result.stderr)
    assert.matches("node 1  127.0.0.1:%d+  stopped\n", own:run("--status").stdout)
  end)

  it("names what is wrong with its arguments", function()
    for words, reason in pairs {
      ["--wipe"] = "unknown option '--wipe'",
      ["--stop now"] = "unknown option 'now'",
      ["--logs broker"] = "there is no part 'broker'",
      ["--port 0"] = "--port is from 1 to 65535, not '0'",
      ["--port=x"] = "--port is from 1 to 65535, not 'x'",
    } do
      local result = process.run { "sh", "-c", "tools/up " .. words, env = own.env }
      assert.equal(2, result.code)
      assert.matches(reason, result.stderr, 1, true)
    end
    local server <close> = assert(http.server { address = "127.0.0.1:0" })
    server:start()
    local port = server:address():match "%d+$"
    local busy = own:run("--port", port)
    assert.equal(1, busy.code)
    assert.matches(("port %s is in use"):format(port), busy.stderr, 1, true)
    assert.not_matches("start node", busy.stderr, 1, true)
    own.env.DOCMSG_BIN = own.folder .. "/nothing"
    local result = own:run()
    assert.equal(1, result.code)
    assert.matches("there is no program " .. own.env.DOCMSG_BIN, result.stderr, 1, true)
  end)
end)
