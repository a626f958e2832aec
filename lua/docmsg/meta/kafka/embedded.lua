-- SPDX-License-Identifier: MIT
-- docmsg.kafka: the broker inside this process.
-- This file is never loaded.
---@meta _

---@class docmsg.EmbeddedBroker
---@field bootstrap_servers string
local embedded = {}

---Ends the broker; clients of it see it vanish.
function embedded:close() end

---Makes the next requests of a kind fail, in this order: for tests.
---@param api string "Produce", "Fetch", "OffsetCommit", ... as in the protocol guide, or its number as a string
---@param errors string[] librdkafka's names, such as "NOT_LEADER_FOR_PARTITION"
function embedded:fail(api, errors) end

---Takes a broker down, or brings it back: for tests.
---@param id integer
---@param up boolean
function embedded:set_up(id, up) end

---Sets a broker's round-trip time: for tests.
---@param id integer
---@param rtt docmsg.Duration
function embedded:set_rtt(id, rtt) end

---Moves a partition's leader: for tests.
---@param topic string
---@param partition integer
---@param id integer
function embedded:set_leader(topic, partition, id) end
