-- SPDX-License-Identifier: MIT
-- Plans and what became of them, as lines for a person.
local count = require("docmsg.output").count
local keys = require "docmsg.keys"
local planning = require "docmsg.topic.plan"
local property = require "docmsg.topic.property"

local M = {}

---@alias docmsg.topic.Paint fun(style: string, text: string): string

local MARKS <const> = { create = "+", ["config.safe"] = "~", ["config.risky"] = "~", grow = "^",
  repartition = "^", delete = "-", blocked = "!" }
local STYLES <const> = { create = "green", ["config.safe"] = "green", ["config.risky"] = "yellow",
  grow = "green", repartition = "yellow", delete = "red", blocked = "red" }

local detail = {}

function detail.create(change)
  local parts = { ("%s, replication factor %d"):format(count(change.partitions, "partition"),
    change.replication_factor) }
  for _, name in ipairs(keys.sorted(change.config)) do
    parts[#parts + 1] = ("%s=%s"):format(name, property.describe(name, change.config[name]))
  end
  return table.concat(parts, ", ")
end

function detail.config(change)
  local parts = {}
  for i, entry in ipairs(change.properties) do
    local from = entry.from and property.describe(entry.name, entry.from) or "not set"
    local to = entry.to and property.describe(entry.name, entry.to) or "inherited"
    parts[i] = ("%s %s → %s"):format(entry.name, from, to)
  end
  return table.concat(parts, ", ")
end

function detail.grow(change)
  return ("%d → %d partitions"):format(change.from, change.to)
end

function detail.repartition(change)
  return ("%d → %d: %.1f %% of keys change partition"):format(change.from, change.to, change.moved * 100)
end

function detail.delete(change)
  return count(change.partitions, "partition") .. " with all records"
end

function detail.blocked(change)
  return change.reason
end

detail["config.safe"], detail["config.risky"] = detail.config, detail.config

---What a change does, without its topic.
---@param change docmsg.topic.Change
---@return string
function M.detail(change)
  return detail[change.class](change)
end

local function pad(text, width)
  return text .. (" "):rep(width - #text)
end

-- Rows of a mark, a topic, a word and a text, aligned.
local function align(rows)
  local topic, word, lines = 0, 0, {}
  for _, row in ipairs(rows) do
    topic, word = math.max(topic, #row.topic), math.max(word, #row.word)
  end
  for i, row in ipairs(rows) do
    local line = ("%s %s  %s  %s"):format(row.mark, pad(row.topic, topic), pad(row.word, word), row.text)
    lines[i] = row.paint((line:gsub(" +$", "")))
  end
  return lines
end

local function plain(text) return text end

local function change_rows(plan, paint, rows)
  for _, change in ipairs(plan.changes) do
    local needs = change.needs and ("   needs --allow %s"):format(change.needs) or ""
    rows[#rows + 1] = { mark = MARKS[change.class], topic = change.topic, word = change.class,
      text = M.detail(change) .. needs,
      paint = function(text) return paint(STYLES[change.class], text) end }
  end
end

local function other_rows(plan, rows)
  for _, kept in ipairs(plan.kept) do
    rows[#rows + 1] = { mark = "=", topic = kept.topic, word = "kept", paint = plain,
      text = ("%s=%s is not declared, left alone"):format(kept.name, property.describe(kept.name, kept.value)) }
  end
  for _, name in ipairs(plan.undeclared) do
    rows[#rows + 1] = { mark = "?", topic = name, word = "", text = "not declared, left alone", paint = plain }
  end
end

local function summary(plan)
  local counts, parts = planning.count(plan), {}
  for _, kind in ipairs { "create", "change", "delete", "blocked" } do
    if counts[kind] > 0 then parts[#parts + 1] = ("%d %s"):format(counts[kind], kind) end
  end
  parts[#parts + 1] = ("%d unchanged"):format(plan.unchanged)
  return "Plan: " .. table.concat(parts, ", ")
end

---A plan.
---@param plan docmsg.Plan
---@param paint? docmsg.topic.Paint
---@return string[] lines
function M.plan(plan, paint)
  local rows = {}
  local head = ("cluster %s (%s)   %s: %d declared, %d exist"):format(plan.cluster.id or "?",
    count(#plan.cluster.brokers, "broker"), plan.file, plan.declared, plan.existing)
  change_rows(plan, paint or function(_, text) return text end, rows)
  other_rows(plan, rows)
  local lines = align(rows)
  table.insert(lines, 1, head)
  lines[#lines + 1] = summary(plan)
  return lines
end

---What became of a plan's changes.
---@param results docmsg.topic.Result[]
---@param paint? docmsg.topic.Paint
---@return string[] lines
function M.results(results, paint)
  local rows, counts, order = {}, {}, {}
  for i, result in ipairs(results) do
    local why = result.error and tostring(result.error) or result.reason
    local fine = result.status == "done" or result.status == "already"
    rows[i] = { mark = MARKS[result.class], topic = result.topic, word = result.class,
      text = result.status .. (why and ": " .. why or ""),
      paint = function(text) return paint and not fine and paint("red", text) or text end }
    if not counts[result.status] then order[#order + 1] = result.status end
    counts[result.status] = (counts[result.status] or 0) + 1
  end
  local lines, parts = align(rows), {}
  for i, status in ipairs(order) do parts[i] = ("%d %s"):format(counts[status], status) end
  lines[#lines + 1] = "Apply: " .. (#parts > 0 and table.concat(parts, ", ") or "nothing to do")
  return lines
end

return M
