-- SPDX-License-Identifier: MIT
local watch = require "docmsg.watch"

describe("a watch over files", function()
  local files, now, watched
  before_each(function()
    files, now = { a = "1", b = "1" }, 0
    watched = watch.new(function(path) return files[path] end)
    watched:follow { "a", "b" }
  end)

  -- What it says at a time.
  local function at(ms)
    now = ms
    return watched:changed(now)
  end

  it("says nothing while nothing changes", function()
    for ms = 0, 2000, 100 do assert.falsy(at(ms)) end
  end)

  it("tells a change once, when the file is quiet", function()
    assert.falsy(at(0))
    files.b = "2"
    assert.falsy(at(200))
    assert.equal("b", at(400))
    for ms = 600, 2000, 100 do assert.falsy(at(ms)) end
  end)

  it("waits for a file that is still being written", function()
    assert.falsy(at(0))
    for i = 2, 10 do
      files.a = tostring(i)
      assert.falsy(at(i * 200))
    end
    assert.equal("a", at(2200))
  end)

  it("waits for all files", function()
    assert.falsy(at(0))
    files.a = "2"
    assert.falsy(at(200))
    files.b = "2"
    assert.falsy(at(400))
    assert.truthy(at(600))
    assert.falsy(at(800))
  end)

  it("looks no more often than it says", function()
    assert.falsy(at(0))
    files.a = "2"
    assert.falsy(at(watch.INTERVAL_MS - 1))
    assert.falsy(at(watch.INTERVAL_MS))
    assert.falsy(at(2 * watch.INTERVAL_MS - 1))
    assert.equal("a", at(2 * watch.INTERVAL_MS))
  end)

  it("says nothing of a change that was taken back", function()
    assert.falsy(at(0))
    files.a = "2"
    assert.falsy(at(200))
    files.a = "1"
    assert.falsy(at(400))
    assert.falsy(at(600))
  end)

  it("sees a file that goes, comes, and is another one", function()
    assert.falsy(at(0))
    files.a = nil
    assert.falsy(at(200))
    assert.equal("a", at(400))
    files.a = "3"
    assert.falsy(at(600))
    assert.equal("a", at(800))
  end)

  it("follows more files as they are from then on", function()
    assert.falsy(at(0))
    files.c = "1"
    watched:follow { "a", "c" }
    assert.falsy(at(200))
    files.c = "2"
    assert.falsy(at(400))
    assert.equal("c", at(600))
  end)
end)
