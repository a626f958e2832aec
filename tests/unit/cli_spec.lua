-- SPDX-License-Identifier: MIT
local program = require "support.program"

local folder

---@param run docmsg.test.Run
local function run(run_)
  run_.cwd = run_.cwd or folder
  return program.run(run_)
end

local function file(name, text)
  program.write(folder .. "/" .. name, text)
end

describe("docmsg-lua", function()
  before_each(function()
    folder = program.folder()
    os.execute("mkdir " .. folder .. "/scripts " .. folder .. "/sub")
    file("ok.lua", "print('here', ...)")
    file("scripts/there.lua", "print('there', ...)")
    file("scripts/ok.lua", "print('wrong')")
  end)
  after_each(function() program.remove(folder) end)

  -- name, what is run, exit status, pattern of standard output, pattern of standard error
  local cases = {
    { "runs a script with its arguments", { "ok.lua", "a", "-e" }, 0, "^here\ta\t%-e\n$", "^$" },
    { "finds a script in scripts/", { "there.lua" }, 0, "^there\n$", "^$" },
    { "finds a script by its word", { "there", "x" }, 0, "^there\tx\n$", "^$" },
    { "prefers the current folder", { "ok" }, 0, "^here\n$", "^$" },
    { "runs code", { "-e", "print(1)" }, 0, "^1\n$", "^$" },
    { "runs code that sticks to its flag", { "-eprint(1)" }, 0, "^1\n$", "^$" },
    { "runs no code at all", { "-e", "" }, 0, "^$", "^$" },
    { "runs code and modules in order", { "-e", "X=1", "-e", "print(X)" }, 0, "^1\n$", "^$" },
    { "requires modules", { "-l", "ok" }, 0, "^here\tok\t./ok.lua\n$", "^$" },
    { "requires modules into globals",
      { "-l", "g=math", "-e", "print(g==math)" }, 0, "true", "^$" },
    { "runs standard input", { stdin = "print(...)" }, 0, "^\n$", "^$" },
    { "runs standard input as -",
      { "-", "a", stdin = "print(arg[0], ...)" }, 0, "^%-\ta\n$", "^$" },
    { "runs empty standard input", {}, 0, "^$", "^$" },
    { "runs nothing after -e", { "-e", "", stdin = "error()" }, 0, "^$", "^$" },
    { "shows its version",
      { "-v" }, 0, "^docmsg%-lua %d+%.%d+%.%d+  Lua 5%.4%.%d+  librdkafka %d", "^$" },
    { "shows its version in full words", { "--version" }, 0, "^docmsg%-lua ", "^$" },
    { "shows its version and goes on", { "-v", "-e", "print('on')" }, 0, "\non\n$", "^$" },
    { "shows its help", { "--help" }, 0, "^Usage\n.*Exit codes", "^$" },
    { "shows its help for -h", { "-h", "ok.lua" }, 0, "^Usage\n", "^$" },
    { "ends the options at --", { "--", "ok.lua" }, 0, "^here\n$", "^$" },
    { "turns warnings on", { "-W", "-e", "warn('careful')" }, 0, "^$", "careful" },
    { "keeps warnings off", { "-e", "warn('careful')" }, 0, "^$", "^$" },
    { "runs LUA_INIT", { "-e", "print(X)", env = { LUA_INIT = "X = 5" } }, 0, "^5\n$", "^$" },
    { "prefers LUA_INIT_5_4",
      { "-e", "print(X)", env = { LUA_INIT = "X=1", LUA_INIT_5_4 = "X=2" } },
      0, "^2\n$", "^$" },
    { "runs a file for LUA_INIT",
      { "-e", "", env = { LUA_INIT = "@ok.lua" } }, 0, "^here\n$", "^$" },
    { "ignores LUA_INIT with -E",
      { "-E", "-e", "print(X)", env = { LUA_INIT = "X = 5" } }, 0, "^nil", "^$" },
    { "ends when LUA_INIT fails",
      { "ok.lua", env = { LUA_INIT = "error 'no'" } }, 1, "^$", "LUA_INIT:1: no" },
    { "heeds LUA_PATH", { "-l", "zz", env = { LUA_PATH = "/x/?.lua" } }, 2, "^$", "/x/zz%.lua" },
    { "ignores LUA_PATH with -E",
      { "-E", "-e", "print(package.path)", env = { LUA_PATH = "/xyz/?.lua" } },
      0, "/usr/", "^$" },
    { "exits as the script says", { "-e", "os.exit(7)" }, 7, "^$", "^$" },
    { "exits with 1 for false", { "-e", "os.exit(false)" }, 1, "^$", "^$" },
    { "exits with 0 for true", { "-e", "os.exit(true)" }, 0, "^$", "^$" },
    { "closes the state at os.exit",
      { "-e", "setmetatable({}, {__gc = function() print 'closed' end}) os.exit(3)" },
      3, "^closed\n$", "^$" },
    { "closes to-be-closed variables at os.exit",
      { "-e", "local x <close> = setmetatable({}, {__close = function() print 'closed' end}) os.exit(3)" },
      3, "^closed\n$", "^$" },
    { "leaves the state open when told to",
      { "-e", "setmetatable({}, {__gc = function() print 'closed' end}) os.exit(3, false)" }, 3, "^$", "^$" },
    { "survives os.exit in a finalizer at exit",
      { "-e", "setmetatable({}, {__gc = function() os.exit(4) end})" }, 4, "^$", "^$" },
    { "survives os.exit in a coroutine",
      { "-e", "coroutine.wrap(function() os.exit(5) end)()" }, 5, "^$", "^$" },
    { "shows an error with its traceback",
      { "-e", "local function f() error 'boom' end f()" }, 1, "^$",
      "^docmsg%-lua: %(command line%):1: boom\nstack traceback:\n.*in local 'f'.*main chunk\n$" },
    { "shows an error object by its text and where it was raised",
      { "-e", "error(setmetatable({}, {__tostring = function() return 'timed out (_TIMED_OUT)' end}))" }, 1, "^$",
      "^docmsg%-lua: timed out %(_TIMED_OUT%)\nstack traceback:\n" },
    { "shows an error table by its fields",
      { "-e", "error { code = 5 }" }, 1, "^$", "{ code = 5 }" },
    { "shows an error without a value",
      { "-e", "error()" }, 1, "^$", "error object is a nil value" },
    { "survives an error object whose text fails",
      { "-e", "error(setmetatable({}, {__tostring = error}))" }, 1, "^$", "error object is a table value" },
    { "survives an error object whose text is no string",
      { "-e", "error(setmetatable({}, {__tostring = function() return {} end}))" }, 1, "^$", "error object is a table" },
    { "survives a stack overflow",
      { "-e", "local function f() return 1 + f() end f()" }, 1, "^$", "stack overflow" },
    { "survives a lack of memory",
      { "-e", "local s = ('x'):rep(2^62)" }, 1, "^$", "docmsg%-lua: " },
    { "refuses a syntax error",
      { "-e", "x =" }, 2, "^$", "^docmsg%-lua: %(command line%):1: .*near <eof>\n$" },
    { "refuses a script that is nowhere",
      { "nowhere.lua" }, 2, "^$", "cannot find the script 'nowhere%.lua' here, in scripts/" },
    { "refuses a path that is nowhere", { "./nowhere.lua" }, 2, "^$", "nowhere%.lua" },
    { "refuses a folder", { "sub" }, 2, "^$", "'sub' is a folder, not a script" },
    { "refuses an empty name", { "" }, 2, "^$", "docmsg%-lua: " },
    { "refuses a module that is nowhere",
      { "-l", "no.where" }, 2, "^$", "module 'no.where' not found" },
    { "refuses an unknown option, with the nearest",
      { "--embeded" }, 2, "^$", "did you mean %-%-embedded%?" },
    { "refuses an option without its argument", { "-e" }, 2, "^$", "%-e needs a value" },
    { "refuses an unknown property, with the nearest, before anything runs",
      { "-X", "liner.ms=5", "-e", "print(1)" }, 2, "^$", "liner%.ms.*linger%.ms" },
    { "refuses a malformed property",
      { "-X", "linger.ms=10abc", "-e", "print(1)" }, 2, "^$", "linger%.ms" },
    { "refuses a property without a value",
      { "-X", "linger.ms", "-e", "print(1)" }, 2, "^$", "key=value" },
    { "refuses malformed servers",
      { "--bootstrap-servers", "a:b", "-e", "print(1)" }, 2, "^$", "host:port expected" },
    { "refuses an env file that is nowhere",
      { "--env-file", "no.env", "-e", "print(1)" }, 2, "^$", "no%.env: No such file" },
    { "runs with no HOME and no TERM",
      { "ok.lua", env = { HOME = false, TERM = false } }, 0, "here", "^$" },
    { "runs in an empty environment", { "ok.lua", shell = "env -i @ ok.lua" }, 0, "here", "^$" },
    { "fails when its output is lost",
      { shell = "@ -e 'print(1)' >/dev/full" }, 1, "^$", "standard output: " },
    { "fails when its output is closed",
      { shell = "@ -e 'print(1)' >&-" }, 1, "^$", "standard output: " },
    { "runs with closed output when it writes none",
      { shell = "@ -e 'x = 1' >&-" }, 0, "^$", "^$" },
    { "is quiet when its reader leaves",
      { shell = "@ -e 'while true do print(1) end' | head -n 1" }, 0, "^1\n$", "^$" },
    { "ends when its reader leaves, whatever pcall does",
      { shell = "@ -e 'while true do pcall(print, 1) end' | head -n 1; exit ${PIPESTATUS[0]}" }, 141, "^1\n$", "^$" },
    { "never lets a socket take the number of a closed stream",
      { shell = "@ -e 'io.open(\"new\", \"w\") print(1)' >&-; cat new" }, 0, "^$", "standard output" },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local result = run(case[2])
      assert.message(result.err).equal(case[3], result.status)
      assert.message(result.out).truthy(result.out:find(case[4]))
      assert.message(result.err).truthy(result.err:find(case[5]))
    end)
  end

  it("gives the script lua's table arg", function()
    file("arg.lua", "for i = -9, 9 do if arg[i] then print(i, arg[i]) end end")
    local result = run { "-e", "", "arg", "x", "y" }
    assert.equal("-3\t" .. program.path .. "\n-2\t-e\n-1\t\n0\targ.lua\n1\tx\n2\ty\n", result.out)
  end)

  it("gives code lua's table arg", function()
    assert.equal(program.path .. "\t-e\n", run { "-e", "io.write(arg[0], '\\t', arg[1], '\\n')" }.out)
  end)

  it("finds modules beside the script first", function()
    file("sub/main.lua", "print(require 'helper')")
    file("sub/helper.lua", "return 'beside'")
    file("helper.lua", "return 'current folder'")
    assert.equal("beside", run({ "sub/main.lua" }).out:match("^%w+"))
    assert.equal("beside", run({ folder .. "/sub/main.lua", cwd = "/" }).out:match("^%w+"))
  end)

  local texts = {
    ["a shebang line"] = "#!/usr/bin/env docmsg-lua\nprint 'ran'",
    ["a byte order mark"] = "\u{FEFF}print 'ran'",
    ["a byte order mark and a shebang line"] = "\u{FEFF}#!x\nprint 'ran'",
    ["carriage returns"] = "print 'ran'\r\n\r\n",
    ["no newline at its end"] = "print 'ran'",
    ["a NUL in a string"] = "local s = 'a\0b' assert(#s == 3) print 'ran'",
  }
  for name, text in pairs(texts) do
    it("runs a script with " .. name, function()
      file("a b.lua", text)
      local result = run { "a b.lua" }
      assert.equal("", result.err)
      assert.equal("ran\n", result.out)
    end)
  end

  it("refuses a NUL outside of a string", function()
    file("nul.lua", "print\0 'ran'")
    assert.equal(2, run({ "nul.lua" }).status)
  end)

  it("runs what a process substitution holds", function()
    assert.equal("ran\n", run({ shell = "@ <(echo 'print [[ran]]')" }).out)
  end)

  it("refuses a script it may not read", function()
    file("secret.lua", "print 'ran'")
    os.execute(("chmod 755 %s && chmod 000 %s/secret.lua"):format(folder, folder))
    -- root reads everything, unless it gives that up
    local obedient = program.capture("id -u") == "0\n"
      and "setpriv --bounding-set=-dac_override,-dac_read_search " or ""
    local result = run { shell = ("%s%s secret.lua"):format(obedient, program.path) }
    assert.message(result.err).equal(2, result.status)
    assert.truthy(result.err:find("secret.lua: Permission denied", 1, true))
  end)

  it("sets properties and servers for every client of the script", function()
    local result = run { "-X", "linger.ms=7", "--bootstrap-servers", '["a:1","b:2"]', "-e", [[
      local defaults = require "docmsg.kafka".defaults()
      print(defaults.bootstrap_servers, defaults.kafka["linger.ms"])]] }
    assert.equal("a:1,b:2\t7\n", result.out)
  end)

  it("reads .env of the current folder, which the environment overrides", function()
    file(".env", "KAFKA_BOOTSTRAP_SERVERS=file:1\nKAFKA_LINGER_MS=3\nNAME=value")
    local code = [[
      local docmsg = require "docmsg"
      local defaults = docmsg.kafka.defaults()
      print(defaults.bootstrap_servers, defaults.kafka["linger.ms"], docmsg.getenv "NAME")]]
    assert.equal("file:1\t3\tvalue\n", run({ "-e", code }).out)
    local result = run { "-e", code, env = { KAFKA_BOOTSTRAP_SERVERS = "env:1", KAFKA_LINGER_MS = "4" } }
    assert.equal("env:1\t4\tvalue\n", result.out)
  end)

  it("exits with 2 for a malformed .env once it matters, by file and line, without the value", function()
    file(".env", "A=1\nhunter2")
    assert.equal(0, run({ "-e", "" }).status)
    local result = run { "-e", "require 'docmsg.kafka'" }
    assert.equal(2, result.status)
    assert.equal("docmsg-lua: .env:2: NAME=value expected\n", result.err)
  end)

  it("warns of a misspelt variable once, when docmsg.kafka is first used", function()
    local result = run { "-e", "require 'docmsg.kafka' require 'docmsg.kafka'", env = { KAFKA_LINGERMS = "5" } }
    assert.equal(0, result.status)
    assert.equal(1, select(2, result.err:gsub("did you mean KAFKA_LINGER_MS", "")))
    assert.equal("", run({ "-e", "", env = { KAFKA_LINGERMS = "5" } }).err)
  end)

  it("has pcall, xpcall and coroutines as lua has them", function()
    local script = program.read(assert(package.searchpath("support.protected_calls", package.path)))
    file("p.lua", script)
    local ours = run { "p.lua" }
    local theirs = run { shell = "lua5.4 p.lua" }
    assert.equal("", ours.err)
    assert.equal(theirs.out, ours.out)
  end)
end)
