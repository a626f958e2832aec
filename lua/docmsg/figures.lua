-- SPDX-License-Identifier: MIT
-- The figures of a running application, read from the text that it tells them in (docmsg.metrics). Pure.
local M = {}

---One line of figures about what consumers handled.
---@class docmsg.Figures
---@field group string
---@field event? string its type; nil: all of the group
---@field handled integer
---@field retried integer
---@field dead integer
---@field skipped integer
---@field mean_ms? number how long a handler runs
---@field lag? integer records behind, of the whole group

---One line about what handlers emitted.
---@class docmsg.EmittedFigures
---@field event string its type
---@field sent integer that the broker has
---@field failed integer that it will never have
---@field bytes integer of the values of those sent
---@field mean_ms? number how long the broker took; nil while none was sent
---@field p50_ms? number
---@field p95_ms? number
---@field p99_ms? number
---@field max_ms? number

-- The end of a value that begins at `at`: the quote that no backslash belongs to.
local function value_end(text, at)
  repeat
    at = text:find('[\\"]', at)
    local escaped = at and text:sub(at, at) == "\\"
    if escaped then at = at + 2 end
  until not escaped
  return at
end

-- The labels of a sample, by name.
local function labels_of(text)
  local labels, at = {}, 1
  while true do
    local _, quote, name = text:find('([%w_]+)="', at)
    local last = quote and value_end(text, quote + 1)
    if not last then return labels end
    labels[name] = text:sub(quote + 1, last - 1):gsub("\\(.)", function(char) return char == "n" and "\n" or char end)
    at = last + 1
  end
end

local function line_of(lines, labels)
  local key = (labels.group or "") .. "\0" .. (labels.event_type or "")
  if not lines[key] then
    lines[key] = { group = labels.group, event = labels.event_type }
    lines[#lines + 1] = lines[key]
  end
  return lines[key]
end

local OUTCOMES <const> = { ack = "handled", acked = "handled", retry = "retried", dead = "dead", skip = "skipped",
                           skipped = "skipped" }

-- What each sample says about its line.
---@type table<string, fun(line: table, labels: table<string, string>, value: number)>
local readers = {}

function readers.docmsg_handler_messages_total(line, labels, value)
  local field = OUTCOMES[labels.outcome]
  if field then line[field] = math.tointeger(value) end
end

readers.docmsg_messages_total = readers.docmsg_handler_messages_total

function readers.docmsg_retries_total(line, _, value) line.retried = math.tointeger(value) end

function readers.docmsg_handler_duration_seconds_sum(line, _, value) line.seconds = value end

function readers.docmsg_handler_duration_seconds_count(line, _, value) line.runs = value end

-- What each sample says about what was emitted.
---@type table<string, fun(line: table, labels: table<string, string>, value: number)>
local emitted_readers = {}

function emitted_readers.docmsg_emitted_messages_total(line, labels, value)
  line[labels.result] = math.tointeger(value)
end

function emitted_readers.docmsg_emitted_bytes_total(line, _, value) line.bytes = math.tointeger(value) end

local QUANTILES <const> = { ["0.5"] = "p50_ms", ["0.95"] = "p95_ms", ["0.99"] = "p99_ms", ["1"] = "max_ms" }

function emitted_readers.docmsg_emit_latency_seconds(line, labels, value)
  line[QUANTILES[labels.quantile]] = value * 1000
end

function emitted_readers.docmsg_emit_latency_seconds_sum(line, _, value) line.seconds = value end

function emitted_readers.docmsg_emit_latency_seconds_count(line, _, value) line.runs = value end

-- The lines in their order; counts that no sample told are `zeroes`.
local function settle(lines, zeroes)
  table.sort(lines, function(a, b)
    if a.group ~= b.group then return (a.group or "") < (b.group or "") end
    return (a.event or "") < (b.event or "")
  end)
  local result = {}
  for i, line in ipairs(lines) do
    if line.runs and line.runs > 0 then line.mean_ms = line.seconds / line.runs * 1000 end
    for _, name in ipairs(zeroes) do line[name] = line[name] or 0 end
    line.seconds, line.runs, result[i] = nil, nil, line
  end
  return result
end

---Reads the figures.
---@param text string of /metrics
---@return docmsg.Figures[] lines for each group, first all of it, then each event type
---@return docmsg.EmittedFigures[] emitted for each event type
function M.read(text)
  local handled, emitted = {}, {}
  for sample in text:gmatch "[^\n]+" do
    local name, labels, value = sample:match "^([%w_]+){(.*)} (%S+)$"
    local named = labels_of(labels or "")
    local reader, lines = readers[name], handled
    if not named.group then reader, lines = emitted_readers[name], emitted end
    if reader then reader(line_of(lines, named), named, tonumber(value)) end
  end
  return settle(handled, { "handled", "retried", "dead", "skipped" }), settle(emitted, { "sent", "failed", "bytes" })
end

return M
