-- SPDX-License-Identifier: MIT
local fake = require "support.fake_admin"
local topics = require "docmsg.topics"
local witness = require "docmsg.topic.witness"

-- Witnesses of brokers that have these topics, a list for each broker.
local function open(views, count)
  local clients, asked = {}, {}
  local brokers = {}
  for i = 1, count or #views do brokers[i] = { id = i, host = i == 2 and "::1" or "host" .. i, port = 9000 + i } end
  local witnesses = witness.open(brokers, { admin = function(options)
    asked[#asked + 1] = options.bootstrap_servers
    clients[#clients + 1] = fake.admin { topics = views[#clients + 1] }
    return clients[#clients]
  end })
  return witnesses, clients, asked
end

local function names(unseen)
  local list = {}
  for name in pairs(unseen) do list[#list + 1] = name end
  table.sort(list)
  return table.concat(list, " ")
end

describe("witnesses", function()
  local a <const> = { a = { partitions = 2 } }
  local cases = {
    { "see what all brokers see", { a, a }, { a = 2 }, "" },
    { "miss what one does not have", { a, {} }, { a = 2 }, "a" },
    { "miss partitions", { a, { a = { partitions = 1 } } }, { a = 2 }, "a" },
    { "miss leaders", { a, { a = { partitions = 2, leaderless = 1 } } }, { a = 2 }, "a" },
    { "miss that something is gone", { {}, a }, { a = 0 }, "a" },
    { "see that something is gone", { {}, {} }, { a = 0 }, "" },
    { "tell of each topic", { a, a }, { a = 2, b = 1 }, "b" },
    { "have nothing to say about nothing", { {}, {} }, {}, "" },
  }
  for _, case in ipairs(cases) do
    it(case[1], function() assert.equal(case[4], names(open(case[2]):unseen(case[3]))) end)
  end

  it("are a few brokers, each asked by its address, and none of a cluster of one", function()
    assert.same({ "host1:9001", "[::1]:9002", "host3:9003" }, select(3, open({ a, a, a, a }, 9)))
    assert.same({}, select(3, open { a }))
  end)

  it("leave out a broker that does not answer, and close", function()
    local witnesses, clients = open { a, a, a }
    clients[2].describe_topics = function() return nil, fake.err("_TRANSPORT", "down") end
    assert.equal("", names(witnesses:unseen { a = 2 }))
    assert.equal(1, clients[2].closed)
    clients[2].describe_topics = function() error "asked again" end
    assert.equal("", names(witnesses:unseen { a = 2 }))
    witnesses:close()
    assert.same({ 1, 1, 1 }, { clients[1].closed, clients[2].closed, clients[3].closed })
  end)

  it("keep a change from counting as made before every broker knows it", function()
    local first = fake.admin()
    function first:cluster()
      return { id = "fake", brokers = { { id = 1, host = "a", port = 1 }, { id = 2, host = "b", port = 2 } } }
    end
    local late = fake.admin { topics = {} }
    local opened = 0
    local manager = assert(topics.connect { sleep = function() end, admin = function()
      opened = opened + 1
      return opened == 3 and late or first
    end })
    local declared = assert(topics.parse("return { a = { partitions = 1 } }", "t.lua", function() end))
    local results = manager:apply(assert(manager:plan(declared)), { wait = "1s" })
    assert.same({ "unconverged", "not every broker knows it yet" }, { results[1].status, results[1].reason })
    late.topics.a = { partitions = 1 }
    manager:close()
    assert.equal(1, late.closed)
  end)
end)
