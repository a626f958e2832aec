-- SPDX-License-Identifier: MIT
-- How long to wait before the next attempt: the first delay times a factor for each attempt that
-- failed, up to a limit, give or take a random share.
local M = {}

---@class docmsg.RetryPolicy
---@field attempts integer how often a record is handled in all
---@field delay_ms integer after the first attempt
---@field factor number
---@field max_ms integer
---@field jitter number 0 to 1: the share by which a delay may be shorter or longer

---@class docmsg.RetryOptions
---@field attempts? integer default 4
---@field delay? string default "1s"
---@field factor? number default 2
---@field max? string default "1m"
---@field jitter? number default 0.2

---The options of a retry policy.
---@type table<string, docmsg.Setting>
M.OPTIONS = {
  attempts = { kind = "integer", min = 1, max = 1000000, default = 4 },
  delay = { kind = "duration", default = "1s" },
  factor = { kind = "number", min = 1, max = 1000, default = 2 },
  max = { kind = "duration", default = "1m" },
  jitter = { kind = "number", min = 0, max = 1, default = 0.2 },
}

local function without_defaults(options)
  local result = {}
  for name, setting in pairs(options) do
    result[name] = { kind = setting.kind, min = setting.min, max = setting.max }
  end
  return result
end

---The same for a policy that only says what differs from another.
---@type table<string, docmsg.Setting>
M.OVERRIDES = without_defaults(M.OPTIONS)

---@param own table? what differs
---@param common docmsg.RetryPolicy
---@return docmsg.RetryPolicy
function M.override(own, common)
  local policy = {}
  for name, value in pairs(common) do policy[name] = value end
  for name, value in pairs(own or {}) do policy[name] = value end
  return policy
end

---@param policy docmsg.RetryPolicy
---@param attempt integer the one that failed, from 1
---@param random fun(): number from 0 to 1
---@return integer milliseconds
function M.delay(policy, attempt, random)
  local delay = math.min(policy.delay_ms * policy.factor ^ (attempt - 1), policy.max_ms)
  return (delay * (1 + policy.jitter * (2 * random() - 1))) // 1 | 0
end

return M
