-- SPDX-License-Identifier: MIT
-- Results of extraction: how sure they are, whether they count, and several made into one.
local M = {}

---How sure a result is: the mean of its fields.
---@param result ExtractionResult
---@return number from 0 to 1; 0 without fields
function M.confidence(result)
  local sum, count = 0, 0
  for _, score in pairs(result.confidence_scores) do sum, count = sum + score, count + 1 end
  return count > 0 and sum / count or 0
end

---@param result ExtractionResult
---@return boolean
function M.is_valid(result)
  return result.document_id ~= "" and next(result.extracted_fields) ~= nil and M.confidence(result) > 0.5
end

local function united(left, right)
  local all = {}
  for name, value in pairs(left) do all[name] = value end
  for name, value in pairs(right) do all[name] = value end
  return all
end

---Makes one result of two: where both have a field, the right one wins. Raises when they are of different
---documents.
---@param left ExtractionResult
---@param right ExtractionResult
---@return ExtractionResult
function M.merge(left, right)
  if left.document_id ~= right.document_id then
    error(("results of different documents cannot be merged: %q and %q"):format(left.document_id,
      right.document_id), 2)
  end
  local first, last = left.page_range, right.page_range
  return {
    document_id = left.document_id,
    page_range = { math.min(first[1], last[1]), math.max(first[2], last[2]) },
    extracted_fields = united(left.extracted_fields, right.extracted_fields),
    confidence_scores = united(left.confidence_scores, right.confidence_scores),
    agent_id = left.agent_id .. "+" .. right.agent_id,
    timestamp = right.timestamp or left.timestamp,
  }
end

---Makes one of those that count.
---@param results ExtractionResult[] of one document
---@return ExtractionResult? merged nil when none counts
function M.merge_valid(results)
  local merged
  for _, result in ipairs(results) do
    if M.is_valid(result) then merged = merged and M.merge(merged, result) or result end
  end
  return merged
end

return M
