-- SPDX-License-Identifier: MIT
-- Which dead letters are meant: the options that `dlq show` and `dlq redrive` share. Pure but for the
-- clock, which is an argument.
local M = {}

local function instant(text)
  local year, month, day, hour, minute, second = text:match("^(%d%d%d%d)-(%d%d)-(%d%d)T(%d%d):(%d%d):(%d%d)Z$")
  if not year then return nil end
  return ("%s-%s-%sT%s:%s:%sZ"):format(year, month, day, hour, minute, second)
end

-- "2026-11-25T09:00:00Z", or how long ago: "90m".
local function read_time(text)
  local exact = instant(text)
  if exact then return exact end
  local ok, ms = pcall(require("docmsg.bare").duration, text)
  if ok and type(ms) == "number" and ms >= 0 then return { ago_ms = ms } end
  return nil, 'a time such as 2026-11-25T09:00:00Z, or how long ago, such as "90m"'
end

-- "17", "17-", "-99" or "17-99".
local function read_offsets(text)
  local from, dash, to = text:match("^(%d*)(%-?)(%d*)$")
  if not from or from == "" and to == "" then return nil, 'offsets such as "17", "17-99", "17-" or "-99"' end
  from, to = math.tointeger(tonumber(from)), math.tointeger(tonumber(to))
  if dash == "" then to = from end
  return { from = from or 0, to = to or math.maxinteger }
end

local FLAGS <const> = {
  { "--reason", "REASON", repeated = true, help = "these reasons alone: rejected, exhausted, schema, …" },
  { "--partition", "N", kind = "integer", help = "this partition of the dead-letter topic alone" },
  { "--offsets", "A-B", read = read_offsets, help = "from A to B in each partition; one of them may be left out" },
  { "--since", "TIME", read = read_time, help = "failed then or later: 2026-11-25T09:00:00Z, or how long ago: 90m" },
  { "--until", "TIME", read = read_time, help = "failed before that" },
}

---Adds the options to those of a verb.
---@param verb docmsg.Verb
---@return docmsg.Verb verb
function M.extend(verb)
  return table.move(FLAGS, 1, #FLAGS, #verb + 1, verb)
end

local function absolute(time, now)
  if type(time) ~= "table" then return time end
  return os.date("!%Y-%m-%dT%H:%M:%SZ", now - time.ago_ms // 1000)
end

---Makes a function that tells whether a dead letter is meant. Times are compared as their text.
---@param options table<string, any> as the flags have read them
---@param now integer seconds since 1970
---@return fun(letter: docmsg.Letter): boolean
function M.new(options, now)
  local reasons, offsets = {}, options.offsets
  for _, reason in ipairs(options.reason or {}) do reasons[reason] = true end
  local since, before = absolute(options.since, now), absolute(options["until"], now)
  return function(letter)
    if next(reasons) and not reasons[letter.reason] then return false end
    if options.partition and letter.partition ~= options.partition then return false end
    if offsets and (letter.offset < offsets.from or letter.offset > offsets.to) then return false end
    if since and (letter.failed_at or "") < since then return false end
    return not (before and (letter.failed_at or "") >= before)
  end
end

return M
