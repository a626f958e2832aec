-- SPDX-License-Identifier: MIT
local root = debug.getinfo(1, "S").source:match("^@(.*)tests/unit/")
package.path = root .. "scripts/?.lua;" .. package.path
local document = require "lib.document"
local json = require "docmsg.json"

local function with_file(name, content)
  local folder = os.tmpname()
  os.remove(folder)
  local path = folder .. name
  local file = assert(io.open(path, "wb"))
  file:write(content)
  file:close()
  finally(function() os.remove(path) end)
  return path
end

local function as_message(record, changes)
  local message = { topic = record.topic, partition = 2, offset = 7, value = record.value }
  function message:header(name)
    for _, header in ipairs(record.headers or {}) do
      if header[1] == name then return header[2], true end
    end
    return nil, false
  end
  for key, value in pairs(changes or {}) do message[key] = value end
  return message
end

describe("a document", function()
  it("is made from a text file and read back from its record", function()
    local path = with_file("-käse.md", "# Käse\n")
    local made = assert(document.from_file(path, "anna"))
    local record = assert(document.record(made, "test"))
    assert.equal("document-received", record.topic)
    assert.equal(made.document_id, record.key)
    assert.equal(made.document_id, json.decode(record.value).document_id)
    local read = assert(document.read(as_message(record)))
    assert.equal("# Käse\n", read.content)
    assert.same({
      document_id = made.document_id, filename = path:match "[^/]+$", file_type = "text",
      upload_timestamp = made.metadata.upload_timestamp, user_id = "anna", file_size = 8,
    }, read.metadata)
    assert.truthy(read.metadata.upload_timestamp:find "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$")
    assert.equal(1, read.page_count)
    assert.truthy(record.value:find('"extracted_images":[]', 1, true))
    assert.truthy(document.describe(read):find("^Received document: %x+.* %(file: text%)\n📄 Document filename: .*käse%.md$"))
  end)

  local refused = {
    { ".txt", "", "the file is empty" },
    { ".txt", "\xff\xfe", "not a text in UTF-8 (byte 1)" },
    { ".txt", "a\0b", "not a text in UTF-8 (byte 2)" },
    { ".txt", ("x"):rep(8 * 1024 * 1024 + 1), "larger than the limit of 8388608 bytes" },
    { ".exe", "x", "not a document; types are pdf, docx, doc, png, jpg, jpeg, gif, bmp, txt, md" },
    { "", "x", "not a document" },
    { ".pdf", "", "the file is empty" },
  }
  for _, case in ipairs(refused) do
    it("is not made from a file that is " .. case[3], function()
      local path = with_file(case[1], case[2])
      local made, reason = document.from_file(path, "anna")
      assert.is_nil(made)
      assert.truthy(reason:find(path .. ": " .. case[3], 1, true), reason)
    end)
  end

  it("may be exactly as large as the limit", function()
    assert(document.from_file(with_file(".TXT", ("x"):rep(256 * 1024)), "anna"))
  end)

  for _, user in ipairs { "", "a\nb", ("x"):rep(257) } do
    it(("is not made for the user %q"):format(user:sub(1, 5)), function()
      local made, reason = document.from_file("x.md", user)
      assert.is_nil(made)
      assert.truthy(reason:find("user id", 1, true))
    end)
  end

  it("is not made from a folder or nothing", function()
    assert.truthy(select(2, document.from_file("/nonexistent.txt", "a")):find("No such file", 1, true))
  end)

  it("prints no control characters of other people", function()
    assert.equal("Received document: i (file: pdf)\n📄 Document filename: a\\x1B[2J", document.describe {
      document_id = "i", metadata = { file_type = "pdf", filename = "a\27[2J" } })
  end)
end)

describe("a record that is no document", function()
  local good = '{"document_id":"i","parsed_document":{"document_id":"i","metadata":{"filename":"f","file_type":"pdf"}}}'
  local cases = {
    { { topic = "document-received" }, "the record has no value" },
    { { topic = "document-received", value = "{" }, "no JSON" },
    { { topic = "document-received", value = "\xff" }, "not UTF-8" },
    { { topic = "document-received", value = "5" }, "no parsed_document with metadata" },
    { { topic = "document-received", value = "{}" }, "no parsed_document with metadata" },
    { { topic = "document-received", value = (good:gsub('"i"', '""', 1)) }, "no document_id" },
    { { topic = "document-received", value = (good:gsub('"i"', '"j"', 1)) }, "two different document_ids" },
    { { topic = "document-received", value = (good:gsub('"f"', "null")) }, "no filename" },
    { { topic = "document-received", value = (good:gsub('"pdf"', "1")) }, "no file_type" },
    { { topic = "other", value = good }, "the event is a other" },
    { { topic = "document-received", value = good, headers = { { "ce_type", "x" } } }, "the event is a x" },
  }
  for _, case in ipairs(cases) do
    it("is named with its place: " .. case[2], function()
      local read, reason = document.read(as_message(case[1]))
      assert.is_nil(read)
      assert.truthy(reason:find(case[1].topic .. "/2/7: no document-received event: ", 1, true), reason)
      assert.truthy(reason:find(case[2], 1, true), reason)
    end)
  end

  it("is one in spite of missing headers, when its topic says so", function()
    assert.equal("f", assert(document.read(as_message { topic = "document-received", value = good })).metadata.filename)
  end)
end)
