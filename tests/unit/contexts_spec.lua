-- SPDX-License-Identifier: MIT
local contexts = require "docmsg.contexts"
local process = require "support.process"
local program = require "support.program"

local TEXT <const> = [[return {
  dev = { bootstrap_servers = "127.0.0.1:1", kafka = { ["client.id"] = "me" } },
  prod = { bootstrap_servers = "127.0.0.1:2", protected = true },
  typo = { bootstrap_server = "x" },
}]]

describe("a context", function()
  local folder

  before_each(function()
    folder = program.folder()
    assert(os.execute("mkdir " .. folder .. "/docmsg"))
    program.write(folder .. "/docmsg/contexts.lua", TEXT)
  end)

  after_each(function() program.remove(folder) end)

  local function get(name)
    return contexts.get(name, function(variable) return variable == "XDG_CONFIG_HOME" and folder or nil end)
  end

  local function run(first, second, third)
    return process.run { process.program, first, second, third, env = { XDG_CONFIG_HOME = folder, KAFKA_BOOTSTRAP_SERVERS = "env:1" } }
  end

  it("names servers and properties", function()
    local dev = get "dev"
    assert.same({ "dev", "127.0.0.1:1", "me", false }, { dev.name, dev.bootstrap_servers, dev.kafka["client.id"], dev.protected })
    assert.is_true(get("prod").protected)
  end)

  local wrong = { nowhere = "has no context 'nowhere'", pord = "did you mean 'prod'?", typo = "bootstrap_server" }
  for name, pattern in pairs(wrong) do
    it("is refused when it is wrong: " .. name, function()
      local ok, err = pcall(get, name)
      assert.is_false(ok)
      assert.matches(pattern, tostring(err), 1, true)
    end)
  end

  it("is looked for in the home, when there is one", function()
    local function none() return nil end
    assert.is_nil(contexts.path(none))
    assert.equal("/h/.config/docmsg/contexts.lua", contexts.path(function(name) return name == "HOME" and "/h" or nil end))
  end)

  it("goes before the environment, and flags before it", function()
    local code = 'print(require("docmsg.kafka").defaults().bootstrap_servers)'
    local result = process.run { process.program, "--context", "dev", "-e", code,
      env = { XDG_CONFIG_HOME = folder, KAFKA_BOOTSTRAP_SERVERS = "env:1" } }
    assert.equal("127.0.0.1:1\n", result.stdout)
    result = process.run { process.program, "--context", "dev", "-X", "bootstrap.servers=flag:1", "-e", code,
      env = { XDG_CONFIG_HOME = folder } }
    assert.equal("flag:1\n", result.stdout)
  end)

  local writes = {
    "kafka.producer {}", "kafka.admin({}):delete_topics { 't' }", "kafka.admin({}):create_topics { { name = 't', partitions = 1 } }",
    "kafka.admin({}):alter_group_offsets('g', {})", "kafka.consumer { group = 'g', topics = { 't' } }",
    "kafka.consumer({ group = 'g' }):subscribe { 't' }", "kafka.consumer({ group = 'g' }):commit {}",
    "kafka.consumer({ group = 'g' }):subscribe({ 't' }, { validate_only = true })",
    "kafka.consumer({ group = 'g' }):commit({}, { validate_only = true })",
    "kafka.admin({}):delete_topics({ 't' }, { validate_only = true })",
    "kafka.admin({}):create_topics({ { name = 't', partitions = 1 } }, {}, { validate_only = true })",
    "require('docmsg.runtime').emitter {}", "require('docmsg.runtime').group {}",
    "require('docmsg.runtime').state { module = 'm' }", "require('docmsg').bus { name = 'b' }:publish('t', {})",
    "require('docmsg').bus({ name = 'b' }):subscribe({ 't' }, { group = 'g' }, print):start()",
    "require('docmsg').app({ name = 'a' }):run()",
  }
  for _, code in ipairs(writes) do
    it("that is protected refuses to change things: " .. code, function()
      local words = { process.program, "--context", "prod", "-e", 'kafka = require "docmsg.kafka" ' .. code,
        env = { XDG_CONFIG_HOME = folder } }
      local result = process.run(words)
      assert.equal(4, result.code)
      assert.matches("the context prod is protected: .* is refused; start with %-%-write", result.stderr)
    end)
  end

  it("that is protected lets records be read", function()
    local result = process.run { process.program, "--context", "prod", "-e",
      'local c <close> = require("docmsg.kafka").consumer {} assert(c:assign { { topic = "t", partition = 0 } })',
      env = { XDG_CONFIG_HOME = folder } }
    assert.equal(0, result.code, result.stderr)
  end)

  it("that is protected lets a change be tried, which changes nothing", function()
    local result = process.run { process.program, "--context", "prod", "-e", [[
      local admin <close> = require("docmsg.kafka").admin { on_log = print, on_error = function() end }
      local _, err = admin:create_topics({ { name = "t", partitions = 1 } }, { validate_only = true, timeout = "10ms" })
      print("refused by nobody", err.retriable ~= nil)]], env = { XDG_CONFIG_HOME = folder } }
    assert.equal(0, result.code, result.stderr)
    assert.matches("refused by nobody\ttrue", result.stdout)
  end)

  it("that is protected lets a producer be with --write", function()
    local result = process.run { process.program, "--context", "prod", "--write", "-e",
      'local p <close> = assert(require("docmsg.kafka").producer {})', env = { XDG_CONFIG_HOME = folder } }
    assert.equal(0, result.code, result.stderr)
  end)

  it("excludes other servers", function()
    assert.equal(2, run("--context", "dev", "--embedded").code)
  end)
end)
