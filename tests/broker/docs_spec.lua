-- SPDX-License-Identifier: MIT
-- The blocks of every page run as they stand, on a real broker that nobody used before.
local document = require "support.document"
local own_broker = require "support.own_broker"
local own_workflow = require "support.own_workflow"
local script = require "support.script"

-- Its lines are one story.
local GATEWAY <const> = script.root .. "docs/gateway.md"

describe("the pages", function()
  it("have Lua blocks that run", function()
    local own <close> = own_broker.start()
    local servers = own.cluster.bootstrap_servers
    -- As a reader would have done before.
    assert.equal(0, script.run({ "setup.lua" }, { servers = servers }).code)
    local count = 0
    for _, page in ipairs(document.pages()) do
      local result = document.run_lua(page, servers)
      if result then
        count = count + 1
        assert.is_true(result.ok, page .. ": " .. result.stderr)
        assert.not_matches("was not closed", result.stderr, 1, true)
      end
    end
    assert.is_true(count >= 3)
  end)

  it("have shell lines that run", function()
    local own <close> = own_broker.start()
    local count = 0
    for _, page in ipairs(document.pages()) do
      local runs = page == GATEWAY and {} or document.run_shell(page, own.cluster.bootstrap_servers)
      for _, run in ipairs(runs) do
        count = count + 1
        assert.is_true(run.result.ok, ("%s: %s: %s%s"):format(page, run.line, run.result.stdout,
          run.result.stderr))
        if run.line:find("^docmsg%-lua consumer%.lua") then
          assert.matches("📄 Document filename: README.md\n", run.result.stdout, 1, true)
        end
      end
    end
    assert.is_true(count >= 7)
  end)

  it("have a guide that leads from a clone to a document in the pipeline", function()
    local own <close> = own_workflow.new()
    local lines = {}
    for _, block in ipairs(document.blocks(GATEWAY, "sh")) do lines[#lines + 1] = block.text end
    local result = own:bash(table.concat(lines))
    assert.is_true(result.ok, result.stdout .. result.stderr)
    assert.matches('"status":%s*"uploaded"', result.stdout)
    assert.matches('"filename":%s*"README.md".*"filename":%s*"README.md"', result.stdout)
    assert.matches("gateway  127.0.0.1:%d+  pid %d+, ready\n", result.stdout)
    assert.matches("📄 Document filename: README.md\n", own:log "pipeline", 1, true)
    assert.matches("stop the gateway\n.*stop the pipeline\n.*stop Apache Kafka\n", result.stderr)
  end)
end)
