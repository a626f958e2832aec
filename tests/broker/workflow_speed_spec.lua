-- SPDX-License-Identifier: MIT
-- How long the document workflow takes for many documents, and how much memory. It owns the 13 topics.
local await = require "support.await"
local broker = require "support.broker"
local docmsg = require "docmsg"
local flow = require "support.flow"
local kafka = require "docmsg.kafka"
local load = require "support.load"
local program = require "support.program"
local random = require "support.random"
local script = require "support.script"
local system = require "system"

local DOCUMENTS <const>, BYTES <const>, QUERIES <const> = 200, 50 << 10, 10
local SECONDS <const>, MIB <const> = 60, 250

-- A text of words from the project's own pages.
local function text_maker()
  local words, rng = {}, random.new(1)
  for word in program.read(script.root .. "docs/reference.md"):gmatch "%a+" do words[#words + 1] = word end
  return function(number)
    local parts, length = { ("# Document %d\nKeeper: anna%d\n"):format(number, number) }, 0
    while length < BYTES do
      local word = rng:pick(words)
      parts[#parts + 1] = word .. (rng:below(12) == 0 and "\n" or " ")
      length = length + #word + 1
    end
    return table.concat(parts)
  end
end

local function peak_of(pid)
  return tonumber(program.read(("/proc/%d/status"):format(pid)):match "VmHWM:%s+(%d+) kB") / 1024
end

describe("the document workflow", function()
  it("takes 200 documents of 50 KiB through all topics within a minute, in less than 250 MiB", function()
    local cluster <close> = broker.connect()
    kafka.defaults { bootstrap_servers = cluster.bootstrap_servers }
    local folder <close> = setmetatable({ path = program.folder() }, { __close = function(self) program.remove(self.path) end })
    require("lib.data").use(folder.path)
    local store <close> = require("lib.store").open()
    local bus <close> = docmsg.bus { name = "spec", events = script.root .. "scripts/events.lua" }
    assert(script.run({ "setup.lua" }, { servers = cluster.bootstrap_servers }).ok)
    local running <close> = script.start({ "run", "pipeline.lua" }, { servers = cluster.bootstrap_servers,
      env = { DOCMSG_DATA_DIR = folder.path }, limit = 300 })
    for _, group in ipairs { "document", "extraction", "query", "rag" } do
      running:await_stderr(group .. "_consumer_group: %d+ partitions gained", "90s")
    end
    local make, start = text_maker(), system.monotime()
    local run = ("%08x"):format(math.random(0) & 0xffffffff)
    for i = 1, DOCUMENTS do
      assert(bus:publish_async("document-received", flow.document(("speed-%s-%d"):format(run, i), make(i))))
    end
    for i = 1, QUERIES do
      local id = ("speed-%s-%d"):format(run, i)
      assert(bus:publish_async("query-received", { query_id = id, user_query = { query_id = id,
        query_text = "Who is the keeper of document " .. i .. "?", query_type = "hybrid", user_id = "anna", filters = {} } }))
    end
    assert(bus:flush "60s")
    local function count(sql) return store.db:row(sql, "speed-" .. run .. "-%").count end
    await(function()
      return count "SELECT count(*) AS count FROM documents WHERE status = 'completed' AND document_id LIKE ?" == DOCUMENTS
        and count [[SELECT count(*) AS count FROM joins
                    WHERE stage = 'hybrid' AND completed_by IS NOT NULL AND owner LIKE ?]] == QUERIES
    end, "240s", "all documents and queries to be through")
    local seconds, peak = system.monotime() - start, peak_of(running.pid)
    running:kill "TERM"
    assert(running:wait().ok, running:wait().stderr)
    print(("    %d documents in %.1f s, %.0f MiB"):format(DOCUMENTS, seconds, peak))
    assert(seconds <= SECONDS * load.share(), ("%.1f s"):format(seconds))
    assert(peak < MIB, ("%.0f MiB"):format(peak))
  end)
end)
