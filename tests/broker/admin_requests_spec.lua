-- SPDX-License-Identifier: MIT
-- What the admin calls ask of Apache Kafka, as librdkafka's own log has it: the newer operations
-- where this librdkafka offers them, the older ones in their place where it does not.
local broker = require "support.broker"
local kafka = require "docmsg.kafka"

-- By feature: since which librdkafka it is there, a call that uses it, and what the log has of the
-- call with it and without it. Where an operation is missing, a plain client call takes its place.
local FEATURES <const> = {
  incremental_alter_configs = {
    since = 20200,
    call = function(admin, topic)
      return admin:alter_configs { { name = topic, set = { ["retention.ms"] = 1000 } } }
    end,
    newer = { operations = { "INCREMENTALALTERCONFIGS" }, requests = { "IncrementalAlterConfigs" } },
    older = { operations = { "DESCRIBECONFIGS", "ALTERCONFIGS" },
      requests = { "DescribeConfigs", "AlterConfigs" } },
  },
  describe_topics = {
    since = 20300,
    call = function(admin, topic) return admin:describe_topics { topic } end,
    newer = { operations = { "DESCRIBETOPICS" }, requests = {} },
    older = { operations = {}, requests = {} },
  },
  list_offsets = {
    since = 20300,
    call = function(admin, topic)
      return admin:list_offsets { { topic = topic, partition = 0, at = "latest" } }
    end,
    newer = { operations = { "LISTOFFSETS" }, requests = { "ListOffsets" } },
    older = { operations = {}, requests = { "ListOffsets" } },
  },
}

-- Any client makes these at any time.
local OF_ITS_OWN <const> = { ApiVersion = true, Metadata = true }

---The version that the module was built for, as a number: 2.15.0 is 21500.
local function built_version()
  local major, minor, patch = kafka.version().librdkafka_built:match "^(%d+)%.(%d+)%.(%d+)$"
  return major * 10000 + minor * 100 + patch
end

---Appends what is not in the list.
local function add_once(list, word)
  for _, other in ipairs(list) do
    if other == word then return end
  end
  list[#list + 1] = word
end

---Files a line of the log. librdkafka ends the names of some requests with the word, and of some not.
local function note(found, line)
  local operation = line:match "(%u+) worker called in state initializing"
  local request = line:match "Sent (%a+) %("
  request = request and request:gsub("Request", "")
  if operation then add_once(found.operations, operation) end
  if request and not OF_ITS_OWN[request] then add_once(found.requests, request) end
end

describe("the admin calls that newer librdkafkas offer", function()
  local cluster, topic

  before_each(function()
    cluster = broker.connect()
    topic = cluster:topic()
  end)

  after_each(function()
    topic:close()
  end)

  for feature, case in pairs(FEATURES) do
    it("are made when it has them, and only then: " .. feature, function()
      local found = { operations = {}, requests = {} }
      local admin <close> = cluster:admin { kafka = { debug = "admin,protocol", log_level = 7 },
        on_log = function(log) note(found, log.message) end }
      local offered = built_version() >= case.since
      assert.equal(offered, kafka.version().features[feature])
      assert(case.call(admin, topic.name))
      assert.same(offered and case.newer or case.older, found)
    end)
  end

  it("are all in this spec", function()
    for feature in pairs(kafka.version().features) do
      assert.is_not_nil(FEATURES[feature], feature)
    end
  end)
end)
