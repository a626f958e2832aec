-- SPDX-License-Identifier: MIT
-- How many agents extract a document, and which pages each of them takes.
local M = {}

---@param page_count integer
---@return integer agents
function M.agents(page_count)
  if page_count < 20 then return 2 end
  return page_count <= 100 and 5 or 10
end

---Divides pages among agents: every page once, none much longer than another.
---@param page_count integer at least 1
---@param agents integer
---@return [integer, integer][] ranges as many as agents, or as pages when there are fewer
function M.ranges(page_count, agents)
  local count, ranges, first = math.min(agents, page_count), {}, 1
  for i = 1, count do
    local last = page_count * i // count
    ranges[i], first = { first, last }, last + 1
  end
  return ranges
end

---@param id string
---@param page_count integer
---@param specs FieldSpecification[]
---@return AgentScalingConfig
function M.config(id, page_count, specs)
  local agents = M.agents(page_count)
  return {
    document_id = id, page_count = page_count, agent_count = agents,
    page_ranges = M.ranges(page_count, agents), field_specs = specs,
  }
end

return M
