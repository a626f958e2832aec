-- SPDX-License-Identifier: MIT
-- The tools, where they end before they do anything.
local process = require "support.process"

local NOBODY <const> = "65534"

---The command as somebody who is not root.
local function as_nobody(...)
  if process.run { "id", "-u" }.stdout ~= "0\n" then return process.run { ... } end
  return process.run { "setpriv", "--reuid", NOBODY, "--clear-groups", ... }
end

describe("a tool that builds", function()
  local folder

  before_each(function()
    folder = process.run { "mktemp", "-d" }.stdout:gsub("\n", "")
    assert(process.run { "sh", "-c", 'cp -R tools "$1" && mkdir "$1/build" && chmod -R a+rX,a-w "$1"', "sh", folder }.ok)
  end)
  after_each(function()
    assert(process.run { "sh", "-c", 'chmod -R u+w "$1" && rm -r "$1"', "sh", folder }.ok)
  end)

  it("says whose the build is when it may not write there", function()
    local result = as_nobody(folder .. "/tools/demo")
    assert.equal(1, result.code)
    assert.matches(("tools/demo: %s/build belongs to "):format(folder), result.stderr, 1, true)
    assert.matches("or in a copy of the project that is your own", result.stderr, 1, true)
  end)
end)
