-- SPDX-License-Identifier: MIT
local script = require "support.script"
local workflow = require "support.workflow"

local NOBODY <const> = "127.0.0.1:1"

local function topic_file(text)
  local path = script.file(".lua", text)
  finally(function() os.remove(path) end)
  return path
end

describe("setup.lua", function()
  it("creates the 13 topics on the embedded broker", function()
    local result = script.run { "--embedded", "setup.lua" }
    assert.equal(0, result.code, result.stderr)
    assert.equal(workflow.setup_output "✅ Created topic", result.stdout)
    assert.truthy(result.stderr:find("^%d+%-%d+%-%d+T%d+:%d+:%d+Z INFO Connected to Kafka: %[127%.0%.0%.1:%d+%]\n$"),
      result.stderr)
  end)

  it("takes another topic table", function()
    local path = topic_file 'topic "b" { partitions = 2 }\ntopic "a" { partitions = 1 }'
    local result = script.run { "--embedded", "setup.lua", "--topics", path }
    assert.equal(0, result.code, result.stderr)
    assert.truthy(result.stdout:find("✅ Created topic: b\n✅ Created topic: a\n✅ All 2 topics ready\n", 1, true))
    assert.truthy(result.stdout:find("  • b: 2 partitions\n  • a: 1 partition\n", 1, true))
  end)

  it("says why there is no broker, and exits 1", function()
    local result = script.run({ "setup.lua", "--attempts", "2", "--retry-delay", "100ms" }, { servers = NOBODY })
    assert.equal(1, result.code)
    assert.equal("🚀 Setting up Kafka topics for document processing system...\n", result.stdout)
    assert.truthy(result.stderr:find("WARN Connection attempt 1/2 failed: .*[Cc]onnection refused"), result.stderr)
    assert.truthy(result.stderr:find("WARN Connection attempt 2/2 failed: ", 1, true))
    assert.truthy(result.stderr:find("❌ Topic setup failed!\nFailed to connect to Kafka after 2 attempts: ", 1, true))
    assert.is_nil(result.stderr:find("traceback", 1, true))
  end)

  local refused = {
    { "a syntax error", "return {\n  a = = {},\n}", "%.lua:2: unexpected symbol" },
    { "an endless loop", "while true do end", "%.lua:1: stopped after 10000000 instructions" },
    { "a duplicate topic", "return {\n a = { partitions = 1 },\n a = { partitions = 1 } }", '%.lua:3: duplicate topic "a", first on line 2' },
    { "partitions of 0", "return { a = { partitions = 0 } }", "%.lua:1: a: partitions must be a whole number" },
    { "an attribute that is misspelt", "return { a = { partition = 1 } }", "did you mean partitions%?" },
  }
  for _, case in ipairs(refused) do
    it("refuses a topic table with " .. case[1] .. ", and exits 2", function()
      local result = script.run { "--embedded", "setup.lua", "--topics", topic_file(case[2]) }
      assert.equal(2, result.code)
      assert.equal("", result.stdout)
      assert.truthy(result.stderr:find(case[3]), result.stderr)
    end)
  end

  local usage = {
    { { "--attemps", "2" }, "unknown option --attemps; did you mean --attempts?" },
    { { "--attempts", "two" }, '--attempts takes a whole number from 1 on, not "two"' },
    { { "--retry-delay", "2" }, "--retry-delay takes a duration" },
    { { "--topics", "/nonexistent.lua" }, "/nonexistent.lua: No such file or directory" },
    { { "more" }, 'unexpected argument "more"' },
  }
  for _, case in ipairs(usage) do
    it("exits 2 for " .. table.concat(case[1], " "), function()
      local result = script.run { "setup.lua", table.unpack(case[1]) }
      assert.equal(2, result.code)
      assert.truthy(result.stderr:find(case[2], 1, true), result.stderr)
    end)
  end
end)

describe("every script", function()
  for _, name in ipairs { "setup", "send_document", "consumer", "simple_consumer", "query", "demo" } do
    it("explains itself: " .. name, function()
      local result = script.run { name .. ".lua", "--help" }
      assert.equal(0, result.code, result.stderr)
      assert.equal(("usage: docmsg-lua %s.lua"):format(name), result.stdout:match("^usage: docmsg%-lua %S+"))
      assert.equal("", result.stderr)
    end)
  end
end)

describe("send_document.lua", function()
  local function path_of(suffix, content)
    local path = script.file(suffix, content)
    finally(function() os.remove(path) end)
    return path
  end

  local refused = {
    { "no file", {}, "FILE is missing" },
    { "a file that does not exist", { "/nonexistent.txt" }, "/nonexistent.txt: No such file or directory" },
    { "an empty file", { ".txt", "" }, "the file is empty" },
    { "bytes named .txt", { ".txt", "\xff\0" }, "not a text in UTF-8 (byte 1)" },
    { "more than 8 MiB", { ".md", ("x"):rep(8388609) }, "larger than the limit of 8388608 bytes" },
    { "another type", { ".zip", "x" }, "types are pdf, docx, doc, png, jpg, jpeg, gif, bmp, txt, md" },
  }
  for _, case in ipairs(refused) do
    it("exits 2 for " .. case[1], function()
      local words = { "send_document.lua" }
      words[2] = case[2][2] and path_of(case[2][1], case[2][2]) or case[2][1]
      local result = script.run(words)
      assert.equal(2, result.code)
      assert.equal("", result.stdout)
      assert.truthy(result.stderr:find(case[3], 1, true), result.stderr)
    end)
  end

  it("exits 2 for a folder", function()
    os.execute "mkdir -p /tmp/docmsg-folder.txt"
    finally(function() os.execute "rmdir /tmp/docmsg-folder.txt" end)
    local result = script.run { "send_document.lua", "/tmp/docmsg-folder.txt" }
    assert.equal(2, result.code)
    assert.truthy(result.stderr:find("/tmp/docmsg-folder.txt: Is a directory", 1, true), result.stderr)
  end)

  it("exits 1 when no broker acknowledges in time", function()
    local result = script.run({ "send_document.lua", path_of(".txt", "hello"), "--timeout", "500ms" }, { servers = NOBODY })
    assert.equal(1, result.code)
    assert.equal("", result.stdout)
    assert.truthy(result.stderr:find("send_document: ", 1, true), result.stderr)
    assert.is_true(result.seconds < 20)
  end)
end)

describe("demo.lua", function()
  it("sends a file through the whole workflow in one process, and asks about it", function()
    local path = script.file(".md", "# Geese\n\nThe gander lives at the pond.\nKeeper: Anna\n")
    finally(function() os.remove(path) end)
    local result = script.run { "demo.lua", path, "Where does the gander live?" }
    assert.equal(0, result.code, result.stderr)
    assert.equal(workflow.setup_output "✅ Created topic", result.stdout:match("^(.-)Published"))
    local name = path:match "[^/]+$"
    local answer, id, last = result.stdout:match(
      "Published to document%-received:[0-5]:0\n\n(.*)\n\nReceived document: (%S+) %(file: text%)\n(.*)\n$")
    assert.equal("📄 Document filename: " .. name, last)
    assert.truthy(answer:find("The gander lives at the pond.", 1, true), answer)
    assert.truthy(answer:find(("Source: %s, page 1 (document %s, similarity 0."):format(name, id), 1, true), answer)
    for _, line in ipairs(workflow.lines(id, name)) do
      assert.truthy(result.stderr:find(line, 1, true), line .. "\n" .. result.stderr)
    end
  end)

  it("exits 1 when the file cannot be sent", function()
    local result = script.run { "demo.lua", "/nonexistent.md" }
    assert.equal(1, result.code)
    assert.truthy(result.stderr:find("demo: /nonexistent.md: No such file", 1, true), result.stderr)
  end)
end)
