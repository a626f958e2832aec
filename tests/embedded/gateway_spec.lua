-- SPDX-License-Identifier: MIT
-- The gateway as its clients see it, on an embedded broker.
local await = require "support.await"
local client = require "support.http"
local gateway = require "support.gateway"
local json = require "docmsg.json"
local kafka = require "docmsg.kafka"
local process = require "support.process"
local program = require "support.program"
local script = require "support.script"
local workflow = require "support.workflow"

local TOKEN <const> = "a-token-of-many-letters"

local function create_topics(broker)
  local admin <close> = kafka.admin { bootstrap_servers = broker.bootstrap_servers }
  local topics = {}
  for i, topic in ipairs(workflow.topics) do topics[i] = { name = topic[1], partitions = topic[2] } end
  assert(admin:create_topics(topics))
end

local function start_broker()
  local broker = kafka.embedded { brokers = 1 }
  create_topics(broker)
  return broker
end

-- All records of a topic.
local function records(broker, topic)
  local consumer <close> = assert(kafka.consumer { bootstrap_servers = broker.bootstrap_servers, group = "reader",
    topics = { topic }, kafka = { ["auto.offset.reset"] = "earliest" } })
  local all = {}
  await(function()
    for _, message in ipairs(assert(consumer:batch(100, "100ms"))) do all[#all + 1] = message:copy() end
    return #all > 0
  end, "30s", "records of " .. topic)
  return all
end

-- Sends the halves of $3 uploads at once; the second ones when there is a file $2. Prints the codes.
local AT_ONCE <const> = [[form=$'--frontier\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
head=$'POST /api/v1/upload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=frontier\r\n'
for ((i = 0; i < $3; i++)); do exec {fd}<>"/dev/tcp/127.0.0.1/$1" || exit 1; fds+=($fd)
  printf '%sContent-Length: %d\r\n\r\n%s%1000s' "$head" $((${#form} + 1018)) "$form" x >&$fd; done
until [ -e "$2" ]; do read -r -t 0.05 <> <(:); done
for fd in "${fds[@]}"; do printf '1234\r\n--frontier--\r\n' >&$fd; done 2>/dev/null
for fd in "${fds[@]}"; do IFS=' ' read -r _ code _ <&$fd && echo "code $code"; done 2>/dev/null
:]]

-- Begins so many uploads, and when `until_` is so finishes them; the answers by their code.
local function upload_at_once(gate, count, until_)
  local go = gate.folder .. "/go"
  local clients <close> = process.start { "bash", "-c", AT_ONCE, "bash", gate.address:match "%d+$", go, tostring(count) }
  await(until_, "30s", "the beginnings of uploads")
  program.write(go, "")
  local codes = {}
  for code in clients:wait().stdout:gmatch "code (%d+)" do codes[code] = (codes[code] or 0) + 1 end
  return codes
end

describe("the gateway", function()
  it("stores a file, announces it, and tells what becomes of it", function()
    local broker <close> = start_broker()
    local gate <close> = gateway.start { servers = broker.bootstrap_servers }
    gate:await_ready()
    local listening <close> = client.start(gate.address, client.request("GET", "/api/v1/events"))
    listening:await_stdout "event: hello"
    local response, data = gate:upload("../dir/Ü.md", "# text", "bob")
    assert.equal(200, response.code, response.body)
    assert.same({ "Ü.md", "uploaded", 6 }, { data.filename, data.status, data.file_size })
    assert.same({ data.document_id .. ".md" }, gate:stored())
    assert.equal("# text", program.read(gate.files .. "/" .. data.document_id .. ".md"))

    local record = records(broker, "document-received")[1]
    assert.equal(data.document_id, record.key)
    local parsed = json.decode(record.value).parsed_document
    assert.equal(data.document_id .. ".md", parsed.content_ref.path)
    assert.equal(program.capture("printf '# text' | sha256sum"):match "^%x+", parsed.content_ref.sha256)
    assert.same({ "Ü.md", "text", "bob", 6 }, { parsed.metadata.filename, parsed.metadata.file_type,
      parsed.metadata.user_id, parsed.metadata.file_size })

    local shown
    await(function()
      shown = select(2, gate:ask("GET", "/api/v1/status/" .. data.document_id))
      return #shown.stages == 1
    end)
    assert.same({ "received", "document-received", "Ü.md" }, { shown.status, shown.stages[1].stage, shown.filename })
    listening:await_stdout('event: document\r?\ndata: [^\n]*"document%-received"')
    assert.equal(404, gate:ask("GET", "/api/v1/status/another").code)
    assert.equal(data.document_id, select(2, gate:ask("GET", "/api/v1/documents?limit=5")).documents[1].document_id)
    assert.equal(400, gate:ask("GET", "/api/v1/documents?limit=x").code)
  end)

  it("goes on after records that nobody should have sent", function()
    local broker <close> = start_broker()
    local gate <close> = gateway.start { servers = broker.bootstrap_servers }
    gate:await_ready()
    local listening <close> = client.start(gate.address, client.request("GET", "/api/v1/events"))
    listening:await_stdout "event: hello"
    local producer <close> = assert(kafka.producer { bootstrap_servers = broker.bootstrap_servers })
    for _, record in ipairs {
      { key = "\xff", value = "{}" },
      { key = "k", value = "{}", headers = { { "ce_type", "\xff" } } },
      { key = "odd", value = '{"parsed_document": {"metadata": {"filename": "\xff"}}}' },
    } do
      record.topic = "document-received"
      assert(producer:publish(record))
    end
    listening:await_stdout 'event: document\r?\ndata: [^\n]*"odd"'
    local response, list = gate:ask("GET", "/api/v1/documents")
    assert.same({ 200, 1 }, { response.code, #list.documents })
  end)

  it("is not ready before it has read what became of documents, and tells no states until then", function()
    local broker <close> = kafka.embedded { brokers = 1 }
    local gate <close> = gateway.start { servers = broker.bootstrap_servers }
    await(function() return gate:ask("GET", "/metrics").body:find("\ndocmsg_kafka_up 1\n", 1, true) end)
    local ready = gate:ask("GET", "/readyz")
    assert.same({ 503, "the events of documents are still being read\n" }, { ready.code, ready.body })
    local response, data = gate:ask("GET", "/api/v1/status/x")
    assert.same({ 503, "catching_up" }, { response.code, data.error.reason })
    assert.is_false(select(2, gate:ask("GET", "/api/v1/documents")).complete)
    create_topics(broker)
    gate:await_ready()
    assert.equal(404, gate:ask("GET", "/api/v1/status/x").code)
    assert.is_true(select(2, gate:ask("GET", "/api/v1/documents")).complete)
  end)

  it("knows all of the newest 10,000 documents after a restart, and nothing of others", function()
    local broker <close> = start_broker()
    local count, now = 10100, os.time() * 1000
    do
      local producer <close> = assert(kafka.producer { bootstrap_servers = broker.bootstrap_servers })
      for _, topic in ipairs { "document-received", "workflow-initialized", "ingestion-complete", "extraction-complete" } do
        for i = 1, count do -- a pipeline that was away: all are received before anything becomes of the first
          local ms = now - 2 * count + i + (topic == "document-received" and 0 or count)
          assert(producer:send { topic = topic, key = "d" .. i, value = "{}", timestamp = ms })
        end
        assert(producer:flush "30s")
      end
    end
    local gate <close> = gateway.start { servers = broker.bootstrap_servers }
    gate:await_ready()
    local states = {}
    for _, i in ipairs { 1, 100, 101, 5000, count } do
      local response, shown = gate:ask("GET", "/api/v1/status/d" .. i)
      states[#states + 1] = response.code == 200 and shown.status or response.code
    end
    assert.same({ 404, 404, "completed", "completed", "completed" }, states)
    assert.truthy(gate:ask("GET", "/metrics").body:find("docmsg_documents 10000\n", 1, true))
  end)

  it("takes 256 uploads at once where 300 files may be open, as far as that may be raised", function()
    local broker <close> = start_broker()
    local gate <close> = gateway.start { servers = broker.bootstrap_servers, ulimit = "-Sn 300" }
    gate:await_ready()
    assert.same({ ["200"] = 256 }, upload_at_once(gate, 256, function() return gate:writing() == 256 end))
    assert.equal(256, #gate:stored())
  end)

  it("takes as many uploads at once as files may be open, and says to others that it is busy", function()
    local broker <close> = start_broker()
    local gate <close> = gateway.start { servers = broker.bootstrap_servers, ulimit = "-n 300" }
    gate.process:await_stderr "11 connections at a time, not 256"
    gate:await_ready()
    local codes = upload_at_once(gate, 30, function()
      return gate:ask("GET", "/metrics").body:find 'requests_total{class="5xx"} [1-9]' and gate:writing() >= 10
    end)
    assert.equal(30, codes["200"] + codes["503"])
    assert.truthy(codes["200"] >= 10 and codes["200"] <= 11)
    assert.equal(codes["200"], #gate:stored())
    assert.equal(200, gate:upload("a.txt", "text").code)
  end)

  it("takes an upload whose body is still coming when it is told to end", function()
    local broker <close> = start_broker()
    local gate <close> = gateway.start { servers = broker.bootstrap_servers }
    gate:await_ready()
    local header, body = client.form(client.part("file", ("x"):rep(3000), "a.txt"))
    local request = client.request("POST", "/api/v1/upload", { header }, body)
    local sending <close> = client.start(gate.address, request, { bytes = 500, pause = 0.4 })
    await(function() return gate:ask("GET", "/metrics").body:find "docmsg_http_received_bytes_total [1-9]" end)
    gate.process:kill "TERM"
    assert.equal(200, client.read(sending:wait().stdout).code)
    assert.equal(0, gate.process:wait().code)
    assert.equal(1, #gate:stored())
  end)

  it("takes the same file twice as two documents", function()
    local broker <close> = start_broker()
    local gate <close> = gateway.start { servers = broker.bootstrap_servers }
    local _, first = gate:upload("a.txt", "text")
    local _, second = gate:upload("a.txt", "text")
    assert.not_equal(first.document_id, second.document_id)
    assert.equal(2, #gate:stored())
  end)

  local refused = {
    { "another type", 415, "unsupported_type", "a.html", "<p>" },
    { "an empty file", 400, "empty_file", "a.txt", "" },
    { "a name that is no UTF-8", 400, "bad_filename", "\xff.txt", "text" },
    { "an id of a user that is none", 400, "bad_user_id", "a.txt", "text", ("x"):rep(257) },
    { "an id of a user that reads as another one", 400, "bad_user_id", "a.txt", "text", "a\u{202e}b" },
    { "too large a file", 413, "too_large", "a.txt", ("x"):rep(1025) },
  }
  it("refuses what it cannot take, keeps nothing of it, and goes on", function()
    local broker <close> = start_broker()
    local gate <close> = gateway.start { servers = broker.bootstrap_servers, words = { "--port", "0", "--max-size", "1KiB" } }
    for _, case in ipairs(refused) do
      local response, data = gate:upload(table.unpack(case, 4))
      assert.same({ case[2], case[3] }, { response.code, data.error.reason }, case[1])
    end
    assert.same({}, gate:stored())
    assert.equal(200, gate:upload("a.txt", ("x"):rep(1024)).code)
  end)

  it("keeps a file of which Kafka may know, and says so", function()
    local broker <close> = start_broker()
    local gate <close> = gateway.start { servers = broker.bootstrap_servers }
    gate:await_ready()
    assert.equal(200, gate:upload("a.txt", "text").code)
    broker:set_rtt(1, "30s")
    local response, data = gate:upload("b.txt", "text")
    broker:set_rtt(1, "0ms")
    assert.same({ 503, "possibly_persisted" }, { response.code, data.error.reason })
    assert.truthy(data.document_id)
    assert.same(2, #gate:stored())
    local path = ("%s/%s.txt"):format(gate.files, data.document_id)
    assert.equal("text", program.read(path))
    assert.equal("1640\n", program.capture("stat -c %a " .. path))
    await(function() return program.capture("stat -c %a " .. path) == "640\n" end, "60s", "the event to be read")
    await(function() return gate:upload("c.txt", "text").code == 200 end, "60s", "an upload after that")
  end)

  it("looks for the events of files that were stored when it was killed", function()
    local broker <close> = start_broker()
    local folder = program.folder()
    finally(function() program.remove(folder) end)
    local id
    do
      local gate <close> = gateway.start { servers = broker.bootstrap_servers, folder = folder }
      id = select(2, gate:upload("a.txt", "text")).document_id
      gate.process:kill "KILL"
    end
    local announced, lost = ("%s/files/%s.txt"):format(folder, id), folder .. "/files/lost.txt"
    program.write(lost, "text")
    assert(process.run({ "chmod", "1640", announced, lost }).ok)
    local gate <close> = gateway.start { servers = broker.bootstrap_servers, folder = folder }
    gate.process:await_stderr "2 stored files may not have been announced"
    gate:await_ready()
    assert.equal("640\n", program.capture(("stat -c %%a %s/files/%s.txt"):format(folder, id)))
    await(function() return gate:ask("GET", "/metrics").body:find("\ndocmsg_unsettled_files 1\n", 1, true) end)
    local unsure, data = gate:ask("GET", "/api/v1/status/lost")
    assert.same({ 404, "unsure" }, { unsure.code, data.error.reason })
    assert.equal(2, #gate:stored())
  end)

  it("goes on when Kafka is back", function()
    local broker <close> = start_broker()
    local gate <close> = gateway.start { servers = broker.bootstrap_servers }
    gate:await_ready()
    broker:set_up(1, false)
    await(function() return gate:ask("GET", "/readyz").code == 503 end, "30s", "the gateway to notice")
    local response, data = gate:upload("a.txt", "text")
    assert.same({ 503, "not_persisted" }, { response.code, data.error.reason })
    assert.same({}, gate:stored())
    broker:set_up(1, true)
    gate:await_ready()
    assert.equal(200, gate:upload("a.txt", "text").code)
    assert.equal(1, #gate:stored())
  end)

  it("lets in who has the token or has logged in, at an address for all", function()
    local broker <close> = start_broker()
    local path = script.file(".token", TOKEN .. "\n")
    finally(function() os.remove(path) end)
    local gate <close> = gateway.start { servers = broker.bootstrap_servers,
      words = { "--port", "0", "--host", "0.0.0.0", "--token-file", path, "--allow-host", "docs.example.org" } }
    gate.address = gate.address:gsub("0%.0%.0%.0", "127.0.0.1")
    for _, path_ in ipairs { "documents", "topics", "consumers", "status/x", "events" } do
      assert.equal(401, gate:ask("GET", "/api/v1/" .. path_).code, path_)
    end
    assert.equal(401, gate:upload("a.txt", "text").code)
    assert.equal(200, gate:ask("GET", "/api/v1/documents", { "Authorization: Bearer " .. TOKEN }).code)
    assert.equal(401, gate:ask("POST", "/api/v1/login", {}, '{"token": "x"}').code)
    assert.equal(400, gate:ask("POST", "/api/v1/login", {}, "token").code)
    local login = gate:ask("POST", "/api/v1/login", { "Host: docs.example.org", "Origin: http://docs.example.org" },
      json.encode { token = TOKEN })
    assert.equal(204, login.code)
    local cookie = login.head:match "Set%-Cookie: (docmsg_session=%x+); Path=/; HttpOnly; SameSite=Strict"
    assert.equal(200, gate:ask("GET", "/api/v1/documents", { "Cookie: " .. cookie }).code)
    local _, session = gate:ask("GET", "/api/v1/session", { "Cookie: " .. cookie })
    assert.same({ true, true }, { session.token_required, session.authenticated })
    assert.equal(421, gate:ask("GET", "/api/v1/session", { "Host: evil" }).code)
    assert.equal(403, gate:ask("GET", "/api/v1/session", { "Host: localhost", "Origin: http://evil" }).code)
    assert.truthy(gate:ask("POST", "/api/v1/logout", { "Cookie: " .. cookie }).head:find("Max-Age=0", 1, true))
    assert.equal(401, gate:ask("GET", "/api/v1/documents", { "Cookie: " .. cookie }).code)
    assert.is_nil(gate.process:stderr():find(TOKEN, 1, true))
  end)
end)
