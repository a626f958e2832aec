-- SPDX-License-Identifier: MIT
local log = require "docmsg.log"

local function written(options, act)
  local lines = {}
  options.write = function(line) lines[#lines + 1] = line end
  options.clock = function() return 0 end
  act(log.new(options))
  return table.concat(lines)
end

describe("a log", function()
  it("writes time, level and message, UTF-8 as it is", function()
    assert.equal("1970-01-01T00:00:00Z INFO 📄 Document filename: ä.txt\n",
      written({}, function(l) l:info("📄 Document filename: %s", "ä.txt") end))
  end)

  it("takes a message without arguments as it is", function()
    assert.equal("1970-01-01T00:00:00Z WARN 100%d\n", written({}, function(l) l:warn("100%d") end))
  end)

  it("escapes control characters, so that data forge no line", function()
    assert.equal("1970-01-01T00:00:00Z ERROR a\\x0Ab\\x1B[31m\n", written({}, function(l) l:error("%s", "a\nb\27[31m") end))
  end)

  it("leaves out what is less severe than its level", function()
    assert.equal("1970-01-01T00:00:00Z ERROR d\n", written({ level = "error" }, function(l)
      l:debug "a"
      l:info "b"
      l:warn "c"
      l:error "d"
    end))
    assert.equal("1970-01-01T00:00:00Z DEBUG a\n", written({ level = "debug" }, function(l) l:debug "a" end))
  end)

  it("says what its lines are about, in front of a text and as fields of JSON", function()
    local function about(l) l:about("orders/3/7\n", { topic = "orders", offset = 7 }):about("x", {}):info("m\n") end
    assert.equal("1970-01-01T00:00:00Z INFO orders/3/7\\x0A: x: m\\x0A\n", written({}, about))
    assert.equal('{"level":"info","message":"m","offset":7,"time":"1970-01-01T00:00:00Z","topic":"orders"}\n',
      written({ format = "json" }, function(l) l:about("p", { topic = "orders", offset = 7 }):info("m") end))
  end)

  it("writes JSON on request, bytes that are no text escaped", function()
    local function line(text) return written({ format = "json" }, function(l) l:warn("%s", text) end) end
    assert.equal([[{"level":"warn","message":"a\nä","time":"1970-01-01T00:00:00Z"}]] .. "\n", line "a\nä")
    assert.equal([[{"level":"warn","message":"a\\xFF","time":"1970-01-01T00:00:00Z"}]] .. "\n", line "a\xFF")
  end)

  it("takes its level and format from the program when it says nothing", function()
    finally(function() log.defaults { level = "info", format = "text" } end)
    log.defaults { level = "debug" }
    assert.equal("1970-01-01T00:00:00Z DEBUG a\n", written({}, function(l) l:debug "a" end))
    log.defaults { format = "json" }
    assert.equal('{"level":"debug","message":"a","time":"1970-01-01T00:00:00Z"}\n',
      written({}, function(l) l:debug "a" end))
  end)

  it("raises for a level that does not exist", function()
    assert.error_matches(function() log.new { level = "loud" } end, "level must be")
    assert.error_matches(function() log.new { format = "xml" } end, "format must be")
  end)
end)
