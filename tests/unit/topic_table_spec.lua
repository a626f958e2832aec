-- SPDX-License-Identifier: MIT
local topics = require "docmsg.topics"

local function parse(text, environment)
  return topics.parse(text, "t.lua", function(name) return environment and environment[name] end)
end

local function config_of(values, environment)
  local declared = assert(parse("return { t = { partitions = 1, key = 'k', config = {" .. values .. "} } }", environment))
  return declared.topics[1].config, declared.topics[1], declared
end

describe("the values of a topic table", function()
  local cases = {
    { '["retention.ms"] = 1e9', "retention.ms", "1000000000" },
    { '["retention.ms"] = 604800000', "retention.ms", "604800000" },
    { '["retention.ms"] = "604800000"', "retention.ms", "604800000" },
    { '["retention.ms"] = days(7)', "retention.ms", "604800000" },
    { '["retention.ms"] = hours(1.5)', "retention.ms", "5400000" },
    { '["retention.ms"] = minutes(2)', "retention.ms", "120000" },
    { '["retention.ms"] = -1', "retention.ms", "-1" },
    { '["retention.bytes"] = -1', "retention.bytes", "-1" },
    { '["max.message.bytes"] = MiB(1)', "max.message.bytes", "1048576" },
    { '["max.message.bytes"] = KiB(256)', "max.message.bytes", "262144" },
    { '["preallocate"] = true', "preallocate", "true" },
    { '["preallocate"] = false', "preallocate", "false" },
    { '["min.cleanable.dirty.ratio"] = 0.5', "min.cleanable.dirty.ratio", "0.5" },
    { '["cleanup.policy"] = set { "delete", "compact" }', "cleanup.policy", "compact,delete" },
    { '["confluent.tier.enable"] = true', "confluent.tier.enable", "true" },
  }
  for _, case in ipairs(cases) do
    it("are what Kafka prints: " .. case[1], function()
      assert.equal(case[3], config_of(case[1])[case[2]])
    end)
  end

  it("come from the defaults unless the topic says otherwise", function()
    local declared = assert(parse [[
      return {
        defaults = { partitions = 2, key = "id", config = { ["retention.ms"] = 5, ["segment.ms"] = 6 } },
        a = {},
        b = { partitions = 3, key = "other", config = { ["retention.ms"] = 7, ["segment.ms"] = INHERIT } },
      }]])
    local a, b = declared.topics[1], declared.topics[2]
    assert.same({ partitions = 2, key = "id" }, { partitions = a.partitions, key = a.key })
    assert.same({ ["retention.ms"] = "5", ["segment.ms"] = "6" }, a.config)
    assert.same({ partitions = 3, key = "other" }, { partitions = b.partitions, key = b.key })
    assert.same({ ["retention.ms"] = "7" }, b.config)
    assert.same({ ["segment.ms"] = true }, b.inherit)
  end)
end)

describe("the replication factor", function()
  local text <const> = [[
    return {
      defaults = { replication_factor = 1 },
      a = { partitions = 1 },
      b = { partitions = 1, config = { ["min.insync.replicas"] = 1 } },
      c = { partitions = 1, replication_factor = 2 },
    }]]

  local function factors(environment)
    local factor, insync = {}, {}
    for i, topic in ipairs(assert(parse(text, environment)).topics) do
      factor[i] = topic.replication_factor
      insync[i] = topic.config["min.insync.replicas"] or "-"
    end
    return table.concat(factor, " ") .. " / " .. table.concat(insync, " ")
  end

  it("is the default's", function() assert.equal("1 1 2 / - 1 -", factors {}) end)
  it("is the environment's when it is set", function()
    assert.equal("3 3 2 / 2 1 -", factors { KAFKA_REPLICATION_FACTOR = "3" })
    assert.equal("1 1 2 / - 1 -", factors { KAFKA_REPLICATION_FACTOR = "" })
  end)
  for _, value in ipairs { "three", "1.5", "-1", "0x3", "0", "40000" } do
    it("cannot be " .. value, function()
      local declared, reason = parse(text, { KAFKA_REPLICATION_FACTOR = value })
      assert.is_nil(declared)
      assert.truthy(reason:find("replication", 1, true) or reason:find("REPLICATION", 1, true), reason)
    end)
  end
end)

describe("the lint of a topic table", function()
  local long = ("n"):rep(250)
  local refused = {
    { "return { a = { partitons = 1, partitions = 1 } }", 't.lua:1: a: unknown attribute "partitons"; did you mean partitions?' },
    { "return { a = {\n partitions = 1,\n colour = 1 } }", 't.lua:3: a: unknown attribute "colour"; legal are partitions, replication_factor, key, config' },
    { "return { a = { partitions = 1, ['retention.ms'] = 1 } }", "it belongs into config = { … }" },
    { "return { defaults = { partition = 1 }, a = { partitions = 1 } }", 't.lua:1: defaults: unknown attribute "partition"; did you mean partitions?' },
    { "return { a = {} }", "t.lua:1: a: partitions must be a whole number from 1 to 10000, not left out" },
    { "return { a = { partitions = 0 } }", "partitions must be a whole number from 1 to 10000, not 0" },
    { "return { a = { partitions = -1 } }", "not -1" },
    { "return { a = { partitions = 1.5 } }", "not 1.5" },
    { "return { a = { partitions = 1e20 } }", "not 1e+20" },
    { "return { a = { partitions = 0/0 } }", "not -nan" },
    { "return { a = { partitions = '6' } }", 'not "6"' },
    { "return { a = { partitions = 1, replication_factor = 0 } }", "replication_factor must be a whole number from 1 to 32767, not 0" },
    { "return { [''] = { partitions = 1 } }", "a topic needs a name" },
    { "return { ['" .. long .. "'] = { partitions = 1 } }", "a name has at most 249 characters, this one 250" },
    { "return { ['a b'] = { partitions = 1 } }", 'a name consists of letters, digits, ".", "_" and "-"' },
    { "return { ['a\\n'] = { partitions = 1 } }", "a name consists of letters" },
    { "return { ['ä'] = { partitions = 1 } }", "a name consists of letters" },
    { "return { ['..'] = { partitions = 1 } }", "a name consists of letters" },
    { "return { ['a.b'] = { partitions = 1 },\n['a_b'] = { partitions = 1 } }", 't.lua:2: a_b: collides with a.b: Kafka does not tell "." and "_" apart' },
    { "return { a = { partitions = 1, config = 5 } }", "config must be a table, not 5" },
    { "return { a = { partitions = 1, config = { 'x' } } }", "a property has a name, not 1" },
    { "return { a = { partitions = 1, config = {\n['retention.mss'] = 1 } } }", 't.lua:2: a: unknown property "retention.mss"; did you mean retention.ms?' },
    { "return { a = { partitions = 1, config = { ['retention.ms'] = -2 } } }", "retention.ms must be a whole number from -1 on, not -2" },
    { "return { a = { partitions = 1, config = { ['retention.ms'] = '10abc' } } }", 'retention.ms must be a whole number from -1 on, not "10abc"' },
    { "return { a = { partitions = 1, config = { ['retention.ms'] = 1.5 } } }", "not 1.5" },
    { "return { a = { partitions = 1, config = { ['retention.ms'] = 1e300 } } }", "retention.ms cannot be 1e+300" },
    { "return { a = { partitions = 1, config = { ['retention.ms'] = {} } } }", "retention.ms cannot be a table" },
    { "return { a = { partitions = 1, config = { ['cleanup.policy'] = 'shrink' } } }", 'cleanup.policy must be some of compact, delete, not "shrink"' },
    { "return { a = { partitions = 1, config = { ['compression.type'] = 'rar' } } }", "compression.type must be one of gzip, lz4, producer, snappy, uncompressed, zstd" },
    { "return { a = { partitions = 1, config = { ['preallocate'] = 1 } } }", "preallocate must be true or false, not 1" },
    { "return { a = { partitions = 1, config = { ['min.cleanable.dirty.ratio'] = 2 } } }", "min.cleanable.dirty.ratio must be a number from 0 to 1, not 2" },
    { "return { a = { partitions = 1, config = { ['min.insync.replicas'] = 2 } } }", "min.insync.replicas 2 is more than the 1 replicas there are" },
    { "return { a = { partitions = 1, config = { ['cleanup.policy'] = 'compact' } } }", "a compacted topic keeps the last record of each key" },
    { "return { a = { partitions = 1, key = 5 } }", "key must be the name of a field, not 5" },
    { "return { defaults = 5, a = { partitions = 1 } }", "defaults: must be a table" },
  }
  for _, case in ipairs(refused) do
    it("says: " .. case[2], function()
      local declared, reason = parse(case[1])
      assert.is_nil(declared)
      assert.truthy(reason:find(case[2], 1, true), reason)
    end)
  end

  it("says everything at once", function()
    local _, reason = parse("return {\n a = { partitions = 0 },\n ['b c'] = { partitions = 0, kye = 'x' },\n}")
    local lines = select(2, reason:gsub("\n", "")) + 1
    assert.equal(4, lines, reason)
  end)

  it("says what was written twice with all the rest, by line", function()
    local _, reason = parse("return {\n a = { partitions = 0 },\n b = { partitions = 1, partitions = 2 },\n a = { partitions = 1, kye = 'x' },\n"
      .. " c = { partitions = 1.5 } }")
    assert.equal(table.concat({
      't.lua:3: duplicate attribute "partitions" of b, first on line 3',
      't.lua:4: duplicate topic "a", first on line 2',
      't.lua:4: a: unknown attribute "kye"; did you mean key?',
      "t.lua:5: c: partitions must be a whole number from 1 to 10000, not 1.5",
    }, "\n"), (reason:gsub("[^\n]*:2: [^\n]*\n", "")))
  end)

  it("finds what is wrong in a thousand topics", function()
    local lines = { "return {" }
    for i = 1, 1000 do lines[#lines + 1] = ("['t%d'] = { partitions = %s },"):format(i, i % 2 == 0 and "1" or "-1") end
    local _, reason = parse(table.concat(lines, "\n") .. "}")
    assert.equal(500, select(2, reason:gsub(": t%d+: partitions must be", "")))
  end)

  it("warns where one broker down stops all writes", function()
    local declared = assert(parse(
      "return { a = { partitions = 1, replication_factor = 2, config = { ['min.insync.replicas'] = 2 } } }"))
    assert.equal(1, #declared.warnings)
    assert.truthy(declared.warnings[1]:find("t.lua:1: a: min.insync.replicas equals", 1, true))
    assert.same({}, select(3, config_of '["min.insync.replicas"] = 1').warnings)
  end)
end)

describe("a tombstone in a topic table", function()
  it("is no topic, but known", function()
    local declared = assert(parse "return { defaults = { partitions = 1 }, a = {}, b = { deleted = true } }")
    assert.same({ "a" }, declared.names)
    assert.same({ { name = "b", deleted = true } }, declared.deleted)
  end)

  it("may be all there is", function()
    assert.same({}, assert(parse "return { b = { deleted = true } }").topics)
  end)

  local refused = {
    { "return { a = { deleted = false } }", "t.lua:1: a: deleted must be true, or left out, not false" },
    { "return { a = { deleted = 'yes' } }", 'deleted must be true, or left out, not "yes"' },
    { "return { defaults = { deleted = true }, a = { partitions = 1 } }", "defaults: deleted is said of one topic, not of all" },
    { "return { ['a b'] = { deleted = true } }", "a name consists of" },
    { "return { a = { delete = true, partitions = 1 } }", "did you mean deleted?" },
  }
  for _, case in ipairs(refused) do
    it("is refused: " .. case[2], function()
      local declared, reason = parse(case[1])
      assert.is_nil(declared)
      assert.truthy(reason:find(case[2], 1, true), reason)
    end)
  end
end)

describe("a dead-letter topic", function()
  local function lint(dead_letters, source)
    return parse(("return { orders = { partitions = 1, %s },\n ['orders.shipping.dlq'] = { partitions = 1, config = { %s } } }")
      :format(source or "", dead_letters))
  end
  local week <const> = "config = { ['retention.ms'] = days(7) }"

  local refused = {
    { "named, but not declared", nil, "dead_letter = 'elsewhere'", 't.lua:1: orders: dead_letter "elsewhere" is not declared' },
    { "no name", nil, "dead_letter = 5", "orders: dead_letter must be the name of a topic, not 5" },
    { "kept for a shorter time", "['retention.ms'] = days(6)", week,
      "t.lua:2: orders.shipping.dlq: dead letters of orders are kept for 518400000 (6d), shorter than its own records: 604800000 (7d)" },
    { "kept for a shorter time than for ever", "['retention.ms'] = days(6)", "config = { ['retention.ms'] = -1 }",
      "shorter than its own records: for ever" },
    { "too small for the records", "['retention.ms'] = -1", "config = { ['max.message.bytes'] = MiB(2) }",
      "dead letters of orders can be as large as its records, 2097152 bytes, but only 1048588 are allowed" },
  }
  for _, case in ipairs(refused) do
    it("is refused when it is " .. case[1], function()
      local declared, reason = lint(case[2] or "", case[3])
      assert.is_nil(declared)
      assert.truthy(reason:find(case[4], 1, true), reason)
    end)
  end

  it("is fine when it has time and room", function()
    local declared = assert(lint("['retention.ms'] = days(30), ['max.message.bytes'] = MiB(3)", "config = { ['max.message.bytes'] = MiB(2) }"))
    assert.same({}, declared.warnings)
    assert.same({}, assert(lint("", week)).warnings)
  end)

  it("is warned of when the headers have no room", function()
    local declared = assert(lint("['max.message.bytes'] = MiB(2)", "config = { ['max.message.bytes'] = MiB(2) }"))
    assert.same({ "t.lua:2: orders.shipping.dlq: the largest records of orders have no room for the headers of a dead letter:"
      .. " allow 2105344 bytes" }, declared.warnings)
  end)

  it("may be one for all", function()
    assert(parse "return { defaults = { partitions = 1, dead_letter = 'dead' }, a = {}, b = {}, dead = {} }")
  end)
end)
