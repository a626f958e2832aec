-- SPDX-License-Identifier: MIT
-- The document workflow, its handlers and its store, without a broker.
local flow = require "support.flow"
local random = require "support.random"

-- 21 pages with fields on some of them: five tasks.
local function long_text()
  local pages = {}
  for i = 1, 21 do pages[i] = ("# Page %d\nThe gander number %d lives at the pond.\n"):format(i, i) end
  pages[3] = pages[3] .. "Keeper: Anna\n"
  pages[20] = pages[20] .. "Keeper: Bert\nMail: anna@example.org\n"
  return table.concat(pages, "\f")
end

local COUNTS <const> = {
  ["document-received"] = 1, ["workflow-initialized"] = 1, ["chunking-complete"] = 1, ["embedding-ready"] = 1,
  ["ingestion-complete"] = 1, ["field-init-complete"] = 1, ["agent-scaling-complete"] = 1, ["extraction-tasks"] = 5,
  ["extraction-complete"] = 1,
}

local function send_long(flowing)
  flowing:send("document-received", flow.document("doc-1", long_text()))
end

-- The state after a run without disturbances.
local function expected_state()
  local undisturbed <close> = flow.new()
  send_long(undisturbed)
  undisturbed:run()
  return undisturbed:state()
end

describe("the document workflow", function()
  it("takes a document through all events, and completes it once", function()
    local flowing <close> = flow.new()
    send_long(flowing)
    flowing:run()
    for event_type, count in pairs(COUNTS) do
      assert.equal(count, #(flowing.seen[event_type] or {}), event_type)
    end
    assert.same({}, flowing.dead)
    local document = flowing.store:document "doc-1"
    assert.equal("completed", document.status)
    assert.equal(1, document.completed_times)
    assert.equal(21, document.page_count)
    assert.equal(9, #flowing.store:stages "doc-1")
    local values = {}
    for _, field in ipairs(flowing.store:fields {}) do values[field.name] = field.value end
    assert.same({ title = "Page 17", keeper = "Bert", mail = "anna@example.org", email = "anna@example.org" }, values)
  end)

  it("writes its lines into the log", function()
    local flowing <close> = flow.new()
    flowing:send("document-received", flow.document("d", "# Geese\nKeeper: Anna\n", { filename = "uploaded_file.pdf" }))
    flowing:run()
    local log = table.concat(flowing.lines)
    for _, line in ipairs {
      "Received document: d (file: text)\n", "📄 Document filename: uploaded_file.pdf\n",
      "Workflow initialized event sent: d -> [rag, extraction]\n",
      "Workflow initialized for document d: [rag, extraction] (status: initialized)\n",
      "Chunking complete event sent: d (1 chunks)\n", "Embedding ready event sent: d\n",
      "Ingestion complete event sent: d (1 vectors in documents)\n",
      "Field init complete event sent: d (2 fields discovered via automatic)\n",
      "Agent scaling complete event sent: d (2 agents for 1 pages)\n",
      "Extraction task sent: task_d_1 (agent: agent_1, pages: (1, 1))\n",
      "Extraction complete event sent: d (1 results, status: completed)\n",
    } do
      assert.truthy(log:find(line, 1, true), line .. "\n" .. log)
    end
  end)

  it("changes nothing when every handler runs twice", function()
    local expected = expected_state()
    local flowing <close> = flow.new()
    send_long(flowing)
    flowing:run { twice = true }
    assert.equal(expected, flowing:state())
    assert.same({}, flowing.dead)
  end)

  it("comes to the same in any order, with repetitions and lost ends", function()
    local expected = expected_state()
    for round = 1, 12 do
      local seed = os.time() * 100 + round
      local rng = random.new(seed)
      local flowing <close> = flow.new()
      send_long(flowing)
      flowing:run {
        pick = function(count) return rng:below(count) + 1 end,
        twice = round % 2 == 0,
        loses = function() return rng:below(3) == 0 end,
      }
      assert.equal(expected, flowing:state(), "seed " .. seed)
    end
  end)

  it("keeps large texts and chunks beside the events", function()
    local flowing <close> = flow.new()
    local line = "The gander lives at the pond, and so does the goose.\n"
    local content = line:rep(300 * 1024 // #line)
    flowing:send("document-received", flow.document("big", content))
    flowing:run()
    local chunking = flowing.seen["chunking-complete"][1]
    assert.is_nil(chunking.chunks)
    assert.equal(64, #chunking.chunks_ref.sha256)
    assert.equal(chunking.chunk_count, #flowing.seen["embedding-ready"])
    assert.equal("completed", flowing.store:document "big".status)
    assert.equal(content, flowing.store:text "big")
  end)
end)

describe("queries of the workflow", function()
  local function ask(flowing, query_type, text, filters)
    flowing:send("query-received", { query_id = "q", user_query = { query_id = "q", query_text = text,
      query_type = query_type, user_id = "anna", filters = filters or {} } })
    flowing:run { twice = true }
  end

  local function with_documents()
    local flowing = flow.new()
    flowing:send("document-received", flow.document("geese", "# Geese\nThe gander lives at the pond.\nKeeper: Anna\n"))
    flowing:send("document-received", flow.document("cows", "# Cows\nThe cow stands in the meadow.\nFarmer: Bert\n"))
    flowing:run()
    return flowing
  end

  it("are answered from chunks, with scores that tell documents apart", function()
    local flowing <close> = with_documents()
    ask(flowing, "rag_only", "Where does the gander live?")
    local result = flowing.seen["rag-query-complete"][1].rag_result
    assert.equal("The gander lives at the pond.", result.generated_response)
    assert.equal("geese", result.source_documents[1])
    assert.equal(result.retrieved_chunks[1].similarity_score, result.confidence_score)
    assert(result.confidence_score > 0.2 and result.confidence_score <= 1)
    assert.is_nil(flowing.seen["hybrid-query-complete"])
    assert.is_nil(flowing.seen["structured-query-complete"])
  end)

  it("are answered from fields", function()
    local flowing <close> = with_documents()
    ask(flowing, "structured_only", "Who is the keeper?")
    local result = flowing.seen["structured-query-complete"][1].structured_result
    assert.same({ "geese" }, result.matching_documents)
    assert.same({ keeper = "Anna" }, result.filtered_data[1].fields)
    assert.same({ document_count = 1, field_counts = { keeper = 1 } }, result.aggregated_results)
  end)

  it("are answered from both, when both are there", function()
    local flowing <close> = with_documents()
    ask(flowing, "hybrid", "Where does the gander live, and who is its keeper?")
    local hybrid = flowing.seen["hybrid-query-complete"][1].hybrid_result
    assert.equal("geese", hybrid.rag_result.source_documents[1])
    assert(hybrid.confidence_score > hybrid.rag_result.confidence_score, "both agree")
    assert.truthy(hybrid.combined_response:find("keeper: Anna", 1, true))
    assert(#flowing.seen["rag-query-complete"] > 0 and #flowing.seen["structured-query-complete"] > 0)
  end)

  it("say that there is no answer, with no confidence", function()
    local flowing <close> = with_documents()
    ask(flowing, "hybrid", "xylophone")
    local hybrid = flowing.seen["hybrid-query-complete"][1].hybrid_result
    assert.equal("Nothing in the documents answers this.", hybrid.combined_response)
    assert.equal(0, hybrid.confidence_score)
    assert.same({}, hybrid.rag_result.retrieved_chunks)
  end)

  it("can ask one document alone", function()
    local flowing <close> = with_documents()
    ask(flowing, "rag_only", "Where does the gander live?", { document_id = "cows" })
    assert.same({}, flowing.seen["rag-query-complete"][1].rag_result.retrieved_chunks)
  end)

  it("are set aside with filters that are none", function()
    local flowing <close> = with_documents()
    ask(flowing, "rag_only", "gander", { colour = "white" })
    assert.equal("rejected", flowing.dead[1].reason)
    assert.matches('cannot be filtered by "colour"', flowing.dead[1].message)
  end)
end)

describe("a document that cannot be handled", function()
  local cases = {
    { "is empty", flow.document("d", ""), "it is empty" },
    { "has nothing but blanks", flow.document("d", " \n\t"), "there is no text in it" },
    { "has a NUL", flow.document("d", "a\0b"), "not a text in UTF-8 (byte 2)" },
    { "is an image", flow.document("d", "x", { file_type = "image", filename = "x.png" }), "character recognition", true },
    { "refers to a file that is not there", flow.document("d", "x"), "is not there",
      { path = "none.txt", sha256 = ("0"):rep(64), bytes = 1 } },
    { "refers to a file outside of the data folder", flow.document("d", "x"), "leads out of the data folder",
      { path = "../store.db", sha256 = ("0"):rep(64), bytes = 1 } },
    { "refers to an absolute path", flow.document("d", "x"), "leads out of the data folder",
      { path = "/etc/passwd", sha256 = ("0"):rep(64), bytes = 1 } },
  }
  for _, case in ipairs(cases) do
    it("because it " .. case[1] .. " is set aside, and its status says why", function()
      local flowing <close> = flow.new()
      local data = case[2]
      if case[4] == true then
        data.parsed_document.content_ref = require("lib.data").keep("\x89PNG", "png")
      elseif case[4] then
        data.parsed_document.content_ref = case[4]
      end
      if case[4] then data.parsed_document.content = nil end
      flowing:send("document-received", data)
      flowing:run { twice = true }
      assert.equal("rejected", flowing.dead[1].reason)
      assert.truthy(flowing.dead[1].message:find(case[3], 1, true), flowing.dead[1].message)
      local document = flowing.store:document "d"
      assert.equal("failed", document.status)
      assert.truthy(document.reason:find("document-received: ", 1, true), document.reason)
      assert.truthy(document.reason:find(case[3], 1, true), document.reason)
      assert.equal(0, document.completed_times)
    end)
  end

  -- A document whose bytes are in a file.
  local function send_file(flowing, content, extension, file_type)
    local data = flow.document("d", content, { filename = "report." .. extension, file_type = file_type })
    data.parsed_document.content = nil
    data.parsed_document.content_ref = require("lib.data").keep(content, extension)
    flowing:send("document-received", data)
    flowing:run()
  end

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

  it("is handled when it is a pdf file", function()
    local flowing <close> = flow.new()
    send_file(flowing, PDF, "pdf", "pdf")
    assert.same({}, flowing.dead)
    assert.equal("completed", flowing.store:document "d".status)
    assert.truthy(flowing.store:text "d":find("The gander lives at the pond.", 1, true))
  end)

  it("because it only says that it is a pdf file is set aside", function()
    local flowing <close> = flow.new()
    send_file(flowing, "no pdf", "pdf", "pdf")
    assert.matches("report%.pdf: pdftotext cannot read it: it ended with exit code", flowing.dead[1].message)
  end)

  it("because nothing is installed that reads it is set aside, with what would", function()
    local shell = require "lib.shell"
    local has = shell.has
    shell.has = function() return false end
    finally(function() shell.has = has end)
    for _, case in ipairs {
      { "pdf", "pdf", "pdf files are read by pdftotext, which is not installed (Debian: poppler-utils)" },
      { "docx", "docx", "docx files are read by docx2txt, which is not installed (Debian: docx2txt)" },
      { "doc", "docx", "doc files are read by catdoc, which is not installed (Debian: catdoc)" },
    } do
      local flowing <close> = flow.new()
      send_file(flowing, "x", case[1], case[2])
      assert.truthy(flowing.dead[1].message:find(case[3], 1, true), flowing.dead[1].message)
    end
  end)

  it("because its file is no text is set aside", function()
    for content, reason in pairs { ["\x7fELF\0"] = "not a text in UTF-8", ["a\xFFb"] = "not a text in UTF-8 (byte 2)" } do
      local flowing <close> = flow.new()
      send_file(flowing, content, "txt", "text")
      assert.truthy(flowing.dead[1].message:find(reason, 1, true), flowing.dead[1].message)
    end
  end)

  it("because its file is too large is set aside", function()
    local flowing <close> = flow.new()
    send_file(flowing, ("x"):rep((8 << 20) + 1), "txt", "text")
    assert.equal("rejected", flowing.dead[1].reason)
    assert.matches("report%.txt: .*larger than the limit of 8388608 bytes", flowing.dead[1].message)
    assert.equal("failed", flowing.store:document "d".status)
  end)

  it("because its file is not what was announced is set aside", function()
    local flowing <close> = flow.new()
    local data = flow.document("d", "x")
    local ref = require("lib.data").keep("one thing", "txt")
    ref.sha256 = ("ab"):rep(32)
    data.parsed_document.content, data.parsed_document.content_ref = nil, ref
    flowing:send("document-received", data)
    flowing:run()
    assert.matches("its SHA%-256 differs", flowing.dead[1].message)
  end)

  it("is known as failed, too, when its event cannot even be read", function()
    local flowing <close> = flow.new()
    flowing:send_text("document-received", "no json", "broken")
    flowing:send_text("chunking-complete", '{"document_id":"other","chunks":[],"chunk_count":7}', "other")
    flowing:run()
    assert.equal("undecodable", flowing.dead[1].reason)
    assert.equal("failed", flowing.store:document "broken".status)
    assert.matches("^document%-received: no JSON", flowing.store:document "broken".reason)
    assert.equal("schema", flowing.dead[2].reason)
    assert.matches("chunk_count is 7, but there are 0 chunks", flowing.store:document "other".reason)
  end)

  it("is handled, whatever its file is called", function()
    for i, name in ipairs { "../../etc/passwd.txt", "a\nb\27[31m.txt", ("x"):rep(300) .. ".txt", "🦆.md" } do
      local flowing <close> = flow.new()
      flowing:send("document-received", flow.document("d" .. i, "The gander.", { filename = name }))
      flowing:run()
      assert.equal("completed", flowing.store:document("d" .. i).status)
      assert.equal(name, flowing.store:document("d" .. i).filename)
      for _, line in ipairs(flowing.lines) do assert.is_nil(line:sub(1, -2):find "%c", line) end
    end
  end)

  it("because a step before is missing is set aside", function()
    for event_type, data in pairs {
      ["workflow-initialized"] = { document_id = "lost", workflow_types = { "rag", "extraction" } },
      ["field-init-complete"] = { document_id = "lost", field_specifications = {} },
      ["embedding-ready"] = { document_id = "lost", validated_embedding = { document_id = "lost", chunk_id = "c",
        embedding_vector = { 1 }, embedding_model = "m" } },
      ["extraction-tasks"] = { document_id = "lost", task_id = "task_lost_1", page_range = { 1, 1 }, field_specs = {},
        agent_id = "a" },
    } do
      local flowing <close> = flow.new()
      flowing:send(event_type, data)
      flowing:run()
      assert.equal("rejected", flowing.dead[1].reason, event_type)
      assert.equal("failed", flowing.store:document "lost".status)
    end
  end)

  it("is tried again when the store fails, and failed when that does not help", function()
    local flowing <close> = flow.new()
    flowing.store.db:run "CREATE TRIGGER no BEFORE INSERT ON chunks BEGIN SELECT raise(ABORT, 'disk on fire'); END"
    flowing:send("document-received", flow.document("d", "The gander."))
    flowing:run()
    assert.equal("error", flowing.dead[1].reason)
    assert.equal("retrying", flowing.store:document "d".status)
    flowing:send_text("workflow-initialized", '{"document_id":"d","workflow_types":["rag"]}', "d")
    for _, entry in ipairs(flowing.queue) do entry.attempt = 4 end
    flowing:run()
    assert.equal("failed", flowing.store:document "d".status)
    assert.matches("disk on fire", flowing.store:document "d".reason)
  end)
end)
