-- SPDX-License-Identifier: MIT
-- The interactive session: reads a chunk, runs it, shows what it returned.
local host = require "docmsg.host"
local history = require "docmsg.history"
local inspect = require "docmsg.inspect"
local script = require "docmsg.script"

local M = {}

local SIGINT = 2

---@class docmsg.repl.Session
---@field editor docmsg.Editor
---@field interactive boolean a person is typing
---@field history? string path of the history file

local AT_HAND = { kafka = "docmsg.kafka", docmsg = "docmsg" }

---Makes `kafka` and `docmsg` globals that are required when they are first used.
---@param globals table
local function offer_modules(globals)
  local meta = debug.getmetatable(globals) or {}
  local former = meta.__index
  function meta.__index(t, key)
    if AT_HAND[key] then
      local module = require(AT_HAND[key])
      rawset(t, key, module)
      return module
    elseif type(former) == "function" then
      return former(t, key)
    end
    return former and former[key]
  end
  debug.setmetatable(globals, meta)
end

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
    local prompt = session.interactive and (source and ">> " or "> ") or ""
    local line, signal = session.editor:read(prompt)
    if not line then
      return not signal and source or nil, signal
    end
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
  rawset(_G, "_", (...))
  local texts = {}
  for index = 1, count do
    texts[index] = inspect.inspect((select(index, ...)))
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

---@param session docmsg.repl.Session
local function load_history(session)
  local path = session.interactive and history.path(os.getenv)
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
  local status
  status, signal = evaluate(source)
  if not session.interactive or (signal and signal ~= SIGINT) then
    return status
  end
end

---Runs a session on standard input until it ends.
---@return integer status
function M.run()
  local interactive = host.isatty(0)
  local session = { interactive = interactive, editor = host.editor(interactive) }
  offer_modules(_G)
  load_history(session)
  local status
  repeat
    status = step(session)
    io.stdout:flush()
  until status
  return status
end

return M
