-- SPDX-License-Identifier: MIT
-- The blocks of every page run as they stand, on a real broker that nobody used before.
local document = require "support.document"
local own_broker = require "support.own_broker"
local script = require "support.script"

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
      for _, run in ipairs(document.run_shell(page, own.cluster.bootstrap_servers)) do
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
end)
