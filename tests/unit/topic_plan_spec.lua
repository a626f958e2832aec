-- SPDX-License-Identifier: MIT
local plan = require "docmsg.topic.plan"
local show = require "docmsg.topic.show"
local topics = require "docmsg.topics"

local function declare(text)
  return assert(topics.parse(text, "t.lua", function() end))
end

-- What a cluster has: partitions, replicas, overrides, defaults of the broker.
local function observed(name, topic)
  local info = { name = name, partitions = {} }
  for i = 1, topic.partitions or 1 do
    local replicas = {}
    for r = 1, topic.replicas or 1 do replicas[r] = (i + r - 2) % (topic.brokers or 3) + 1 end
    info.partitions[i] = { partition = i - 1, leader = replicas[1], replicas = replicas, isr = replicas }
  end
  local configs = {}
  for key, value in pairs(topic.defaults or {}) do configs[key] = { value = value, source = "default" } end
  for key, value in pairs(topic.config or {}) do configs[key] = { value = value, source = "topic" } end
  return { info = info, configs = configs }
end

local function cluster_of(existing, names)
  local cluster = { id = "id", brokers = { 1, 2, 3 }, names = {}, observed = {} }
  for _, name in ipairs(names) do cluster.observed[name] = {} end
  for name, topic in pairs(existing) do
    cluster.names[#cluster.names + 1] = name
    cluster.observed[name] = observed(name, topic)
  end
  table.sort(cluster.names)
  return cluster
end

local function make(text, existing, only)
  local declared = declare("return { " .. text .. " }")
  return plan.make(declared, cluster_of(existing, plan.names(declared)), only)
end

local function lines_of(planned)
  local lines = {}
  for i, change in ipairs(planned.changes) do
    lines[i] = ("%s %s %s: %s"):format(change.topic, change.class, change.needs or "-", show.detail(change))
  end
  return table.concat(lines, "\n")
end

describe("a plan", function()
  -- what is declared, what exists, what is to be done
  local cases = {
    { "creates what is missing", "a = { partitions = 2, config = { ['retention.ms'] = days(7) } }", {},
      "a create -: 2 partitions, replication factor 1, retention.ms=604800000 (7d)" },
    { "does nothing when all is as declared", "a = { partitions = 2, config = { ['retention.ms'] = 5 } }",
      { a = { partitions = 2, config = { ["retention.ms"] = "5" } } }, "" },
    { "takes the broker's own value for what it is", "a = { partitions = 1, config = { ['retention.ms'] = 5 } }",
      { a = { defaults = { ["retention.ms"] = "5" } } }, "" },
    { "leaves what is not declared", "a = { partitions = 1 }", { a = { config = { ["retention.ms"] = "5" } }, b = {} }, "" },
    { "grows a topic without a key", "a = { partitions = 4 }", { a = { partitions = 3 } }, "a grow -: 3 → 4 partitions" },
    { "tells which share of keys moves", "a = { partitions = 9, key = 'k' }", { a = { partitions = 6 } },
      "a repartition repartition: 6 → 9: 66.7 % of keys change partition" },
    { "never shrinks", "a = { partitions = 2 }", { a = { partitions = 3 } },
      "a blocked -: partitions 3 → 2: Kafka takes none away; make another topic and move to it" },
    { "never changes the replication factor", "a = { partitions = 1, replication_factor = 3 }", { a = {} },
      -- and min.insync.replicas becomes 2 with three replicas
      "a blocked -: replication factor 1 → 3: a reassignment does it, see reassignment\n"
      .. "a config.risky config: min.insync.replicas not set → 2" },
    { "knows when there are too few brokers",
      "a = { partitions = 1, replication_factor = 4, config = { ['min.insync.replicas'] = INHERIT } }", { a = {} },
      "a blocked -: replication factor 1 → 4: there are only 3 brokers" },
    { "deletes a tombstone", "a = { deleted = true }", { a = { partitions = 2 } }, "a delete delete: 2 partitions with all records" },
    { "has nothing to do for a tombstone that is gone", "a = { deleted = true }", {}, "" },
    { "keeps the order in which changes are made",
      "a = { partitions = 2, config = { ['retention.ms'] = 5, ['segment.ms'] = 7 } }, b = { partitions = 1 }",
      { a = { config = { ["retention.ms"] = "6", ["segment.ms"] = "6" } } },
      "a config.safe -: segment.ms 6 → 7\na grow -: 1 → 2 partitions\na config.risky config: retention.ms 6 → 5\n"
      .. "b create -: 1 partition, replication factor 1" },
    { "removes an override", "a = { partitions = 1, config = { ['segment.ms'] = INHERIT } }",
      { a = { config = { ["segment.ms"] = "5" } } }, "a config.safe -: segment.ms 5 → inherited" },
    { "does not know what a removed override leads to", "a = { partitions = 1, config = { ['retention.ms'] = INHERIT } }",
      { a = { config = { ["retention.ms"] = "5" } } }, "a config.risky config: retention.ms 5 → inherited" },
    { "compares lists without order", "a = { partitions = 1, key = 'k', config = { ['cleanup.policy'] = set { 'delete', 'compact' } } }",
      { a = { config = { ["cleanup.policy"] = "delete,compact" } } }, "" },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local planned = make(case[2], case[3])
      assert.equal(case[4], lines_of(planned))
      if case[4] == "" then assert.equal(planned.declared, planned.unchanged) end
    end)
  end

  local config_cases = {
    { "retention.ms", "5", "6", false }, { "retention.ms", "6", "5", true },
    { "retention.ms", "6", "-1", false }, { "retention.ms", "-1", "6", true },
    { "retention.bytes", "-1", "1000", true }, { "retention.bytes", "1000", "2000", false },
    { "cleanup.policy", "delete", "compact", true }, { "max.message.bytes", "10", "9", true },
    { "max.message.bytes", "9", "10", false }, { "min.insync.replicas", "1", "2", true },
    { "min.insync.replicas", "2", "1", false }, { "segment.ms", "9", "1", false },
    { "unclean.leader.election.enable", "false", "true", true },
    { "unclean.leader.election.enable", "true", "false", false }, { "delete.retention.ms", "9", "1", true },
    { "compression.type", "producer", "zstd", false }, { "confluent.tier.enable", "false", "true", true },
  }
  for _, case in ipairs(config_cases) do
    it(("takes %s %s → %s for %s"):format(case[1], case[2], case[3], case[4] and "risky" or "safe"), function()
      local planned = make(("a = { partitions = 1, key = 'k', replication_factor = 2, config = { [%q] = %q } }")
        :format(case[1], case[3]), { a = { replicas = 2, config = { [case[1]] = case[2] } } })
      assert.equal(1, #planned.changes)
      assert.equal(case[4] and "config.risky" or "config.safe", planned.changes[1].class)
    end)
  end

  it("knows the share of keys that move", function()
    for _, case in ipairs { { 6, 9, 2 / 3 }, { 6, 12, 1 / 2 }, { 8, 12, 2 / 3 }, { 3, 4, 3 / 4 }, { 1, 7, 6 / 7 }, { 5, 5, 0 } } do
      assert.is_true(math.abs(plan.moved_share(case[1], case[2]) - case[3]) < 1e-12)
    end
  end)

  it("has the share that a hash gives", function()
    local seed = os.time()
    math.randomseed(seed)
    for _ = 1, 20 do
      local from = math.random(1, 12)
      local to = from + math.random(1, 12)
      local moved = 0
      for _ = 1, 20000 do
        local hash = math.random(0, 0x7FFFFFFF)
        if hash % from ~= hash % to then moved = moved + 1 end
      end
      assert.message(("seed %d: %d → %d"):format(seed, from, to))
        .is_true(math.abs(moved / 20000 - plan.moved_share(from, to)) < 0.03)
    end
  end)

  it("keeps to the patterns of --only, also for what is not declared", function()
    local planned = make("ab = { partitions = 1 }, b = { partitions = 1 }", { ["a.c"] = {}, d = {} }, { "a*" })
    assert.equal("ab create -: 1 partition, replication factor 1", lines_of(planned))
    assert.same({ "a.c" }, planned.undeclared)
    assert.equal(1, planned.declared)
    assert.same({ "d" }, make("ab = { partitions = 1 }", { ["a.c"] = {}, d = {} }, { "?" }).undeclared)
  end)

  it("reports overrides that are not declared", function()
    local planned = make("a = { partitions = 1, config = { ['retention.ms'] = 5 } }",
      { a = { config = { ["retention.ms"] = "5", ["segment.ms"] = "6", ["flush.ms"] = "7" } } })
    assert.same({ { topic = "a", name = "flush.ms", value = "7" }, { topic = "a", name = "segment.ms", value = "6" } }, planned.kept)
  end)

  it("says what would be needed", function()
    local planned = make("a = { partitions = 2, key = 'k' }, b = { deleted = true }, c = { partitions = 1 }, d = { partitions = 1 }",
      { a = {}, b = {}, c = { partitions = 2 } })
    local function refused(...)
      local allowed, names = {}, {}
      for _, word in ipairs { ... } do allowed[word] = true end
      for i, change in ipairs(plan.refused(planned, allowed)) do names[i] = change.topic end
      return table.concat(names, " ")
    end
    assert.equal("a b c", refused())
    assert.equal("b c", refused "repartition")
    assert.equal("c", refused("repartition", "delete", "config"))
    assert.same({ create = 1, change = 1, delete = 1, blocked = 1 }, plan.count(planned))
  end)

  it("chooses replicas that keep the preferred leader and spread the others", function()
    local more = make("a = { partitions = 3, replication_factor = 3, config = { ['min.insync.replicas'] = INHERIT } }",
      { a = { partitions = 3 } }).changes[1].reassignment
    assert.same({ version = 1, partitions = {
      { topic = "a", partition = 0, replicas = { 1, 2, 3 } },
      { topic = "a", partition = 1, replicas = { 2, 1, 3 } },
      { topic = "a", partition = 2, replicas = { 3, 1, 2 } },
    } }, more)
    local fewer = make("a = { partitions = 1, replication_factor = 1 }", { a = { replicas = 3 } }).changes[1].reassignment
    assert.same({ { topic = "a", partition = 0, replicas = { 1 } } }, fewer.partitions)
    local load = { 0, 0, 0 }
    for _, entry in ipairs(make("a = { partitions = 30, replication_factor = 2 }", { a = { partitions = 30 } })
      .changes[1].reassignment.partitions) do
      assert.not_equal(entry.replicas[1], entry.replicas[2])
      for _, id in ipairs(entry.replicas) do load[id] = load[id] + 1 end
    end
    assert.same({ 20, 20, 20 }, load)
  end)

  it("is shown line by line", function()
    local planned = make("a = { partitions = 1 }, ['long-name'] = { partitions = 1, config = { ['retention.ms'] = 1 } }",
      { ["long-name"] = { config = { ["retention.ms"] = "-1", ["flush.ms"] = "5" } }, zoo = {} })
    assert.equal(table.concat({
      "cluster id (3 brokers)   t.lua: 2 declared, 1 exist",
      "+ a          create        1 partition, replication factor 1",
      "~ long-name  config.risky  retention.ms -1 (no limit) → 1   needs --allow config",
      "= long-name  kept          flush.ms=5 is not declared, left alone",
      "? zoo                      not declared, left alone",
      "Plan: 1 create, 1 change, 0 unchanged",
    }, "\n"), table.concat(show.plan(planned), "\n"))
  end)

  it("is shown when there is nothing but what is not declared", function()
    assert.equal("? b    not declared, left alone", show.plan(make("a = { partitions = 1 }", { a = {}, b = {} }))[2])
  end)

  it("is shown with names of any length", function()
    local name = ("n"):rep(249)
    assert.matches("^%+ " .. name .. "  create  1 partition", show.plan(make(name .. " = { partitions = 1 }", {}))[2])
  end)
end)
