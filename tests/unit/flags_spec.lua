-- SPDX-License-Identifier: MIT
local flags = require "docmsg.flags"

local SPEC <const> = {
  usage = "docmsg-lua x.lua FILE [options]",
  about = "Does something.",
  { "FILE", required = true, help = "what to read" },
  { "--attempts", "N", kind = "integer", min = 1, default = 30, help = "how often" },
  { "--retry-delay", "DUR", kind = "duration", default = "2s", help = "how long" },
  { "--topics", "NAME", help = "which" },
  { "--skip", help = "skip it" },
}

describe("flags", function()
  local accepted = {
    { { "a" }, { FILE = "a", attempts = 30, retry_delay = "2s" } },
    { { "--attempts", "2", "a" }, { FILE = "a", attempts = 2, retry_delay = "2s" } },
    { { "a", "--attempts=2" }, { FILE = "a", attempts = 2, retry_delay = "2s" } },
    { { "a", "--retry-delay", "100ms" }, { FILE = "a", attempts = 30, retry_delay = "100ms" } },
    { { "a", "--topics=" }, { FILE = "a", attempts = 30, retry_delay = "2s", topics = "" } },
    { { "a", "--topics", "--skip" }, { FILE = "a", attempts = 30, retry_delay = "2s", topics = "--skip" } },
    { { "--skip", "a" }, { FILE = "a", attempts = 30, retry_delay = "2s", skip = true } },
    { { "--", "--attempts" }, { FILE = "--attempts", attempts = 30, retry_delay = "2s" } },
    { { "-" }, { FILE = "-", attempts = 30, retry_delay = "2s" } },
    { { "--help" }, { help = true, attempts = 30, retry_delay = "2s" } },
  }
  for _, case in ipairs(accepted) do
    it("reads: " .. table.concat(case[1], " "), function()
      assert.same(case[2], assert(flags.parse(SPEC, case[1])))
    end)
  end

  local refused = {
    { {}, "FILE is missing: what to read" },
    { { "a", "b" }, 'unexpected argument "b"' },
    { { "a", "--attemps", "2" }, "unknown option --attemps; did you mean --attempts?" },
    { { "a", "--zzzzzz" }, "unknown option --zzzzzz" },
    { { "a", "-x" }, "unknown option -x" },
    { { "a", "--attempts" }, "--attempts needs a value (N)" },
    { { "a", "--attempts", "0" }, '--attempts takes a whole number from 1 on, not "0"' },
    { { "a", "--attempts", "10abc" }, 'not "10abc"' },
    { { "a", "--attempts", "0x10" }, 'not "0x10"' },
    { { "a", "--attempts", "-1" }, 'not "-1"' },
    { { "a", "--attempts", "99999999999999999999" }, 'not "99999999999999999999"' },
    { { "a", "--retry-delay", "2" }, '--retry-delay takes a duration such as "500ms", "2s" or "5m", not "2"' },
    { { "a", "--retry-delay", "" }, 'not ""' },
    { { "a", "--skip=1" }, "--skip takes no value" },
  }
  for _, case in ipairs(refused) do
    it("refuses: " .. table.concat(case[1], " "), function()
      local options, reason = flags.parse(SPEC, case[1])
      assert.is_nil(options)
      assert.truthy(reason:find(case[2], 1, true), reason)
    end)
  end

  it("writes the help from the same table", function()
    assert.equal([[
usage: docmsg-lua x.lua FILE [options]

Does something.

  FILE                  what to read
  --attempts N          how often (default 30)
  --retry-delay DUR     how long (default 2s)
  --topics NAME         which
  --skip                skip it
  --help                show this text
]], flags.help(SPEC))
  end)
end)
