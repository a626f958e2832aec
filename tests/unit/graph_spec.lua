-- SPDX-License-Identifier: MIT
local docmsg = require "docmsg"
local graph = require "docmsg.graph"
local program = require "support.program"
local script = require "support.script"

local README <const> = script.root .. "scripts/README.md"

local function declare()
  local app = docmsg.app { name = "spec" }
  app:consumer("g"):on("a", { emits = { "b", "c" }, where = function() return true end }, print)
    :on("a", { emits = { "c", "d" } }, print)
  app:consumer('h "x"'):on("b", print)
  return graph.of(app)
end

describe("a graph", function()
  it("has each event and each handler once", function()
    local made = declare()
    assert.same({ "a", "b", "c", "d" }, made.events)
    assert.equal(2, #made.handlers)
    assert.same({ "b", "c", "d" }, made.handlers[1].emits)
    assert.is_true(made.handlers[2].any)
  end)

  it("is written for Mermaid", function()
    assert.equal([[
flowchart LR
  e1["a"]
  e2["b"]
  e3["c"]
  e4["d"]
  any{{"any event"}}
  h1(["g"])
  e1 --> h1
  h1 --> e2
  h1 --> e3
  h1 --> e4
  h2(["h #34;x#34;"])
  e2 --> h2
  h2 --> any
]], graph.write(declare(), "mermaid"))
  end)

  it("is written for Graphviz", function()
    local text = graph.write(declare(), "dot")
    assert.matches("^digraph events {\n", text)
    assert.truthy(text:find('  h2 [shape=ellipse, label="h \\"x\\""];\n', 1, true), text)
    assert.truthy(text:find("  h1 -> e4;\n", 1, true))
    assert.matches("\n}\n$", text)
  end)
end)

describe("docmsg-lua graph", function()
  it("draws what scripts/README.md shows", function()
    local result = script.run { "graph", "pipeline.lua" }
    assert.equal(0, result.code, result.stderr)
    assert.equal(program.read(README):match "```mermaid\n(.-)```", result.stdout)
    local dot = script.run { "graph", "pipeline.lua", "-F", "dot" }
    assert.equal(0, dot.code)
    local _, edges = dot.stdout:gsub("->", "")
    assert.equal(select(2, result.stdout:gsub("%-%->", "")), edges)
  end)

  it("refuses what is no application", function()
    local path = script.file(".lua", "return 1")
    finally(function() os.remove(path) end)
    assert.equal(2, script.run({ "graph", path }).code)
    assert.equal(2, script.run({ "graph", "pipeline.lua", "-F", "png" }).code)
    assert.equal(2, script.run({ "graph", "nowhere.lua" }).code)
  end)
end)

describe("scripts/README.md", function()
  it("shows the step that is there, in fewer than 20 lines", function()
    local page, total = program.read(README), 0
    for _, name in ipairs { "summary_topics.lua", "summary.lua" } do
      local code = program.read(script.root .. "scripts/" .. name):gsub("^%-%-[^\n]*\n", ""):gsub("^%-%-[^\n]*\n", "")
      assert.truthy(page:find("```lua\n" .. code .. "```", 1, true), name)
      for line in code:gmatch "[^\n]+" do total = total + (line:find "%S" and 1 or 0) end
    end
    assert(total < 20, total)
  end)
end)
