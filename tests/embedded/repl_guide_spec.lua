-- SPDX-License-Identifier: MIT
-- The sessions of the prompt's guide, typed at a terminal, show what the guide shows.
local document = require "support.document"
local embedded = require "support.embedded"
local program = require "support.program"
local script = require "support.script"
local terminal = require "support.terminal"

local CONTEXTS <const> = [[return { prod = { bootstrap_servers = %q, protected = true }, dev = { bootstrap_servers = %q } }]]
local EVENTS <const> = [[local s = require "docmsg.schema"
return { ["order-placed"] = { topic = "orders", key = "id", data = s.record { id = s.string } } }]]

local function literally(text)
  return (text:gsub("%p", "%%%0"))
end

local function sorted(text)
  local lines = {}
  for line in text:gmatch "[^\n]+" do lines[#lines + 1] = line end
  table.sort(lines)
  return lines
end

describe("the guide of the prompt", function()
  local sessions = document.blocks(script.root .. "docs/repl.md", "")

  it("has sessions", function()
    assert.equal(2, #sessions)
  end)

  -- What is typed, after its prompt, and "^C", once what stands before it is there.
  local function replay(screen, session)
    for line in session:gmatch "[^\n]+" do
      local typed = line:match "^%l*>>? (.*)$"
      if typed then
        screen:await "> *$"
        screen:enter(typed)
      elseif line:find "^%^C" then
        screen:press "C-c"
      else
        screen:await("\n" .. literally(line) .. "\n?")
      end
    end
    screen:await "> *$"
  end

  for _, block in ipairs(sessions) do
    local context, session = block.text:match "^%$ docmsg%-lua %-%-context (%l+)\n(.*)$"
    it(("shows what there is to see in the context %s"):format(context), function()
      local own <close> = embedded.start()
      local folder = program.folder()
      finally(function() program.remove(folder) end)
      local topic = own:topic { name = "orders" }
      do
        local producer <close> = own:producer()
        assert(producer:publish { topic = topic.name, key = "a", value = '{"total":17}' })
      end
      assert(os.execute("mkdir " .. folder .. "/docmsg"))
      program.write(folder .. "/docmsg/contexts.lua", CONTEXTS:format(own.bootstrap_servers, own.bootstrap_servers))
      program.write(folder .. "/events.lua", EVENTS)
      local screen <close> = terminal.open(("cd %s; %s"):format(folder, program.command({ "--context", context },
        { HOME = folder, XDG_CONFIG_HOME = folder, DOCMSG_HISTORY = "" })), 120)
      replay(screen, session)
      local seen = screen:screen():gsub("^docmsg%-lua [^\n]*\n", ""):gsub("\n[^\n]*> *$", "\n")
      assert.same(sorted(session), sorted(seen)) -- what arrives may do so in another order
    end)
  end
end)
