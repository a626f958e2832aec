-- SPDX-License-Identifier: MIT
-- Which specs support/run.lua runs: those its options choose.
local program = require "support.program"

local RUNNER <const> = arg[0]

local SPECS <const> = [[
describe("a broker", function()
  it("answers", function() error "no answer" end)
  it("ends #quick", function() end)
end)
describe("a #slow client", function()
  it("answers", function() end)
end)
]]

describe("of the specs in a file", function()
  local folder

  before_each(function()
    folder = program.folder()
    program.write(folder .. "/sample_spec.lua", SPECS)
  end)
  after_each(function() program.remove(folder) end)

  local function run(options)
    local words = { RUNNER, table.unpack(options) }
    words[#words + 1] = folder .. "/sample_spec.lua"
    words.cwd = "."
    return program.run(words)
  end

  -- What a run tells of each spec, without how long it took.
  local function verdicts(result)
    local lines = {}
    for title, verdict in result.out:gmatch "\n  ([^\n]-) %.%.%. (%a+)" do
      lines[#lines + 1] = title .. ": " .. verdict
    end
    return lines
  end

  local ANSWERS <const>, ENDS <const> = "a broker answers: FAILED", "a broker ends #quick: ok"
  local CLIENT <const> = "a #slow client answers: ok"
  local cases = {
    { {}, { ANSWERS, ENDS, CLIENT } },
    { { "--filter", "answers$" }, { ANSWERS, CLIENT } },
    { { "--filter=^a broker" }, { ANSWERS, ENDS } },
    { { "--filter", "client", "--filter", "ends" }, { ENDS, CLIENT } },
    { { "--filter-out", "answers" }, { ENDS } },
    { { "--filter", "broker", "--filter-out", "ends" }, { ANSWERS } },
    { { "--tags", "slow" }, { CLIENT } },
    { { "--exclude-tags", "quick" }, { ANSWERS, CLIENT } },
    { { "--no-keep-going" }, { ANSWERS } },
  }
  for _, case in ipairs(cases) do
    local options = table.concat(case[1], " ")
    it(("%s runs what it says"):format(options == "" and "no option" or options), function()
      assert.same(case[2], verdicts(run(case[1])))
    end)
  end

  it("none runs when none is chosen, which is a failure", function()
    local result = run { "--filter", "nothing" }
    assert.matches("no spec was found", result.out)
    assert.equal(1, result.status)
  end)
end)
