-- SPDX-License-Identifier: MIT
-- CPU time of one event through docmsg.dispatch, without Kafka: envelope read, 250 bytes of JSON
-- decoded and checked, a handler that emits an event of the same size, that event encoded. The
-- record is a table that answers at once.
-- usage: docmsg-lua bench/dispatch.lua [ROUNDS]
local dispatch = require "docmsg.dispatch"
local docmsg = require "docmsg"
local s = require "docmsg.schema"

local rounds = math.tointeger((...) or 300000)

local id = s.string { min = 1, max = 256, control = false }
local data = s.record {
  document_id = id, filename = s.string, workflow_types = s.array(s.string, { min = 1 }),
  status = s.default(s.string, "initialized"), page_count = s.integer { min = 1 },
  file_size = s.integer { min = 0 }, score = s.number, timestamp = s.datetime, user_id = id,
}

local TEXT <const> = [[{"document_id":"0191b2c3-1111-7222-8333-abcdefabcdef","workflow_types":["rag","extraction"],]]
  .. [["status":"initialized","page_count":12,"file_size":123456,"score":0.25,]]
  .. [["timestamp":"2026-11-25T08:00:00Z","filename":"uploaded_file.pdf","user_id":"default_user"}]]

local HEADERS <const> = { ce_type = "received", ce_specversion = "1.0", ce_source = "bench",
                          ce_id = "0191b2c3-1111-7222-8333-abcdefabcdef" }

local work = { topic = "received", partition = 0, offset = 0, key = "k", value = TEXT, attempt = 1,
               timestamp = 1700000000000 }
function work.header(_, name) return HEADERS[name] end
function work.envelope() return "received", "1.0", HEADERS.ce_id, nil, nil, nil, "received" end
function work.emit() return true end

local function measure(name, on)
  local app = docmsg.app { name = "bench", events = {
    received = { key = "document_id", data = data }, done = { key = "document_id", data = data } } }
  local consumer = app:consumer("g")
  on(consumer)
  local run = dispatch.compile(app, consumer)
  local best = math.huge
  for _ = 1, 5 do
    local start = os.clock()
    for _ = 1, rounds // 5 do assert(run(work) == dispatch.ACK) end
    best = math.min(best, (os.clock() - start) / (rounds // 5) * 1e6)
  end
  print(("%-40s %6.2f µs"):format(name, best))
end

measure("lazy handler that does nothing", function(consumer)
  consumer:on("received", { lazy = true }, function() end)
end)
measure("handler that does nothing", function(consumer)
  consumer:on("received", function() end)
end)
measure("handler that emits what it got", function(consumer)
  consumer:on("received", function(event, ctx) ctx:emit("done", event.data) end)
end)
