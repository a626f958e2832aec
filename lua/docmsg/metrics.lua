-- SPDX-License-Identifier: MIT
-- The figures of a runner as text for Prometheus, version 0.0.4 of its format. Pure: what
-- `runner:stats()` gives goes in, text comes out.
local M = {}

---The content type of the text.
M.TYPE = "text/plain; version=0.0.4; charset=utf-8"

local ESCAPES <const> = { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }

-- Labels as `{a="x",b="y"}`, in the order of their list.
local function labels_of(labels)
  local parts = {}
  for i = 1, #labels, 2 do
    parts[#parts + 1] = ('%s="%s"'):format(labels[i], tostring(labels[i + 1]):gsub('[\\"\n]', ESCAPES))
  end
  return #parts > 0 and "{" .. table.concat(parts, ",") .. "}" or ""
end

local function number(value)
  if math.type(value) == "integer" then return ("%d"):format(value) end
  if value == math.huge then return "+Inf" end
  return ("%.15g"):format(value)
end

-- One text under construction.
local Text = {}
Text.__index = Text

function Text:family(name, kind, help)
  self[#self + 1] = ("# HELP %s %s\n# TYPE %s %s\n"):format(name, help, name, kind)
  self.name = name
end

function Text:sample(value, labels, suffix)
  self[#self + 1] = ("%s%s%s %s\n"):format(self.name, suffix or "", labels_of(labels), number(value))
end

-- Keys in a lasting order, so that two texts can be compared.
local function sorted(map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = key end
  table.sort(keys)
  return ipairs(keys)
end

local function sample_each(text, map, group, label)
  for _, key in sorted(map) do text:sample(map[key], { "group", group, label, key }) end
end

local function histogram(text, stats, bounds, labels)
  local below = table.move(labels, 1, #labels, 1, {})
  local total = 0
  for i, count in ipairs(stats.classes) do
    total = total + count
    below[#labels + 1], below[#labels + 2] = "le", number(bounds[i] or math.huge)
    text:sample(total, below, "_bucket")
  end
  text:sample(stats.seconds + 0.0, labels, "_sum")
  text:sample(total, labels, "_count")
end

---A family that every group has: name, type, help, and what writes the samples of one group.
---@alias docmsg.metrics.Family [string, string, string, docmsg.metrics.Write]

---@alias docmsg.metrics.Write fun(text: table, group: string, stats: docmsg.GroupStats, bounds: number[])

---@type docmsg.metrics.Family[]
local FAMILIES <const> = {
  { "docmsg_handler_messages_total", "counter", "Runs of handlers by what they came to.",
    function(text, group, stats)
      for _, event_type in sorted(stats.types) do
        for _, outcome in sorted(stats.types[event_type].outcomes) do
          text:sample(stats.types[event_type].outcomes[outcome],
            { "group", group, "event_type", event_type, "outcome", outcome })
        end
      end
    end },
  { "docmsg_handler_duration_seconds", "histogram",
    "How long handlers ran, until what they emitted was with the producer.",
    function(text, group, stats, bounds)
      for _, event_type in sorted(stats.types) do
        histogram(text, stats.types[event_type], bounds, { "group", group, "event_type", event_type })
      end
    end },
  { "docmsg_lane_busy_seconds_total", "counter", "How long each lane has run handlers.",
    function(text, group, stats)
      for lane, seconds in ipairs(stats.busy) do text:sample(seconds + 0.0, { "group", group, "lane", lane }) end
    end },
  { "docmsg_messages_total", "counter", "Records that ended, by their outcome.",
    function(text, group, stats)
      for _, outcome in ipairs { "acked", "cancelled", "dead", "skipped" } do
        text:sample(stats[outcome], { "group", group, "outcome", outcome })
      end
    end },
  { "docmsg_messages_in_flight", "gauge", "Records that were taken and have not ended.",
    function(text, group, stats) text:sample(stats.in_flight, { "group", group }) end },
  { "docmsg_unaccounted_messages", "gauge",
    "Records that were taken and neither ended nor are in flight; not 0 is a fault of docmsg-lua.",
    function(text, group, stats) text:sample(stats.unaccounted, { "group", group }) end },
  { "docmsg_consumer_lag_messages", "gauge", "Records from the first that is not settled to the end.",
    function(text, group, stats)
      for _, place in ipairs(stats.places) do
        if place.lag then
          text:sample(place.lag, { "group", group, "topic", place.topic, "partition", place.partition })
        end
      end
    end },
  { "docmsg_consumer_oldest_unsettled_seconds", "gauge", "Age of the oldest record in flight; 0 without one.",
    function(text, group, stats) text:sample((stats.oldest_ms or 0) / 1000, { "group", group }) end },
  { "docmsg_keys_parked", "gauge", "Keys that wait for a retry.",
    function(text, group, stats) text:sample(stats.parked_keys, { "group", group }) end },
  { "docmsg_partitions", "gauge", "Partitions that are held.",
    function(text, group, stats) text:sample(stats.partitions, { "group", group }) end },
  { "docmsg_partitions_paused", "gauge", "Partitions that are not read for now, by the limit that was reached.",
    function(text, group, stats) sample_each(text, stats.holds, group, "reason") end },
  { "docmsg_retries_total", "counter", "Attempts that were put off to another one.",
    function(text, group, stats) text:sample(stats.retries, { "group", group }) end },
  { "docmsg_dead_letters_total", "counter", "Records that were set aside, by reason.",
    function(text, group, stats) sample_each(text, stats.reasons, group, "reason") end },
  { "docmsg_dead_letter_failures_total", "counter", "Dead letters that the broker refused; they are tried again.",
    function(text, group, stats) text:sample(stats.dead_failures, { "group", group }) end },
  { "docmsg_commits_total", "counter", "Commits of offsets by their result.",
    function(text, group, stats)
      text:sample(stats.commits, { "group", group, "result", "ok" })
      text:sample(stats.commit_failures, { "group", group, "result", "failed" })
    end },
  { "docmsg_rebalances_total", "counter", "Changes of the assignment by kind.",
    function(text, group, stats) sample_each(text, stats.rebalances, group, "kind") end },
}

local QUANTILES <const> = { { "0.5", "p50" }, { "0.95", "p95" }, { "0.99", "p99" }, { "1", "max" } }

-- What became of what handlers emitted, by event type.
local function write_emitted(text, types)
  text:family("docmsg_emitted_messages_total", "counter", "Emitted events by whether the broker has them.")
  for _, event_type in sorted(types) do
    for _, result in ipairs { "failed", "sent" } do
      text:sample(types[event_type][result], { "event_type", event_type, "result", result })
    end
  end
  text:family("docmsg_emitted_bytes_total", "counter", "Bytes of the values of emitted events that the broker has.")
  for _, event_type in sorted(types) do text:sample(types[event_type].bytes, { "event_type", event_type }) end
  text:family("docmsg_emit_latency_seconds", "summary",
    "From handing an emitted event to the producer to the broker's acknowledgement, since the start.")
  for _, event_type in sorted(types) do
    local stats, labels = types[event_type], { "event_type", event_type }
    for _, quantile in ipairs(stats.sent > 0 and QUANTILES or {}) do
      text:sample(stats[quantile[2]] + 0.0, { "event_type", event_type, "quantile", quantile[1] })
    end
    text:sample(stats.seconds + 0.0, labels, "_sum")
    text:sample(stats.sent, labels, "_count")
  end
end

local function write_process(text, stats)
  if stats.reloads then
    text:family("docmsg_reloads_total", "counter", "Reloads of the scripts by their result.")
    for _, result in sorted(stats.reloads) do text:sample(stats.reloads[result], { "result", result }) end
  end
  text:family("docmsg_produced_messages_total", "counter", "Emitted events and dead letters that the broker has.")
  text:sample(stats.emitter.produced, {})
  text:family("docmsg_produce_errors_total", "counter", "Emitted events and dead letters that were refused for good.")
  text:sample(stats.emitter.failed, {})
  write_emitted(text, stats.emitter.types)
end

---Renders what `runner:stats()` gives.
---@param stats docmsg.RunnerStats
---@param bounds number[] `runtime.bounds`
---@return string
function M.render(stats, bounds)
  local text = setmetatable({}, Text)
  for _, family in ipairs(FAMILIES) do
    text:family(family[1], family[2], family[3])
    for _, group in sorted(stats.groups) do family[4](text, group, stats.groups[group], bounds) end
  end
  write_process(text, stats)
  return table.concat(text)
end

return M
