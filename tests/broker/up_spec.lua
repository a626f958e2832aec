-- SPDX-License-Identifier: MIT
-- tools/up, with the program under test, on a system of its own.
local await = require "support.await"
local process = require "support.process"
local program = require "support.program"
local script = require "support.script"

describe("tools/up", function()
  local folder, env

  before_each(function()
    folder = program.folder()
    env = { DOCMSG_KAFKA_DIR = folder, DOCMSG_DATA_DIR = folder .. "/data", DOCMSG_BIN = process.program,
      KAFKA_BOOTSTRAP_SERVERS = false, KAFKA_REPLICATION_FACTOR = false }
  end)

  local function up(...)
    return process.run { "tools/up", env = env, limit = 200, ... }
  end

  after_each(function()
    local result = up("--stop", "--wipe")
    program.remove(folder)
    assert.equal(0, result.code, result.stderr)
  end)

  -- Exit code 0, and what it printed.
  local function expect(...)
    local result = up(...)
    assert.equal(0, result.code, result.stderr)
    return result.stdout, result.stderr
  end

  local function pid_of(name)
    return math.tointeger(program.read(("%s/up/%s.pid"):format(folder, name)):match "^%d+")
  end

  it("starts all of it, mends what ended, and ends all of it", function()
    local servers = expect():match "KAFKA_BOOTSTRAP_SERVERS=(%S+)"
    local sent = script.run({ "send_document.lua", "README.md" },
      { servers = servers, env = { DOCMSG_DATA_DIR = env.DOCMSG_DATA_DIR } })
    assert.equal(0, sent.code, sent.stderr)
    await(function()
      return program.read(folder .. "/up/pipeline.log"):find("📄 Document filename: README.md", 1, true)
    end, "30s", "the document in the pipeline's log")
    local first = pid_of "pipeline"
    assert.matches("pipeline  127.0.0.1:%d+  pid " .. first .. ", ready\n", expect "--status")

    local _, progress = expect()
    assert.matches("Apache Kafka already runs", progress, 1, true)
    assert.matches("the pipeline already runs", progress, 1, true)
    assert.equal(first, pid_of "pipeline")

    process.run { "kill", tostring(first) } -- not -KILL: the group would wait 45 s for the lost member
    await(function() return not process.is_running(first) end)
    local status = up "--status"
    assert.equal(1, status.code)
    assert.matches("pipeline  stopped\n", status.stdout, 1, true)
    expect()
    local second = pid_of "pipeline"
    assert.is_true(process.is_running(second))

    expect "--stop"
    assert.is_false(process.is_running(second))
    status = up "--status"
    assert.equal(1, status.code)
    assert.matches("node 1  127.0.0.1:%d+  stopped\npipeline  stopped\n", status.stdout)
  end)

  it("says why a part did not start, and takes back what it started", function()
    local broken = folder .. "/broken"
    program.write(broken, ([[
#!/bin/sh
if [ "$1" = run ]; then echo 'no luck today' >&2; exit 1; fi
exec '%s' "$@"
]]):format(process.program))
    assert(process.run({ "chmod", "+x", broken }).ok)
    env.DOCMSG_BIN = broken
    local result = up()
    assert.equal(1, result.code)
    assert.equal("", result.stdout)
    assert.matches("the pipeline did not start; from .*pipeline%.log:\nno luck today\n", result.stderr)
    assert.matches("stop Apache Kafka\n$", result.stderr)
    assert.matches("node 1  127.0.0.1:%d+  stopped\n", up("--status").stdout)
  end)

  it("names what is wrong with its arguments", function()
    for words, reason in pairs {
      ["--wipe"] = "unknown option '--wipe'",
      ["--stop now"] = "unknown option 'now'",
      ["--logs broker"] = "there is no part 'broker'",
    } do
      local result = process.run { "sh", "-c", "tools/up " .. words, env = env }
      assert.equal(2, result.code)
      assert.matches(reason, result.stderr, 1, true)
    end
    env.DOCMSG_BIN = folder .. "/nothing"
    local result = up()
    assert.equal(1, result.code)
    assert.matches("there is no program " .. env.DOCMSG_BIN, result.stderr, 1, true)
  end)
end)
