-- SPDX-License-Identifier: MIT
-- The gateway without a broker.
local await = require "support.await"
local client = require "support.http"
local gateway = require "support.gateway"
local json = require "docmsg.json"
local log = require "docmsg.log"
local process = require "support.process"
local program = require "support.program"
local script = require "support.script"

package.path = script.root .. "scripts/?.lua;" .. package.path
local documents = require "lib.gateway.documents"
local held = require "lib.gateway.held"

local NOWHERE <const> = "127.0.0.1:1"

-- An event as it is read.
local function event(key, timestamp, value, headers)
  return { key = key, timestamp = timestamp, value = value,
    header = function(_, name) return headers and headers[name] end }
end

local RECEIVED <const> = [[{"document_id": "d1", "parsed_document": {"document_id": "d1", "metadata": {
  "document_id": "d1", "filename": "a.txt", "file_type": "text", "file_size": 4, "user_id": "bob",
  "upload_timestamp": "2026-01-01T00:00:00Z"}}}]]

describe("the status of a document", function()
  it("is built from its events, in any order", function()
    local known = documents.new()
    known:take(event("d1", 2000), "workflow-initialized", false)
    known:take(event("task_d1_1", 4000), "extraction-tasks", false)
    known:take(event("task_d1_2", 5000), "extraction-tasks", false)
    local document = known:take(event("d1", 1500, RECEIVED), "document-received", false)
    local shown = documents.view(document)
    assert.equal("a.txt", shown.filename)
    assert.equal("processing", shown.status)
    assert.same({
      { stage = "document-received", at = "1970-01-01T00:00:01.500Z", count = 1 },
      { stage = "workflow-initialized", at = "1970-01-01T00:00:02.000Z", count = 1 },
      { stage = "extraction-tasks", at = "1970-01-01T00:00:04.000Z", count = 2 },
    }, { table.unpack(shown.stages) })
    known:take(event("d1", 6000), "extraction-complete", false)
    assert.equal("processing", documents.view(document).status)
    known:take(event("d1", 7000), "ingestion-complete", false)
    assert.equal("completed", documents.view(document).status)
  end)

  it("tells no time that a calendar does not have", function()
    for _, timestamp in ipairs { math.maxinteger, 253402300800000, -1 } do
      local document = documents.new():take(event("d1", timestamp, RECEIVED), "document-received", false)
      assert.same({ { stage = "document-received", count = 1 } }, { table.unpack(documents.view(document).stages) })
    end
  end)

  it("is failed after a dead letter, until both workflows are through", function()
    local known = documents.new()
    known:take(event("d1", 500), "document-received", false)
    local letter = event("d1", 1000, nil, { ["__dlq.errors.group"] = "rag", ["__dlq.errors.message"] = "no text" })
    local document = known:take(letter, "document-received", true)
    local shown = documents.view(document)
    assert.same({ "failed", "no text", "document-received", "rag" },
      { shown.status, shown.reason, shown.failed_stage, shown.failed_group })
    known:take(event("d1", 6000), "extraction-complete", false)
    known:take(event("d1", 7000), "ingestion-complete", false)
    assert.equal("completed", documents.view(document).status)
  end)

  it("takes no harm from what no pipeline would send", function()
    local known = documents.new()
    for _, value in ipairs { "", "{", "[]", "1", '{"parsed_document": 1}', '{"parsed_document": {"metadata": 1}}' } do
      assert.truthy(documents.view(known:take(event("d", nil, value), "document-received", false)))
    end
    local odd = event("d", nil, '{"parsed_document": {"metadata": {"filename": "\xff", "file_size": {}, "user_id": 1}}}')
    assert(json.encode(documents.view(known:take(odd, "document-received", false))))
    local letter = event("d", 1, nil, { ["__dlq.errors.group"] = "\xff", ["__dlq.errors.message"] = "\xfe" })
    assert(json.encode(documents.view(known:take(letter, "document-received", true))))
    assert.is_nil(known:take(event("\xff", 1), "document-received", false))
    assert.is_nil(known:take(event(("x"):rep(1000), 1), "document-received", false))
    assert.is_nil(known:take(event(nil, 1), "document-received", false))
    assert.is_nil(known:take(event("", 1), "document-received", false))
  end)

  it("is remembered of the newest documents", function()
    local known = documents.new(3)
    for i = 1, 5 do known:take(event("d" .. i, i * 1000), "document-received", false) end
    local ids = {}
    for i, document in ipairs(known:newest(2)) do ids[i] = document.document_id end
    assert.same({ "d5", "d4" }, ids)
    assert.is_nil(known:get "d2")
    assert.truthy(known:get "d3")
  end)

  it("is remembered of the newest documents, whatever the order in which they are read", function()
    local numbers = { 4, 9, 1, 7, 2, 10, 3, 8, 6, 5 }
    local known = documents.new(4)
    for _, i in ipairs(numbers) do known:take(event("d" .. i, i * 1000), "document-received", false) end
    local ids = {}
    for i, document in ipairs(known:newest(10)) do ids[i] = document.document_id end
    assert.same({ "d10", "d9", "d8", "d7" }, ids)
    assert.equal(4, known:count())
  end)

  it("is not made of what comes later of a document that was forgotten", function()
    local known = documents.new(3)
    for i = 1, 5 do known:take(event("d" .. i, i * 1000), "document-received", false) end
    for _, ms in ipairs { 2500, 9000 } do -- before and after others were received
      assert.is_nil(known:take(event("d2", ms), "workflow-initialized", false))
    end
    assert.is_nil(known:take(event("d2", 9000, nil, { ["__dlq.errors.group"] = "rag" }), "document-received", true))
    assert.is_nil(known:get "d2")
    assert.equal(3, #known:newest(10))
    for i = 3, 5 do assert.truthy(known:get("d" .. i)) end
  end)

  it("has what came before its document-received, for as many documents as are remembered", function()
    local known = documents.new(3)
    for i = 1, 4 do assert.is_nil(known:take(event("d" .. i, i * 1000 + 1), "workflow-initialized", false)) end
    local stages = {}
    for i = 1, 4 do stages[i] = #known:take(event("d" .. i, i * 1000), "document-received", false).stages end
    assert.same({ 1, 2, 2, 2 }, stages)
  end)
end)

describe("a file of which nobody knows whether it was announced", function()
  local folder, lines

  before_each(function()
    folder, lines = program.folder(), {}
    for _, name in ipairs { "a.txt", "b.txt", "c.txt" } do program.write(folder .. "/" .. name, "text") end
    assert(process.run({ "chmod", "1640", folder .. "/a.txt", folder .. "/b.txt" }).ok)
  end)
  after_each(function() program.remove(folder) end)

  local function find()
    return held.new(folder, log.new { write = function(line) lines[#lines + 1] = line end }, 0)
  end
  local function files() return program.capture("ls " .. folder):gsub("\n", " ") end

  it("stays when its event is read", function()
    local found = find()
    assert.equal(2, found.count)
    for _, id in ipairs { "a", "b", "c", "another" } do found:seen(id) end
    found:seen(nil)
    assert.equal(0, found.count)
    assert.equal("a.txt b.txt c.txt ", files())
    assert.equal(0, find().count)
  end)

  it("stays, and is told of once, when events have been read for a while and its own was not among them", function()
    local found = find()
    found:seen "a"
    local before = #lines
    found:report(1 << 40, nil) -- Kafka is away, or not all has been read
    found:report(held.PATIENCE_MS - 1, 0)
    found:report(5000 + held.PATIENCE_MS - 1, 5000)
    assert.equal(before, #lines)
    for _ = 1, 2 do found:report(5000 + held.PATIENCE_MS, 5000) end
    assert.equal(before + 1, #lines)
    assert.truthy(lines[#lines]:find("no event announces " .. folder .. "/b.txt", 1, true), lines[#lines])
    assert.same({ "a.txt b.txt c.txt ", 1 }, { (files()), found.count })
    found:seen "b"
    assert.equal(0, found.count)
  end)
end)

describe("docmsg-lua gateway", function()
  local wrong = {
    { "needs a token at an address of other machines", "reached by other machines", "--host", "0.0.0.0" },
    { "refuses a size that is none", "takes a size", "--max-size", "100MB" },
    { "refuses a token file that is not there", "No such file", "--token-file", "/nonexistent" },
    { "refuses a folder where the pipeline finds nothing", "the pipeline finds files in", "--upload-dir", "/tmp" },
    { "refuses a folder that leads out", "the pipeline finds files in", "--upload-dir", "$/files/../x" },
    { "refuses a certificate without its key", "both expected", "--tls-cert", "/etc/hostname" },
    { "refuses a certificate that is not there", "--tls-cert: ", "--tls-cert", "/nonexistent", "--tls-key", "/etc/hostname" },
    { "refuses a key that is not there", "--tls-key: /nonexistent", "--tls-cert", "/etc/hostname", "--tls-key", "/nonexistent" },
    { "refuses an option that is none", "did you mean --port", "--prt", "1" },
  }
  for _, case in ipairs(wrong) do
    it(case[1], function()
      local folder = program.folder()
      local words = { "gateway" }
      for i = 3, #case do words[i - 1] = case[i]:gsub("%$", folder) end
      local result = script.run(words, { servers = NOWHERE,
        env = { DOCMSG_DATA_DIR = folder, DOCMSG_GATEWAY_OPEN = false } })
      program.remove(folder)
      assert.equal(2, result.code, result.stderr)
      assert.truthy(result.stderr:find(case[2], 1, true), result.stderr)
    end)
  end

  it("speaks HTTPS with a certificate", function()
    local folder = program.folder()
    finally(function() program.remove(folder) end)
    local cert, key = folder .. "/cert.pem", folder .. "/key.pem"
    assert(process.run({ "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
      "-subj", "/CN=localhost", "-days", "2", "-keyout", key, "-out", cert }).ok)
    local gate <close> = gateway.start { servers = NOWHERE,
      words = { "--port", "0", "--tls-cert", cert, "--tls-key", key } }
    assert.truthy(gate.process:stderr():find("gateway: https://", 1, true))
    local got = process.run { "openssl", "s_client", "-quiet", "-verify_return_error", "-CAfile", cert,
      "-connect", gate.address, stdin = client.request("GET", "/livez") }
    assert.truthy(got.stdout:find("^HTTP/1.1 200 .*\nok\n"), got.stdout)
  end)

  it("refuses what is no certificate", function()
    local path = script.file(".pem", "no certificate")
    finally(function() os.remove(path) end)
    local result = script.run({ "gateway", "--port", "0", "--tls-cert", path, "--tls-key", path }, { servers = NOWHERE })
    assert.equal(1, result.code)
    assert.truthy(result.stderr:find("TLS: the certificate is none", 1, true), result.stderr)
  end)

  it("refuses a short token", function()
    local path = script.file(".token", "short\n")
    finally(function() os.remove(path) end)
    local result = script.run({ "gateway", "--token-file", path }, { servers = NOWHERE })
    assert.equal(2, result.code)
    assert.truthy(result.stderr:find("16 characters", 1, true), result.stderr)
  end)

  it("accepts nothing that Kafka does not have: 503, and the file is gone", function()
    local gate <close> = gateway.start { servers = NOWHERE }
    assert.equal(200, gate:ask("GET", "/livez").code)
    assert.equal(503, gate:ask("GET", "/readyz").code)
    local _, health = gate:ask("GET", "/health")
    assert.same({ status = "degraded", kafka = "down" }, health)
    local response, data = gate:upload("a.txt", "text")
    assert.same({ 503, "not_persisted" }, { response.code, data.error.reason })
    assert.same({}, gate:stored())
    local _, list = gate:ask("GET", "/api/v1/documents")
    assert.equal(0, #list.documents)
    await(function()
      return gate:ask("GET", "/metrics").body:find('docmsg_uploads_total{outcome="not_persisted"} 1', 1, true)
    end)
  end)

  it("finishes what was begun when it is told to end", function()
    local gate <close> = gateway.start { servers = NOWHERE }
    local header, body = client.form(client.part("file", "text", "a.txt"))
    local sending <close> = client.start(gate.address, client.request("POST", "/api/v1/upload", { header }, body))
    await(function() return #gate:stored() == 1 end)
    gate.process:kill "TERM"
    assert.equal(503, client.read(sending:wait().stdout).code) -- after 10 s: Kafka did not take it
    assert.equal(0, gate.process:wait().code)
    assert.same({}, gate:stored())
  end)

  it("says that the disk is full", function()
    local gate <close> = gateway.start { servers = NOWHERE }
    os.execute(("prlimit --pid %d --fsize=100000"):format(gate.process.pid))
    local response, data = gate:upload("a.txt", ("x"):rep(200000))
    assert.same({ 507, "disk_full" }, { response.code, data.error.reason })
    assert.same({}, gate:stored())
    assert.equal(200, gate:ask("GET", "/livez").code)
  end)
end)
