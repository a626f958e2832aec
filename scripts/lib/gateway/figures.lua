-- SPDX-License-Identifier: MIT
-- The gateway's figures as text for Prometheus.
local M = {}

---The content type of the text.
M.TYPE = "text/plain; version=0.0.4; charset=utf-8"

local function family(lines, name, kind, help)
  lines[#lines + 1] = ("# HELP %s %s\n# TYPE %s %s"):format(name, help, name, kind)
end

local function http(lines, figures)
  family(lines, "docmsg_http_requests_total", "counter", "Requests that were answered, by the class of their answer.")
  for class, count in ipairs(figures.classes) do
    lines[#lines + 1] = ('docmsg_http_requests_total{class="%dxx"} %d'):format(class, count)
  end
  for _, entry in ipairs {
    { "docmsg_http_received_bytes_total", "counter", "Bytes of requests' bodies.", figures.received },
    { "docmsg_http_cut_off_total", "counter", "Requests that ended before they were answered.", figures.cut_off },
    { "docmsg_http_connections", "gauge", "Open connections.", figures.connections },
    { "docmsg_http_connections_max", "gauge", "Connections at a time; more are told to try again.",
      figures.connections_max },
    { "docmsg_http_streams", "gauge", "Who listens to the stream of events.", figures.streams },
  } do
    family(lines, entry[1], entry[2], entry[3])
    lines[#lines + 1] = ("%s %d"):format(entry[1], entry[4])
  end
end

local function uploads(lines, figures)
  family(lines, "docmsg_uploads_total", "counter", "Uploads that were stored, by what became of their event.")
  local outcomes = {}
  for outcome in pairs(figures) do outcomes[#outcomes + 1] = outcome end
  table.sort(outcomes)
  for _, outcome in ipairs(outcomes) do
    lines[#lines + 1] = ('docmsg_uploads_total{outcome="%s"} %d'):format(outcome, figures[outcome])
  end
end

local function produced(lines, types)
  local stats = types["document-received"] or { sent = 0, failed = 0, bytes = 0, pending = 0 }
  for _, entry in ipairs {
    { "docmsg_produced_messages_total", "counter", "Events that the broker has.", stats.sent },
    { "docmsg_produced_bytes_total", "counter", "Bytes of their data.", stats.bytes },
    { "docmsg_produce_errors_total", "counter", "Events that were not delivered.", stats.failed },
    { "docmsg_produce_pending", "gauge", "Events of which nothing is known yet.", stats.pending },
  } do
    family(lines, entry[1], entry[2], entry[3])
    lines[#lines + 1] = ("%s %d"):format(entry[1], entry[4])
  end
end

---@class gateway.Figures
---@field http docmsg.http.Figures
---@field uploads table<string, integer> by what became of them
---@field types table<string, docmsg.FlightStats> of what was published
---@field up boolean a broker is connected
---@field documents integer that are remembered
---@field held integer stored files of which nobody knows whether they were announced
---@field caught_up boolean their events have been read

---@param all gateway.Figures
---@return string
function M.render(all)
  local lines = {}
  http(lines, all.http)
  uploads(lines, all.uploads)
  produced(lines, all.types)
  for _, entry in ipairs {
    { "docmsg_kafka_up", "1 when a broker is connected.", all.up and 1 or 0 },
    { "docmsg_documents", "Documents that are remembered.", all.documents },
    { "docmsg_unsettled_files", "Stored files of which nobody knows yet whether they were announced.", all.held },
    { "docmsg_documents_complete", "1 when the events of earlier documents have been read.", all.caught_up and 1 or 0 },
  } do
    family(lines, entry[1], "gauge", entry[2])
    lines[#lines + 1] = ("%s %d"):format(entry[1], entry[3])
  end
  return table.concat(lines, "\n") .. "\n"
end

return M
