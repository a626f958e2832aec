-- SPDX-License-Identifier: MIT
-- Fields of a document, found by patterns: labelled lines ("Total: 12 EUR"), a title, dates, addresses,
-- amounts. What is found is what is written; nothing is concluded from it.
local M = {}

-- Values that are known by their looks.
local PATTERNS <const> = {
  { "date", "date", "a date, YYYY-MM-DD", "%f[%d]%d%d%d%d%-%d%d%-%d%d%f[%D]" },
  { "email", "email", "an e-mail address", "[%w._%%+-]+@[%w-]+%.[%w.-]*%w" },
  { "url", "url", "a web address", "https?://[%w._~:/?#%[%]@!$&'()*+,;=%%-]+" },
  { "amount", "amount", "an amount of money", "%f[%d]%d[%d,.]* ?[EU][US][RD]%f[%W]" },
}

local LABEL <const> = "^[%s*>-]*([%a\x80-\xFF][%w\x80-\xFF _-]*):%s+(%S.-)%s*$"
local TITLE <const> = "^#+%s+(%S.-)%s*$"
local MAX_LABEL <const>, MAX_VALUE <const>, MAX_FIELDS <const> = 40, 500, 100

-- How sure a value is: one with its name beside it, a title, one that alone looks like it, one of many.
local LABELLED <const>, TITLED <const>, ALONE <const>, ONE_OF_MANY <const> = 0.95, 0.9, 0.8, 0.6

local function field_name(label)
  return (label:lower():gsub("[%s-]+", "_"))
end

-- Calls `found` with name and value of each line that has a label.
local function each_label(text, found)
  for line in text:gmatch "[^\r\n\f]+" do
    local label, value = line:match(LABEL)
    if label and #label <= MAX_LABEL and #value <= MAX_VALUE then found(field_name(label), value) end
  end
end

local function title_of(text)
  for line in text:gmatch "[^\r\n\f]+" do
    local title = line:match(TITLE)
    if title and #title <= MAX_VALUE then return title end
  end
end

---Finds which fields a text has.
---@param text string
---@return FieldSpecification[] in a fixed order, each name once
function M.discover(text)
  local specs, known = {}, {}
  local function add(name, kind, description, required)
    if known[name] or #specs == MAX_FIELDS then return end
    known[name] = true
    specs[#specs + 1] = { field_name = name, field_type = kind, description = description, validation_rules = {},
      is_required = required or false }
  end
  if title_of(text) then add("title", "title", "the first heading", true) end
  each_label(text, function(name) add(name, "label", "what follows the label in a line") end)
  for _, pattern in ipairs(PATTERNS) do
    if text:find(pattern[4]) then add(pattern[1], pattern[2], pattern[3]) end
  end
  return specs
end

-- The first value of each label.
local function labels_of(text)
  local values = {}
  each_label(text, function(name, value) values[name] = values[name] or value end)
  return values
end

local function by_pattern(text, pattern)
  local first, others
  for value in text:gmatch(pattern) do
    others = first ~= nil and value ~= first or others
    first = first or value
  end
  return first, others and ONE_OF_MANY or ALONE
end

---Reads the values of fields from a text.
---@param text string
---@param specs FieldSpecification[]
---@return table<string, string> values
---@return table<string, number> confidence from 0 to 1
function M.extract(text, specs)
  local values, confidence, labels, patterns = {}, {}, labels_of(text), {}
  for _, pattern in ipairs(PATTERNS) do patterns[pattern[2]] = pattern[4] end
  for _, spec in ipairs(specs) do
    local name, value, sure = spec.field_name, labels[spec.field_name], LABELLED
    if spec.field_type == "title" then
      value, sure = title_of(text), TITLED
    elseif patterns[spec.field_type] then
      value, sure = by_pattern(text, patterns[spec.field_type])
    end
    if value then values[name], confidence[name] = value, sure end
  end
  return values, confidence
end

return M
