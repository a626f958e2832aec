-- SPDX-License-Identifier: MIT
-- The figures of a running application, read from the text that it tells them in (docmsg.metrics). Pure.
local M = {}

---One line of figures.
---@class docmsg.Figures
---@field group string
---@field event? string its type; nil: all of the group
---@field handled integer
---@field retried integer
---@field dead integer
---@field skipped integer
---@field mean_ms? number how long a handler runs
---@field lag? integer records behind, of the whole group

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
  local key = labels.group .. "\0" .. (labels.event_type or "")
  if not lines[key] then
    lines[key] = { group = labels.group, event = labels.event_type, handled = 0, retried = 0, dead = 0, skipped = 0 }
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

local function settle(lines)
  table.sort(lines, function(a, b)
    if a.group ~= b.group then return a.group < b.group end
    return (a.event or "") < (b.event or "")
  end)
  local result = {}
  for i, line in ipairs(lines) do
    if line.runs and line.runs > 0 then line.mean_ms = line.seconds / line.runs * 1000 end
    line.seconds, line.runs, result[i] = nil, nil, line
  end
  return result
end

---Reads the figures.
---@param text string of /metrics
---@return docmsg.Figures[] lines for each group, first all of it, then each event type
function M.read(text)
  local lines = {}
  for sample in text:gmatch "[^\n]+" do
    local name, labels, value = sample:match "^([%w_]+){(.*)} (%S+)$"
    local reader, named = name and readers[name], labels_of(labels or "")
    if reader and named.group then reader(line_of(lines, named), named, tonumber(value)) end
  end
  return settle(lines)
end

return M
