-- SPDX-License-Identifier: MIT
local history = require "docmsg.history"
local program = require "support.program"

describe("the history", function()
  for _, entry in ipairs { "a", "a\nb", "a\\nb\\", "\\\n\\", "é\r\n" } do
    it(("keeps %q on one line"):format(entry), function()
      local line = history.encode(entry)
      assert.equal(1, select(2, line:gsub("\n", "")))
      assert.equal(entry, history.decode(line:sub(1, -2)))
    end)
  end

  it("leaves out blank lines and lines that begin with a space", function()
    assert.is_true(history.keeps "x = 1")
    assert.is_false(history.keeps " secret = 1")
    assert.is_false(history.keeps "")
  end)

  local places = {
    { { DOCMSG_HISTORY = "/h", XDG_STATE_HOME = "/x", HOME = "/home" }, "/h" },
    { { DOCMSG_HISTORY = "", HOME = "/home" }, nil },
    { { XDG_STATE_HOME = "/x", HOME = "/home" }, "/x/docmsg/history" },
    { { XDG_STATE_HOME = "", HOME = "/home" }, "/home/.local/state/docmsg/history" },
    { { HOME = "" }, nil },
    { {}, nil },
  }
  for _, case in ipairs(places) do
    it("is kept at " .. tostring(case[2]), function()
      assert.equal(case[2], history.path(function(name) return case[1][name] end))
    end)
  end

  it("reads the newest part of a large file, from a whole entry on", function()
    local folder = program.folder()
    finally(function() program.remove(folder) end)
    program.write(folder .. "/h", ("x"):rep(300 * 1024) .. "\none\ntwo\\nlines\nunfinished")
    assert.same({ "one", "two\nlines" }, history.load(folder .. "/h"))
    assert.same({}, history.load(folder .. "/none"))
    local entries, reason = history.load(folder)
    assert.is_nil(entries)
    assert.truthy(reason:find(folder, 1, true))
  end)
end)
