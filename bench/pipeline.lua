-- SPDX-License-Identifier: MIT
-- Consumes events of about 250 bytes, decodes, handles and encodes them, emits one for each with its
-- envelope, and commits: the pipeline that tools/bench compares with other clients.
--
--   docmsg-lua bench/pipeline.lua SERVERS IN OUT EVENTS WORKERS
local docmsg = require "docmsg"
local loader = require "docmsg.loader"
local s = docmsg.schema

local servers, from, to, events, workers = table.unpack(arg)

local data = s.record {
  document_id = s.string, user_id = s.string, status = s.string, chunk_count = s.integer,
  page = s.integer, score = s.number, tags = s.array(s.string), text = s.string,
}
local app = docmsg.app {
  name = "bench",
  events = {
    received = { topic = from, key = "document_id", data = data },
    handled = { topic = to, key = "document_id", data = data },
  },
}
app:consumer("bench-" .. to):on("received", { emits = { "handled" } }, function(event, ctx)
  local received = event.data
  received.status = "handled"
  received.chunk_count = received.chunk_count + 1
  ctx:emit("handled", received)
end)

if loader.is_loading() then return app end

local measure = dofile(arg[0]:gsub("[^/]*$", "measure.lua"), nil)
require("docmsg.kafka").defaults { bootstrap_servers = servers }
local runner <close> = assert(require("docmsg.runner").start(app, {
  script = arg[0], arguments = arg, workers = math.tointeger(workers),
  log = require("docmsg.log").new { level = "warn" },
}))
local group = "bench-" .. to
local wanted = math.tointeger(events)
local finish = measure.start()
repeat
  for _ = 1, 4 do runner:step "2ms" end
until runner:stats().groups[group].acked >= wanted
assert(runner:close(), "not everything was delivered")
finish(wanted)
