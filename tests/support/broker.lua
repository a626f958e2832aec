-- SPDX-License-Identifier: MIT
-- The real Apache Kafka for tests. It is started by others; with none, the test fails.
local cluster = require "support.cluster"

local M = {}

---The address of the real broker.
---@return string
function M.address()
  local address = os.getenv("DOCMSG_TEST_KAFKA") or os.getenv("KAFKA_BOOTSTRAP_SERVERS")
  if not address or address == "" then
    error("this test needs a real Apache Kafka and knows of none: start one with tools/kafka up "
      .. "and put its address into KAFKA_BOOTSTRAP_SERVERS, or run tools/test", 0)
  end
  return address
end

---@return support.Cluster
function M.connect()
  return cluster.new(M.address())
end

return M
