-- SPDX-License-Identifier: MIT
-- A record as the runtime hands it to docmsg.dispatch, in plain Lua.
local M = {}

---@class support.FakeWork : docmsg.Work
---@field emitted {topic: string, key: string?, value: string, type: string, options: table?}[]
---@field discarded boolean
---@field limits table?
local Work = { __name = "support.FakeWork" }
Work.__index = Work

function Work:header(name)
  for i = #self.header_list, 1, -1 do
    if self.header_list[i][1] == name then return self.header_list[i][2] end
  end
end

function Work:headers() return self.header_list end

function Work:envelope()
  return self:header("ce_type"), self:header("ce_specversion"), self:header("ce_id"), self:header("docmsg-hops"),
    self:header("docmsg-redrive-group"), self:header("content-type"), self.topic
end

function Work:time() return self.elapsed end

function Work:keep() return self end

function Work:limit(timeout_ms, instructions)
  self.limits = { timeout_ms = timeout_ms, instructions = instructions }
end

function Work:emit(topic, key, value, type, options)
  if #value >= 1000000 then return nil, "too_large" end
  if #self.emitted >= 10000 then return nil, "too_many" end
  if tonumber(self:header("docmsg-hops") or 0) >= 32 then return nil, "hops" end
  self.emitted[#self.emitted + 1] = { topic = topic, key = key, value = value, type = type, options = options }
  return true
end

function Work:discard()
  self.emitted, self.discarded = {}, true
end

---@param fields? {topic?: string, key?: string, value?: string, type?: string, headers?: docmsg.Header[], attempt?: integer, timestamp?: integer, elapsed?: integer}
---@return support.FakeWork
function M.new(fields)
  fields = fields or {}
  local headers = table.move(fields.headers or {}, 1, #(fields.headers or {}), 1, {})
  if fields.type then table.insert(headers, 1, { "ce_type", fields.type }) end
  return setmetatable({
    topic = fields.topic or "t", partition = 3, offset = 1207, key = fields.key, value = fields.value,
    timestamp = fields.timestamp or 1700000000123, attempt = fields.attempt or 1,
    header_list = headers, emitted = {}, discarded = false,
    elapsed = fields.elapsed or 0,
  }, Work)
end

return M
