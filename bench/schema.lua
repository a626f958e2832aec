-- SPDX-License-Identifier: MIT
-- CPU time of reading and writing an event of about 250 bytes with its schema, beside lua-cjson
-- alone, which checks nothing.
-- usage: docmsg-lua bench/schema.lua [ROUNDS]
local cjson = require "cjson"
local json = require "docmsg.json"
local s = require "docmsg.schema"

local rounds = math.tointeger((...) or 300000)

local id = s.string { min = 1, max = 256, control = false }
local Event = s.record {
  document_id = id,
  filename = s.string,
  workflow_types = s.array(s.string, { min = 1 }),
  status = s.default(s.string, "initialized"),
  page_count = s.integer { min = 1 },
  file_size = s.integer { min = 0 },
  score = s.number,
  timestamp = s.datetime,
  user_id = id,
}

local TEXT <const> = [[{"document_id":"0191b2c3-1111-7222-8333-abcdefabcdef","workflow_types":["rag","extraction"],]]
  .. [["status":"initialized","page_count":12,"file_size":123456,"score":0.25,]]
  .. [["timestamp":"2026-11-25T08:00:00Z","filename":"uploaded_file.pdf","user_id":"default_user"}]]

-- CPU time of a call in µs, of the best of five turns.
local function measure(name, call)
  local best = math.huge
  for _ = 1, 5 do
    local start = os.clock()
    for _ = 1, rounds // 5 do call() end
    best = math.min(best, (os.clock() - start) / (rounds // 5) * 1e6)
  end
  print(("%-32s %6.2f µs"):format(name, best))
end

local decode, encode, check = Event:decoder(), Event:encoder(), Event:checker()
local value = assert(decode(TEXT))

print(("%d bytes of JSON"):format(#TEXT))
measure("lua-cjson decode", function() return cjson.decode(TEXT) end)
measure("docmsg.json decode", function() return json.decode(TEXT) end)
measure("schema decode", function() return decode(TEXT) end)
measure("schema check", function() return check(value) end)
measure("lua-cjson encode", function() return cjson.encode(value) end)
measure("docmsg.json encode", function() return json.encode(value) end)
measure("schema encode", function() return encode(value) end)
