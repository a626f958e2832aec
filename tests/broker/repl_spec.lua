-- SPDX-License-Identifier: MIT
-- The prompt on a real broker: what it learns in the background, and what arrives while a line is typed.
local await = require "support.await"
local broker = require "support.broker"
local name = require "support.name"
local program = require "support.program"
local terminal = require "support.terminal"

local EVENTS <const> = [[local s = require "docmsg.schema"
return { ["repl-order-placed"] = { topic = %q, key = "id", data = s.record { id = s.string } } }]]

describe("the prompt", function()
  local cluster, topic, folder, screen, group

  local function open(columns)
    screen = terminal.open(("cd %s; %s"):format(folder, program.command(
      { "--bootstrap-servers", cluster.bootstrap_servers }, { HOME = folder, DOCMSG_HISTORY = "" })), columns)
    screen:await "> $"
  end

  -- Types, without Enter.
  local function type_keys(text)
    screen:tmux("send-keys -l -- %s", program.quote(text))
    screen:await("> " .. text:gsub("%p", "%%%0") .. "%s*$") -- a full row wraps with a space
  end

  -- TAB until the background has learnt what there is.
  local function complete(typed, becomes)
    type_keys(typed)
    screen:press "Tab"
    for _ = 1, 100 do
      local seen = screen:screen()
      if seen:find("> " .. becomes:gsub("%p", "%%%0") .. "$") then break end
      screen:press "Tab"
    end
    screen:await("> " .. becomes:gsub("%p", "%%%0") .. "$")
    screen:press("C-u", "C-l")
    screen:await "^%S+> $"
  end

  local function enter(line, pattern)
    screen:enter(line)
    local seen = screen:await(pattern)
    screen:press "C-l"
    screen:await "^%S+> $"
    return seen
  end

  local function publish(value)
    local producer <close> = cluster:producer()
    assert(producer:publish { topic = topic.name, value = value })
  end

  before_each(function()
    cluster = broker.connect()
    topic = cluster:topic { partitions = 1 }
    group = name.unique "repl-group"
    local consumer <close> = cluster:consumer { group = group }
    await(function() return consumer:commit { { topic = topic.name, partition = 0, offset = 0 } } end, "30s",
      "the group's coordinator")
    folder = program.folder()
    program.write(folder .. "/events.lua", EVENTS:format(topic.name))
    open()
  end)

  after_each(function()
    screen:close()
    program.remove(folder)
    local admin <close> = cluster:admin()
    admin:delete_groups { group }
    topic:close()
  end)

  it("completes topics and groups that nobody has asked for, events, and configuration keys", function()
    complete("x = '" .. topic.name:sub(1, -2), "x = '" .. topic.name)
    complete(".lag " .. group:sub(1, -2), ".lag " .. group)
    complete("bus:publish('repl-ord", "bus:publish('repl-order-placed")
    complete(".publish repl-o", ".publish repl-order-placed")
    complete("c = { ['max.message.by", "c = { ['max.message.bytes")
    complete("topics:stat", "topics:statistics")
    complete("docmsg.message_", "docmsg.message_key")
  end)

  it("has topics, bus and app, which connect when they are used", function()
    program.write(folder .. "/pipeline.lua", "return require('docmsg').app { name = 'mine', events = 'events.lua' }")
    enter("topics", "TopicManager %(not connected%)\n%S+> $")
    enter(("topics:list { '%s' }[1].name"):format(topic.name), "\n\"" .. topic.name:gsub("%p", "%%%0") .. "\"\n%S+> $")
    enter("bus:publish('repl-order-placed', { id = 'a' }).offset", "\n0\n%S+> $")
    enter("app.name, app:event('repl-order-placed').topic", "\n\"mine\"\t?")
    program.write(folder .. "/other.lua", "return require('docmsg').app { name = 'other' }")
    enter(".load other.lua", "> $")
    enter("app.name", "\n\"other\"\n%S+> $")
  end)

  it("shows what arrives above the line that is typed, which goes on", function()
    screen:enter(".tail " .. topic.name .. " &")
    screen:await "&\n%S+> $"
    type_keys "x = 'half"
    publish "first"
    screen:await "&\nfirst\n%S+> x = 'half$"
    local long = ("y"):rep(150) -- more than a row
    screen:tmux("send-keys -l -- %s", long)
    screen:await("half" .. long .. "$")
    publish "second"
    screen:await("&\nfirst\nsecond\n%S+> x = 'half" .. long .. "$")
    screen:enter "'"
    screen:await("yyy'\n%S+> $")
    enter("#x", "\n154\n%S+> $")
    enter(".stop", "ended: " .. topic.name:gsub("%p", "%%%0") .. "\n%S+> $")
    enter(".stop", "nothing goes on\n%S+> $")
  end)

  it("keeps the line whole on a terminal of 20 columns", function()
    screen:close()
    open(20)
    enter("T = '" .. topic.name .. "'", "'\n%S+> $")
    enter(".tail " .. topic.name .. " &", "&\n%S+> $")
    local room = 20 - #cluster.bootstrap_servers - 2
    for length = room - 2, room + 2 do -- the last column, and around it
      type_keys(("y"):rep(length))
      publish("v" .. length)
      screen:await(("^v%d\n%%S+> %s%%s*$"):format(length, ("y"):rep(length)))
      screen:press "C-c"
      screen:await "\n%S+> $"
      screen:press "C-l"
      screen:await "^%S+> $"
    end
  end)

  it("tells what became of a record that was sent", function()
    enter("p = kafka.producer {}", "> $")
    enter(("p:send { topic = '%s', value = 'v' }"):format(topic.name), "delivered to [^\n]+/0 at 0\n%S+> $")
    enter("q = kafka.producer { kafka = { ['message.timeout.ms'] = 100 } }", "> $")
    enter("q:send { topic = 'no-such-topic-here', value = 'v' }", "not delivered: [^\n]+\n%S+> $")
  end)

  it("ends a tail whose filter fails, and goes on", function()
    publish "v"
    enter(".tail " .. topic.name .. " --where 'nothing.at.all' &", "%.tail [^\n]+ has ended: [^\n]+\n%S+> $")
    enter(".cat " .. topic.name .. " -e &", "only %.tail goes on beside the prompt")
    enter("1 + 1", "\n2\n%S+> $")
  end)
end)
