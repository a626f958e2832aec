-- SPDX-License-Identifier: MIT
local completion = require "docmsg.completion"
local process = require "support.process"
local program = require "support.program"

local function live(kind)
  return kind == "topics" and { "orders", "others", "bills" } or { "billing" }
end

describe("completion", function()
  local cases = {
    { { "pub" }, { "publish" } }, { { "topics", "e" }, { "export" } }, { { "cat", "o" }, { "orders", "others" } },
    { { "-X", "a=1", "cat", "bi" }, { "bills" } }, { { "groups", "show", "" }, { "billing" } },
    { { "topics", "list", "-F", "js" }, { "json", "jsonl" } }, { { "cat", "orders", "--wh" }, { "--where" } },
    { { "cat", "orders", "o" }, {} }, { { "topics", "delete", "orders", "oth" }, { "others" } },
    { { "groups", "seek", "g", "start", "--topic", "o" }, { "orders", "others" } },
    { { "nothing", "" }, {} }, { { "--emb" }, { "--embedded" } }, { { "completion", "f" }, { "fish" } },
  }
  for _, case in ipairs(cases) do
    it("knows what may follow: " .. table.concat(case[1], " "), function()
      assert.same(case[2], completion.complete(case[1], live))
    end)
  end

  it("is a script that the shell takes, and that offers verbs", function()
    local folder = process.program:match("^(.*)/[^/]*$")
    local result = process.run { "bash", "-c", [[PATH="$1:$PATH"; eval "$(docmsg-lua completion bash)"
      COMP_WORDS=(docmsg-lua topics pl); COMP_CWORD=2; _docmsg_lua; echo "${COMPREPLY[@]}"]], "bash", folder }
    assert.equal("plan\n", result.stdout)
    assert.equal("", result.stderr)
  end)

  it("has a script for each shell, and for no other", function()
    for _, shell in ipairs { "bash", "zsh", "fish" } do
      local result = process.run { process.program, "completion", shell }
      assert.equal(0, result.code)
      assert.matches("completion words", result.stdout)
    end
    assert.equal(2, process.run { process.program, "completion", "csh" }.code)
  end)

  it("is quiet when no broker answers", function()
    local result = process.run { process.program, "--bootstrap-servers", "127.0.0.1:1", "completion", "words", "--", "cat", "" }
    assert.same({ 0, "", "" }, { result.code, result.stdout, result.stderr })
  end)

  it("runs nothing of the folder that a shell stands in", function()
    local folder = program.folder()
    finally(function() program.remove(folder) end)
    local code = "io.open('ran', 'w'):close() return {}"
    for _, name in ipairs { "events.lua", "pipeline.lua", "topics.lua" } do program.write(folder .. "/" .. name, code) end
    for _, words in ipairs { { "publish", "" }, { "publish", "o" }, { "publish", "--events", "e" }, { "run", "" } } do
      local result = program.run { "completion", "words", "--", words[1], words[2], words[3], cwd = folder }
      assert.same({ 0, "" }, { result.status, result.err })
    end
    assert.is_nil(io.open(folder .. "/ran"))
  end)
end)
