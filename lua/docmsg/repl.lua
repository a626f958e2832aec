-- SPDX-License-Identifier: MIT
-- The interactive session: reads a chunk, runs it, shows what it returned.
local host = require "docmsg.host"
local dot = require "docmsg.repl.dot"
local document = require "docmsg.repl.document"
local history = require "docmsg.history"
local inspect = require "docmsg.inspect"
local jobs = require "docmsg.repl.jobs"
local offer = require "docmsg.repl.offer"
local script = require "docmsg.script"

local M = {}

local SIGINT = 2

-- Where Kafka is by default.
local NOWHERE <const> = "localhost:9092"

---@class docmsg.repl.Session
---@field editor docmsg.Editor
---@field interactive boolean a person is typing
---@field history? string path of the history file
---@field prompt string

---Compiles what was typed so far: as an expression if it is one, else as a chunk.
---@param source string
---@return function? chunk
---@return string? reason
---@return boolean incomplete more lines may complete it
function M.compile(source)
  source = source .. "\n" -- a string that is not closed ends here; only a long one goes on
  local chunk = load("return " .. source, "=stdin", "t")
  if chunk then
    return chunk, nil, false
  end
  local reason
  chunk, reason = load(source, "=stdin", "t")
  return chunk, reason, reason ~= nil and reason:find("<eof>$") ~= nil
end

---@param session docmsg.repl.Session
---@param entry string
local function remember(session, entry)
  if not session.interactive or not history.keeps(entry) then
    return
  end
  session.editor:remember(entry)
  if session.history then
    local ok, reason = host.append(session.history, history.encode(entry))
    if not ok then
      io.stderr:write("docmsg-lua: the history is not kept: ", reason, "\n")
      session.history = nil
    end
  end
end

---Reads lines until they are a chunk, or are hopeless.
---@param session docmsg.repl.Session
---@return string? source nil at the end of the input
---@return integer? signal
local function read_source(session)
  local source
  repeat
    local prompt = session.interactive and (source and ">> " or session.prompt) or ""
    local line, signal = session.editor:read(prompt)
    if not line then
      return not signal and source or nil, signal
    end
    if not source and (dot.is(line) or document.is(line)) then return line end
    source = source and source .. "\n" .. line or line
    local _, _, incomplete = M.compile(source)
  until not incomplete
  return source
end

---@param ... any results of a chunk
local function show(...)
  local count = select("#", ...)
  if count == 0 then
    return
  end
  rawset(_G, "_2", rawget(_G, "_1"))
  rawset(_G, "_1", rawget(_G, "_"))
  rawset(_G, "_", (...))
  local texts = {}
  for index = 1, count do
    local value = select(index, ...)
    if type(value) == "userdata" and getmetatable(value) == "docmsg.Delivery" then jobs.follow(value) end
    texts[index] = inspect.inspect(value)
  end
  print(table.concat(texts, "\t"))
end

---Runs one entry.
---@param source string
---@return integer? status nil when it went well
---@return integer? signal
local function evaluate(source)
  local chunk, reason = M.compile(source)
  if not chunk then
    return script.report(reason)
  end
  local results = table.pack(host.call(chunk))
  if results[1] then
    results = table.pack(host.call(show, table.unpack(results, 2, results.n)))
  end
  if not results[1] then
    return script.report(table.unpack(results, 2, 4)), results[4]
  end
end

---Runs a line with a dot, or with a question mark.
---@param line string
---@return integer? status nil when it went well
---@return integer? signal
---@return boolean? quit
local function run_line(line)
  local results = table.pack(host.call(dot.is(line) and dot.run or document.run, line, show))
  if not results[1] then return script.report(table.unpack(results, 2, 4)), results[4] end
  local code, quit = results[2], results[3]
  return code ~= 0 and code or nil, nil, quit
end

-- Where Kafka is, unless nobody has said anything of it.
local function place()
  local servers = require("docmsg.bare").defaults().bootstrap_servers
  return servers ~= NOWHERE and servers:gsub(",.*", ",…") or ""
end

-- Where the session is: the context's name, in its colour, or the first of the servers.
local function prompt_of(context)
  if not context then return place() .. "> " end
  local output = require "docmsg.output"
  local colour = context.colour or context.protected and "red" or "bold"
  local styled = output.new { colour = output.is_colourful(os.getenv, host.isatty(1)) }:paint(colour, context.name)
  return (styled:gsub("\27%[[%d;]*m", "\1%0\1")) .. "> "
end

local function complete(line)
  local cache = require "docmsg.repl.cache"
  cache.refresh()
  offer.prepare(line)
  return require("docmsg.repl.completer").complete(line, _G, cache.live)
end

---@param session docmsg.repl.Session
local function load_history(session)
  local path = history.path(os.getenv)
  if not path then
    return
  end
  local entries, reason = history.load(path)
  if not entries then
    io.stderr:write("docmsg-lua: no history: ", reason, "\n")
    return
  end
  session.history = path
  for _, entry in ipairs(entries) do
    session.editor:remember(entry)
  end
end

---One step of the session.
---@param session docmsg.repl.Session
---@return integer? status of the program, when the session is over
local function step(session)
  if session.interactive then
    io.stdout:write(jobs.step() or "")
    require("docmsg.repl.cache").refresh()
  end
  local source, signal = read_source(session)
  if signal == SIGINT then
    io.stdout:write("\n")
    return nil
  elseif not source then
    if session.interactive then
      io.stdout:write("\n")
    end
    return signal and 128 + signal or 0
  end
  remember(session, source)
  local status, quit
  if dot.is(source) or document.is(source) then status, signal, quit = run_line(source)
  else status, signal = evaluate(source) end
  if quit then return 0 end
  if not session.interactive or (signal and signal ~= SIGINT) then
    return status
  end
end

---What somebody who types has beside: TAB, what goes on meanwhile, history.
---@param session docmsg.repl.Session
---@return docmsg.Background? names closes when the session ends
local function attend(session)
  local cache = require "docmsg.repl.cache"
  session.editor:completer(complete)
  session.editor:idler(jobs.step)
  load_history(session)
  cache.keep("globals", offer.names())
  return cache.follow()
end

---Runs a session on standard input until it ends.
---@param context? docmsg.ClusterContext that it is in
---@return integer status
function M.run(context)
  local interactive = host.isatty(0)
  local session = { interactive = interactive, editor = host.editor(interactive) }
  offer.install(_G)
  local _ <close> = interactive and attend(session) or nil
  session.prompt = interactive and prompt_of(context) or ""
  local status
  repeat
    status = step(session)
    io.stdout:flush()
  until status
  jobs.stop()
  return status
end

return M
