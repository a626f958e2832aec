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
    { { "a", "--topics=--skip" }, { FILE = "a", attempts = 30, retry_delay = "2s", topics = "--skip" } },
    { { "a", "--topics", "-10" }, { FILE = "a", attempts = 30, retry_delay = "2s", topics = "-10" } },
    { { "--skip", "a" }, { FILE = "a", attempts = 30, retry_delay = "2s", skip = true } },
    { { "--", "--attempts" }, { FILE = "--attempts", attempts = 30, retry_delay = "2s" } },
    { { "-" }, { FILE = "-", attempts = 30, retry_delay = "2s" } },
    { { "--help" }, { help = true, attempts = 30, retry_delay = "2s" } },
    { { "-h" }, { help = true, attempts = 30, retry_delay = "2s" } },
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
    { { "a", "--bootstrap-servers", "k:9092" },
      "unknown option --bootstrap-servers here: docmsg-lua's own options stand before the name of the script or verb" },
    { { "a", "--bootstrap-servers=k:9092" }, "docmsg-lua's own options stand before" },
    { { "a", "-X", "linger.ms=5" }, "unknown option -X here: docmsg-lua's own options stand before" },
    { { "a", "--attempts" }, "--attempts needs a value (N)" },
    { { "a", "--topics", "--skip" }, "--topics needs a value (NAME)" },
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
  -h, --help            show this text
]], flags.help(SPEC))
  end)

  describe("of a verb", function()
    local VERB <const> = {
      usage = "cat TOPIC… [options]",
      about = "Shows records.",
      { "--format", "FORMAT", short = "-F", kind = "choice", choices = { "table", "json" }, default = "table",
        help = "how" },
      { "--offset", "OFFSET", short = "-o", help = "where to begin" },
      { "-X", "KEY=VALUE", repeated = true, field = "properties", help = "a property" },
      { "--evaluate", "CODE", read = function(text)
        if text:find("return", 1, true) then return { code = text } end
        return nil, "an expression"
      end, help = "code" },
      { "TOPIC", required = true, repeated = true, help = "topics" },
      examples = { { "docmsg-lua cat orders", "all of it" }, { "docmsg-lua cat" } },
    }

    local accepted_lines = {
      { "t", { TOPIC = { "t" } } },
      { "t u -F json v", { TOPIC = { "t", "u", "v" }, format = "json" } },
      { "t -Fjson", { TOPIC = { "t" }, format = "json" } },
      { "t -o -10", { TOPIC = { "t" }, offset = "-10" } },
      { "t -o-F", { TOPIC = { "t" }, offset = "-F" } },
      { "t -o -1h --offset -2", { TOPIC = { "t" }, offset = "-2" } },
      { "-X a=1 t -Xb=2", { TOPIC = { "t" }, properties = { "a=1", "b=2" } } },
      { "t --evaluate return", { TOPIC = { "t" }, evaluate = { code = "return" } } },
      { "-- -F", { TOPIC = { "-F" } } },
    }
    local function words_of(line)
      local words = {}
      for word in line:gmatch("%S+") do words[#words + 1] = word end
      return words
    end
    for _, case in ipairs(accepted_lines) do
      it("reads: " .. case[1], function()
        local expected = { format = "table", properties = {} }
        for key, value in pairs(case[2]) do expected[key] = value end
        assert.same(expected, (assert(flags.parse(VERB, words_of(case[1])))))
      end)
    end

    local refused_lines = {
      { "", "TOPIC is missing: topics" },
      { "t -F xml", '--format takes one of table, json, not "xml"' },
      { "t -o -F", "-o needs a value (OFFSET)" },
      { "t --evaluate 1", '--evaluate takes an expression, not "1"' },
      { "t -q", "unknown option -q" },
      { "t --ofset=1", "unknown option --ofset; did you mean --offset?" },
    }
    for _, case in ipairs(refused_lines) do
      it("refuses: " .. case[1], function()
        local options, reason = flags.parse(VERB, words_of(case[1]))
        assert.is_nil(options)
        assert.equal(case[2], reason)
      end)
    end

    it("adds to what was read before", function()
      local options = assert(flags.parse(VERB, words_of "x y t -X b=2", 3, { properties = { "a=1" } }))
      assert.same({ "t" }, options.TOPIC)
      assert.same({ "a=1", "b=2" }, options.properties)
    end)

    it("stops at the first word when only leading options are wanted", function()
      local spec = { leading = true, { "--skip", help = "" } }
      local options, _, rest = flags.parse(spec, words_of "--skip t --skip")
      assert.same({ skip = true }, options)
      assert.equal(2, rest)
    end)

    it("has examples in its help", function()
      assert.matches("  %-F, %-%-format FORMAT   how %(default table%)\n", flags.help(VERB))
      assert.matches("\nexamples:\n  docmsg%-lua cat orders  # all of it\n  docmsg%-lua cat\n$", flags.help(VERB))
    end)
  end)
end)
