-- SPDX-License-Identifier: MIT
local program = require "support.program"
local runtime = require "docmsg.runtime"
local sandboxed = require "support.sandboxed"

local APP <const> = [[
local docmsg = require "docmsg"
local app = docmsg.app { name = "n" }
app:consumer("g"):on("t", function() end)
%s
return app
]]

describe("a worker's state", function()
  local folder
  before_each(function() folder = program.folder() end)
  after_each(function() program.remove(folder) end)

  -- The state of a worker that loads this script.
  local function boot(script, files)
    program.write(folder .. "/app.lua", script)
    for name, text in pairs(files or {}) do program.write(folder .. "/" .. name, text) end
    local path = package.path
    package.path = folder .. "/?.lua;" .. path
    local state, reason = runtime.state {
      module = "docmsg.worker", memory = 16 << 20,
      settings = { script = folder .. "/app.lua", group = "g", log = { level = "error", format = "text" } },
    }
    package.path = path
    return state, reason
  end

  local function refused(pattern, ...)
    local state, reason = boot(...)
    if state then state:close() end
    assert.is_nil(state, "it was loaded")
    assert.matches(pattern, reason)
  end

  it("loads the script, which may set globals and require modules beside it", function()
    local state <close> = assert(boot(APP:format("shared = require('beside').value"),
      { ["beside.lua"] = "return { value = 1 }" }))
    assert.is_not_nil(state)
  end)

  it("reads the application's topic file, which may not run for ever there either", function()
    local app = APP:gsub('name = "n"', 'name = "n", topics = "topics.lua"')
    local state <close> = assert(boot(app:format "", { ["topics.lua"] = "return { t = { partitions = 1 } }" }))
    assert.is_not_nil(state)
    refused("topics%.lua:1: stopped after 10000000 instructions", app:format "",
      { ["topics.lua"] = "while true do end" })
  end)

  local bad = {
    { "a script with a syntax error", "return return", "app%.lua:1: " },
    { "a script that raises", APP:format "error('not today')", "app%.lua:4: not today" },
    { "a script that raises nil", APP:format "error()", "nil" },
    { "a script that is no application", "return 1", "an application expected" },
    { "a script without the group", "return require('docmsg').app { name = 'n' }", 'declares no group "g"' },
    { "a script that ends the process", APP:format "os.exit(0)", "app%.lua:4: os%.exit: a handler cannot" },
    { "a script that allocates without end", APP:format "local t = {} while true do t[#t + 1] = {} end",
      "not enough memory" },
    { "a script that yields", APP:format "coroutine.yield()", "outside a coroutine" },
  }
  for _, case in ipairs(bad) do
    it("refuses " .. case[1], function() refused(case[3], case[2]) end)
  end

  it("refuses a module that is no text", function()
    refused("error loading module 'binary' from file .*attempt to load a binary chunk",
      APP:format "require 'binary'", { ["binary.lua"] = string.dump(function() end) })
  end)
end)

describe("code in a worker", function()
  local raised = {
    { "sets no global", "x = 1", "handler:1: global 'x' cannot be set: .*use a local" },
    { "changes no global", "known = 2", "global 'known' cannot be set" },
    { "takes no global away", "print = nil", "global 'print' cannot be set" },
    { "does not end the process", "os.exit()", "os%.exit: a handler cannot end the process" },
    { "sets no hook", "debug.sethook()", "debug%.sethook: the hook of a worker belongs to its handlers' limits" },
    { "loads no file without a name", "loadfile()", "loadfile: a worker does not read standard input" },
    { "does no file without a name", "dofile()", "dofile: a worker does not read standard input" },
    { "does no binary file", [[
        local name = os.tmpname()
        local file <close> = assert(io.open(name, "wb"))
        file:write(string.dump(function() end))
        file:close()
        local ok, reason = pcall(dofile, name)
        os.remove(name)
        error(reason, 0)]], "attempt to load a binary chunk" },
  }
  for _, case in ipairs(raised) do
    it(case[1], function()
      local ok, text = sandboxed.run(case[2])
      assert.is_false(ok, text)
      assert.matches(case[3], text)
    end)
  end

  local returned = {
    { "reads globals", "return type(print) .. known .. tostring(unknown)", "function1nil" },
    { "sees the globals with pairs", "for name in pairs(_G) do if name == 'known' then return name end end",
      "known" },
    { "loads text", "return load('return 1 + ...', '=c')(2)", "3" },
    { "loads text into an environment", "return load('return x', '=c', 't', { x = 5 })()", "5" },
    { "loads text without any globals", "return select(2, pcall(load('return x.y', '=c', 'bt', nil)))",
      "c:1: attempt to index a nil value (upvalue '_ENV')" },
    { "loads no binary chunk", "return select(2, load(string.dump(function() end)))",
      "attempt to load a binary chunk (mode is 't')" },
    { "loads no binary chunk if asked for it", "return select(2, load(string.dump(function() end), 'c', 'b'))",
      "load: a worker loads no binary chunks" },
    { "finds nothing on standard input", "return tostring(io.read('n')) .. io.stdin:read('a') .. io.read('a')",
      "nil" },
    { "has coroutines", "return coroutine.wrap(function(a) return 1 + coroutine.yield(a) end)(41)", "41" },
  }
  for _, case in ipairs(returned) do
    it(case[1], function()
      local ok, text = sandboxed.run(case[2])
      assert.is_true(ok, text)
      assert.equal(case[3], text)
    end)
  end
end)
