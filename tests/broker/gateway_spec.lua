-- SPDX-License-Identifier: MIT
-- The gateway on Apache Kafka, beside the pipeline, and killed at any moment.
local await = require "support.await"
local broker = require "support.broker"
local gateway = require "support.gateway"
local json = require "docmsg.json"
local process = require "support.process"
local program = require "support.program"
local script = require "support.script"
local system = require "system"
local workflow = require "support.workflow"

local PDF <const> = [[
%PDF-1.1
1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj
2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj
3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 300 100] /Contents 4 0 R
  /Resources << /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >> endobj
4 0 obj << /Length 58 >> stream
BT /F 12 Tf 20 50 Td (The gander lives at the pond.) Tj ET
endstream endobj
trailer << /Root 1 0 R >>
]]

local UPLOADS <const>, CLIENTS <const>, KILLS <const> = 1000, 8, 4

local seed = math.tointeger(os.getenv "DOCMSG_TEST_SEED") or os.time()

-- Uploads numbers from..to, each again until it is answered with 200, and prints "NUMBER ID" then.
local CLIENT <const> = [[
port=$1
upload() {
  local form code id line
  form=$'--frontier\r\nContent-Disposition: form-data; name="file"; filename="'$1$'.txt"\r\n\r\ncontent of '$1$'\r\n--frontier--\r\n'
  exec 3<>"/dev/tcp/127.0.0.1/$port" || return 1
  printf 'POST /api/v1/upload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=frontier\r\nContent-Length: %d\r\n\r\n%s' \
    ${#form} "$form" >&3 || return 1
  while IFS= read -r -t 30 -u 3 line; do
    case $line in
      'HTTP/1.1 200'*) code=200 ;;
      *'"document_id"'*) id=${line#*'"document_id":"'}; id=${id%%'"'*} ;;
    esac
  done
  exec 3>&-
  [ "$code" = 200 ] && [ -n "$id" ] && echo "$1 $id"
}
for ((i = $2; i <= $3; i++)); do
  until upload "$i" 2>/dev/null; do read -r -t 0.05 <> <(:); done
done
]]

local function start_clients(port)
  local clients = {}
  for i = 1, CLIENTS do
    local from, to = (i - 1) * UPLOADS // CLIENTS + 1, i * UPLOADS // CLIENTS
    clients[i] = process.start { "bash", "-c", CLIENT, "bash", port, tostring(from), tostring(to), limit = 400 }
  end
  return clients
end

-- What the clients were told: the ids, by number.
local function told(clients)
  local ids, count = {}, 0
  for _, client in ipairs(clients) do
    for number, id in client:stdout():gmatch "(%d+) ([%x-]+)\n" do
      ids[id], count = math.tointeger(number), count + 1
    end
  end
  return ids, count
end

-- Where document-received ends now, by partition.
local function ends(cluster)
  local admin <close> = cluster:admin()
  local queries, result = {}, {}
  for partition = 0, 5 do queries[partition + 1] = { topic = "document-received", partition = partition, at = "latest" } end
  for _, entry in ipairs(assert(admin:list_offsets(queries))) do result[entry.partition] = entry.offset end
  return result
end

-- The events that came between two ends.
local function events(cluster, from, to)
  local consumer <close> = cluster:consumer { group = "gateway-spec" }
  local places, left, all = {}, 0, {}
  for partition = 0, 5 do
    places[#places + 1] = { topic = "document-received", partition = partition, offset = from[partition] }
    left = left + to[partition] - from[partition]
  end
  assert(consumer:assign(places))
  await(function()
    for _, message in ipairs(assert(consumer:batch(1000, "100ms"))) do
      all[#all + 1], left = assert(json.decode(message.value)).parsed_document, left - 1
    end
    return left <= 0
  end, "60s", "the events")
  return all
end

describe("the gateway on Apache Kafka", function()
  local cluster

  setup(function()
    cluster = broker.connect()
    assert(script.run({ "setup.lua" }, { servers = cluster.bootstrap_servers }).ok)
  end)

  it("brings an uploaded file to the consumer's log", function()
    local gate <close> = gateway.start { servers = cluster.bootstrap_servers }
    local env = { DOCMSG_DATA_DIR = gate.folder }
    local pipeline <close> = script.start({ "run", "pipeline.lua", "--workers", "1" },
      { servers = cluster.bootstrap_servers, env = env, limit = 120 })
    gate:await_ready()
    local response, data = gate:upload("uploaded_file.pdf", PDF)
    assert.equal(200, response.code, response.body)
    pipeline:await_stderr("Received document: " .. data.document_id:gsub("%-", "%%-"), "60s")
    pipeline:await_stderr("📄 Document filename: uploaded_file%.pdf", "60s")
    local shown
    await(function()
      shown = select(2, gate:ask("GET", "/api/v1/status/" .. data.document_id))
      return shown.status == "completed"
    end, "60s", "the document to be through")
    assert.equal(9, #shown.stages)
    assert.equal("document-received", shown.stages[1].stage)
    local rejected = select(2, gate:upload("picture.png", "no text"))
    await(function()
      shown = select(2, gate:ask("GET", "/api/v1/status/" .. rejected.document_id))
      return shown.status == "failed"
    end, "60s", "the picture to be rejected")
    assert.same({ "document-received", "document_consumer_group" }, { shown.failed_stage, shown.failed_group })
    assert.truthy(shown.reason:find("character recognition", 1, true), shown.reason)
    local _, consumers = gate:ask("GET", "/api/v1/consumers")
    local letters
    for _, consumer in ipairs(consumers.consumers) do
      if consumer.group == "document_consumer_group" then letters = consumer.dead_letters end
    end
    assert.truthy(letters and letters >= 1)
    local _, topics = gate:ask("GET", "/api/v1/topics")
    assert.equal(#workflow.topics, #topics.topics)
  end)

  it("never says 200 without the event and the file, nor has an event without its file, when it is killed", function()
    print("seed " .. seed)
    math.randomseed(seed)
    local before = ends(cluster)
    local folder = program.folder()
    finally(function() program.remove(folder) end)
    local gate = gateway.start { servers = cluster.bootstrap_servers, folder = folder }
    gate:await_ready()
    local port = gate.address:match "%d+$"
    local clients = start_clients(port)
    for i = 1, KILLS do
      local point = math.random((i - 1) * UPLOADS // KILLS, i * UPLOADS // KILLS - 1)
      await(function() return select(2, told(clients)) >= point end, "2m", point .. " uploads")
      local later = system.monotime() + math.random() * 0.02
      await(function() return system.monotime() >= later end)
      gate.process:kill "KILL"
      gate:close()
      gate = gateway.start { servers = cluster.bootstrap_servers, folder = folder, words = { "--port", port } }
    end
    await(function()
      assert(gate.process:is_running(), gate.process:stderr())
      return select(2, told(clients)) == UPLOADS
    end, "4m", "all uploads")
    gate:close()
    for _, client in ipairs(clients) do client:wait() end

    local ids, count = told(clients)
    assert.equal(UPLOADS, count)
    local seen = {}
    for _, parsed in ipairs(events(cluster, before, ends(cluster))) do
      assert.is_nil(seen[parsed.document_id], "published twice")
      seen[parsed.document_id] = true
      local content = program.read(("%s/files/%s"):format(folder, parsed.content_ref.path))
      assert.equal(parsed.content_ref.bytes, #content)
      assert.equal("content of " .. parsed.metadata.filename:match "%d+", content)
    end
    for name in program.capture(("find %s/files -type f -name '[0-9a-f]*' ! -perm -1000 -printf '%%f\\n'"):format(folder)):gmatch "[^\n]+" do
      assert.truthy(seen[name:match "^[^.]+"], name .. " is not in Kafka, and not marked")
    end
    for id, number in pairs(ids) do
      assert.truthy(seen[id], ("upload %d, %s, is not in Kafka"):format(number, id))
    end
  end)
end)
