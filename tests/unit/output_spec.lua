-- SPDX-License-Identifier: MIT
local output = require "docmsg.output"

local function captured(options)
  local written, said = {}, {}
  options.write = function(text) written[#written + 1] = text end
  options.complain = function(text) said[#said + 1] = text end
  return output.new(options), function() return table.concat(written), table.concat(said) end
end

local COLUMNS <const> = { { "name", "TOPIC" }, { "count", "RECORDS" }, { "tags", "TAGS" } }
local RECORDS <const> = {
  { name = "ä", count = 5, tags = { "x", "y" } },
  { name = "longer\27[31m", count = 12345, more = true },
}

describe("an output", function()
  local cases = {
    { "table", RECORDS, "TOPIC           RECORDS  TAGS\nä                     5  x,y\nlonger\\x1B[31m    12345\n" },
    { "json", RECORDS, '[{"count":5,"name":"ä","tags":["x","y"]},\n'
      .. '{"count":12345,"more":true,"name":"longer\\u001b[31m"}]\n' },
    { "jsonl", RECORDS, '{"count":5,"name":"ä","tags":["x","y"]}\n'
      .. '{"count":12345,"more":true,"name":"longer\\u001b[31m"}\n' },
    { "table", {}, "TOPIC  RECORDS  TAGS\n" },
    { "json", {}, "[]\n" },
    { "jsonl", {}, "" },
  }
  for _, case in ipairs(cases) do
    it(("writes %d records as %s"):format(#case[2], case[1]), function()
      local out, text = captured { format = case[1] }
      out:rows(COLUMNS, case[2])
      assert.equal(case[3], (text()))
    end)
  end

  it("keeps what is said about the data apart from them", function()
    local out, text = captured {}
    out:line("%d topics", 3)
    out:note("100%")
    assert.equal(4, out:fail(4, "no"))
    local written, said = text()
    assert.equal("3 topics\n", written)
    assert.equal("100%\ndocmsg-lua: no\n", said)
  end)

  it("is coloured when it was asked to be", function()
    assert.equal("\27[31mx\27[0m", (captured { colour = true }):paint("red", "x"))
    assert.equal("x", (captured {}):paint("red", "x"))
  end)

  local colours = {
    { {}, true, false }, { { TERM = "xterm" }, true, true }, { { TERM = "xterm" }, false, false },
    { { TERM = "dumb" }, true, false }, { { TERM = "xterm", NO_COLOR = "1" }, true, false },
    { { TERM = "xterm", NO_COLOR = "" }, true, true }, { { CLICOLOR_FORCE = "1" }, false, true },
    { { CLICOLOR_FORCE = "0" }, false, false }, { { CLICOLOR_FORCE = "1", NO_COLOR = "1" }, true, false },
    { { CLICOLOR_FORCE = "1", TERM = "dumb" }, true, true },
  }
  for i, case in ipairs(colours) do
    it("knows when colours are wanted: " .. i, function()
      assert.equal(case[3], output.is_colourful(function(name) return case[1][name] end, case[2]))
    end)
  end

  it("asks only who can answer", function()
    local out, text = captured {}
    assert.is_true(out:confirm("Delete it?", true))
    assert.is_false(out:confirm "Delete it?")
    assert.matches("Delete it? Say so with --yes\n", select(2, text()), 1, true)
    for answer, meant in pairs { y = true, Yes = true, n = false, [""] = false, yo = false } do
      assert.equal(meant, (captured { read = function() return answer end }):confirm "?")
    end
    assert.is_false((captured { read = function() end }):confirm "?")
  end)
end)
