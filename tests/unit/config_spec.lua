-- SPDX-License-Identifier: MIT
local config = require "docmsg.config"
local kafka = require "docmsg.kafka"

local NOT_FOUND <const> = 2

---@param given { flags?: table, env?: table, files?: table<string, string> }
local function input(given)
  local files = given.files or {}
  local flags = given.flags or {}
  flags.properties = flags.properties or {}
  return {
    flags = flags,
    environment = given.env or {},
    read_file = function(path)
      if files[path] then return files[path] end
      return nil, path .. ": No such file or directory", NOT_FOUND
    end,
    properties = kafka.properties(),
    nearest = kafka.nearest,
    check = given.check or function(_, value)
      if value:find("^bad") then return "refused" end
    end,
  }
end

local function resolve(given)
  return assert(config.resolve(input(given)))
end

local function refuse(given)
  local settings, reason = config.resolve(input(given))
  assert.is_nil(settings)
  return reason
end

describe("bootstrap servers", function()
  local ranks = {
    { "are localhost:9092 when nobody says otherwise", {}, "localhost:9092" },
    { "come from .env", { files = { [".env"] = "KAFKA_BOOTSTRAP_SERVERS=file:1" } }, "file:1" },
    { "come from the environment before .env",
      { env = { KAFKA_BOOTSTRAP_SERVERS = "env:1" },
        files = { [".env"] = "KAFKA_BOOTSTRAP_SERVERS=file:1" } }, "env:1" },
    { "come from -X before the environment",
      { flags = { properties = { "bootstrap.servers=x:1" } },
        env = { KAFKA_BOOTSTRAP_SERVERS = "env:1" } }, "x:1" },
    { "come from the flag before all else",
      { flags = { bootstrap_servers = "flag:1", properties = { "bootstrap.servers=x:1" } },
        env = { KAFKA_BOOTSTRAP_SERVERS = "env:1" } }, "flag:1" },
    { "are embedded with --embedded",
      { flags = { embedded = true }, env = { KAFKA_BOOTSTRAP_SERVERS = "env:1" } }, "embedded" },
    { "are embedded by the word", { env = { KAFKA_BOOTSTRAP_SERVERS = "embedded" } }, "embedded" },
    { "are not set by an empty variable",
      { env = { KAFKA_BOOTSTRAP_SERVERS = "" },
        files = { [".env"] = "KAFKA_BOOTSTRAP_SERVERS=file:1" } }, "file:1" },
  }
  for _, case in ipairs(ranks) do
    it(case[1], function()
      assert.equal(case[3], resolve(case[2]).bootstrap_servers)
    end)
  end

  local forms = {
    ["a"] = "a", ["a:9092"] = "a:9092", ["a:1,b:2"] = "a:1,b:2", [" a:1 , b:2 "] = "a:1,b:2",
    ['["a:1"]'] = "a:1", ['[ "a:1" , "b:2" ]'] = "a:1,b:2",
    ["[::1]:9092"] = "[::1]:9092", ["[::1]:9092,b"] = "[::1]:9092,b",
    ["SSL://a:9093"] = "SSL://a:9093",
  }
  for text, servers in pairs(forms) do
    it("may be written " .. text, function()
      assert.equal(servers, config.parse_servers(text))
    end)
  end

  for _, text in ipairs { "", ",", "a,,b", "a:0", "a:99999", "a:b", "a b", "a:1:2", '["a"', "[]",
                          '["a" "b"]', '["a",]', "[1]", ":9092", "a:", "a\nb:1" } do
    it(("may not be written %q"):format(text), function()
      local servers, reason = config.parse_servers(text)
      assert.is_nil(servers)
      assert.is_string(reason)
    end)
  end

  it("that are malformed are refused with their origin", function()
    assert.equal("KAFKA_BOOTSTRAP_SERVERS: 'a:x' is no server: host:port expected",
      refuse { env = { KAFKA_BOOTSTRAP_SERVERS = "a:x" } })
    assert.truthy(refuse { files = { [".env"] = "KAFKA_BOOTSTRAP_SERVERS=a:x" } }:find("^%.env: "))
    assert.truthy(refuse { flags = { bootstrap_servers = "a:x" } }:find("^%-%-bootstrap%-servers: "))
  end)
end)

describe("properties", function()
  it("come from -X, the environment and .env, in this order", function()
    local settings = resolve {
      flags = { properties = { "linger.ms=1" } },
      env = { KAFKA_LINGER_MS = "2", KAFKA_BATCH_SIZE = "20" },
      files = { [".env"] = "KAFKA_LINGER_MS=3\nKAFKA_BATCH_SIZE=30\nKAFKA_ACKS=all" },
    }
    assert.same({ ["linger.ms"] = "1", ["batch.size"] = "20", acks = "all" }, settings.properties)
  end)

  it("replace each other under either name", function()
    local function properties(given) return resolve(given).properties end
    local linger, buffering = "KAFKA_LINGER_MS", "KAFKA_QUEUE_BUFFERING_MAX_MS"
    local by_linger, by_buffering = { ["linger.ms"] = "1" }, { ["queue.buffering.max.ms"] = "1" }
    assert.same(by_linger, properties { flags = { properties = { "linger.ms=1" } }, env = { [buffering] = "2" } })
    assert.same(by_buffering, properties { flags = { properties = { "queue.buffering.max.ms=1" } },
      files = { [".env"] = linger .. "=2" } })
    assert.same(by_linger, properties { env = { [linger] = "1" }, files = { [".env"] = buffering .. "=2" } })
    assert.same(by_buffering, properties { env = { [buffering] = "1" }, files = { [".env"] = linger .. "=2" } })
    assert.same(by_buffering, properties { flags = { properties = { "linger.ms=2", "queue.buffering.max.ms=1" } } })
  end)

  it("keep everything behind the first =", function()
    local settings = resolve { flags = { properties = { "sasl.password=a=b c" } } }
    assert.equal("a=b c", settings.properties["sasl.password"])
  end)

  it("are refused with their origin", function()
    assert.equal("-X: refused", refuse { flags = { properties = { "linger.ms=bad" } } })
    assert.equal("KAFKA_LINGER_MS: refused", refuse { env = { KAFKA_LINGER_MS = "bad" } })
    assert.equal(".env: KAFKA_LINGER_MS: refused", refuse { files = { [".env"] = "KAFKA_LINGER_MS=bad" } })
    assert.truthy(refuse { flags = { properties = { "linger.ms" } } }:find("key=value", 1, true))
  end)

  it("are checked by docmsg.kafka, secrets unseen", function()
    local function check(name, value)
      local ok, reason = pcall(kafka.defaults, { kafka = { [name] = value } })
      return not ok and reason or nil
    end
    finally(function() kafka.defaults { kafka = {} } end)
    assert.truthy(refuse { flags = { properties = { "liner.ms=5" } }, check = check }
      :find("linger.ms", 1, true))
    assert.truthy(refuse { env = { KAFKA_LINGER_MS = "10abc" }, check = check }:find("KAFKA_LINGER_MS"))
  end)

  it("that are Kafka's own variables are left alone without a word", function()
    local settings = resolve { env = {
      KAFKA_HOME = "/opt", KAFKA_OPTS = "-Dx", KAFKA_PORT = "tcp://10.0.0.1:9092", KAFKA_DEBUG = "bad",
      KAFKA_REPLICATION_FACTOR = "3", KAFKA_HEAP_OPTS = "-Xmx1g", KAFKA_BROKER_ID = "1",
      KAFKA_PORT_9092_TCP_ADDR = "10.0.0.1", KAFKA_SERVICE_HOST = "10.0.0.1",
      KAFKA_LOG4J_OPTS = "x", KAFKA_JMX_PORT = "1", KAFKA_NODE_ID = "1", KAFKA_LOG_DIRS = "/d",
    } }
    assert.same({}, settings.properties)
    assert.same({}, settings.warnings)
  end)

  it("that are nearly right are one warning each, with the right name and no value", function()
    local settings = resolve { env = { KAFKA_LINGERMS = "5", KAFKA_SASL_PASWORD = "hunter2" } }
    assert.equal(2, #settings.warnings)
    assert.truthy(settings.warnings[1]:find("KAFKA_LINGER_MS?", 1, true))
    assert.truthy(settings.warnings[2]:find("KAFKA_SASL_PASSWORD?", 1, true))
    assert.is_nil(settings.warnings[2]:find("hunter2", 1, true))
  end)
end)

describe("an env file", function()
  it("has names, quotes, escapes, comments and exports", function()
    assert.same({
      PLAIN = "a b", EMPTY = "", QUOTED = "a # b", SINGLE = [[a\n"b"]], ESCAPED = 'a\n"b"\\$c',
      HASH = "a#b", EXPORTED = "1", SPACED = "x", BEHIND = "v", NONE = "",
    }, config.parse_env("\u{FEFF}" .. [[
# a comment
PLAIN=a b
EMPTY=

QUOTED="a # b"
SINGLE='a\n"b"'
ESCAPED="a\n\"b\"\\\$c"
HASH=a#b
export EXPORTED=1
  SPACED = x   ]] .. "\r\n" .. [[
BEHIND="v"   # a comment
NONE= # a comment]], ".env"))
  end)

  local malformed = {
    ["A B=1"] = "f:1: NAME=value expected",
    ["\n\nword"] = "f:3: NAME=value expected",
    ["=secret"] = "f:1: NAME=value expected",
    ["1A=secret"] = "f:1: NAME=value expected",
    ['A="secret'] = 'f:1: A: the closing " is missing',
    ["A='secret"] = "f:1: A: the closing ' is missing",
    ['A="secret\\"'] = 'f:1: A: the closing " is missing',
    ['A="secret" more'] = "f:1: A: only a comment may follow the closing quote",
  }
  for text, message in pairs(malformed) do
    it(("with %q is refused by file and line, its value unseen"):format(text), function()
      local values, reason = config.parse_env(text, "f")
      assert.is_nil(values)
      assert.equal(message, reason)
    end)
  end

  it("that is named must exist", function()
    assert.equal("cannot read prod.env: No such file or directory",
      refuse { flags = { env_file = "prod.env" }, files = { [".env"] = "" } })
  end)

  it("that is named takes the place of .env", function()
    local settings = resolve { flags = { env_file = "prod.env" },
      files = { [".env"] = "A=1\nB=1", ["prod.env"] = "A=2" } }
    assert.equal("2", settings.environment.A)
    assert.is_nil(settings.environment.B)
  end)
end)
