-- SPDX-License-Identifier: MIT
-- Lines of the prompt that begin with a dot: the program's verbs, and a few words of the prompt's own.
local command = require "docmsg.command"
local exit = require "docmsg.exit"
local host = require "docmsg.host"
local options = require "docmsg.options"

local M = {}

-- Words that stand for others.
local SHORT <const> = { lag = { "groups", "lag" }, plan = { "topics", "plan" } }
-- Groups of verbs that list when no verb of theirs follows.
local LISTS <const> = { topics = true, groups = true }

local HELP <const> = [[
.topics .groups .lag GROUP .tail TOPIC .publish TYPE JSON .plan FILE    as the verbs of those names
.VERB …          any verb, such as .cat orders -e or .topics show orders
.tail TOPIC … &  goes on while you type; .stop [TOPIC] ends it
.load FILE       runs a Lua file; an application that it returns is app
.time EXPR       runs it and says how long it took
.quit            ends, as Ctrl-D does
?NAME ??NAME     what is known about a function, a module, an object, a verb; its source
docmsg kafka topics bus app    are there; they connect when they are used
TAB completes names and fields, and topics, groups, events and configuration keys inside strings.
_ is the last result, _1 and _2 the ones before. Ctrl-C ends what runs, or clears the line.]]

-- Words as a shell splits them, with its quotes.
local function split(line)
  local words, at = {}, 1
  while true do
    at = line:find("%S", at)
    if not at then return words end
    local word = ""
    while at <= #line and not line:find("^%s", at) do
      local mark = line:match("^[\"']", at)
      local pattern = mark and ("^%s([^%s]*)%s()"):format(mark, mark, mark) or "^([^%s\"']+)()"
      local text, after = line:match(pattern, at)
      if not text then return nil, "a quote is not closed" end
      word, at = word .. text, after
    end
    words[#words + 1] = word
  end
end

---Is it a line for this module?
---@param line string
---@return boolean
function M.is(line)
  return line:find "^%s*%.%a" ~= nil
end

-- The words after the dot; a short one stands for what it is short for.
local function read(line)
  local words, reason = split((line:gsub("^%s*%.", "", 1)))
  if not words then return nil, reason end
  local long = #words > 0 and SHORT[words[1]]
  if not long then return words end
  return table.move(words, 2, #words, #long + 1, table.move(long, 1, #long, 1, {}))
end

---Its words, as the command line would have them.
---@param line string
---@return string[]? words
---@return string? reason
function M.words(line)
  local words, reason = read(line)
  if not words then return nil, reason end
  if LISTS[words[1]] and (words[2] or "-"):sub(1, 1) == "-" then table.insert(words, 2, "list") end
  return words
end

---The words so far of a line that is being typed; the last one may be empty.
---@param line string
---@return string[]? words nil inside of quotes
function M.typed(line)
  local verb = line:match "^%s*%.(%a*)$"
  if verb then return { verb } end
  local words = read(line)
  if words and line:find "%s$" then words[#words + 1] = "" end
  return words
end

local function complain(reason)
  io.stderr:write("docmsg-lua: ", tostring(reason), "\n")
  return exit.USAGE
end

-- Goes on beside the prompt.
local function tail_beside(found, parsed)
  if found.words ~= "tail" then return complain "only .tail goes on beside the prompt, by an & at the end" end
  local ok, err = require("docmsg.repl.jobs").tail(parsed)
  if ok then return exit.DONE end
  complain(err)
  return exit.FAILED
end

-- Runs a verb as the command line does.
local function run_verb(words)
  local beside = words[#words] == "&" and table.remove(words) ~= nil
  if not command.is_verb(words[1]) then
    local nearest = command.nearest(words[1])
    return complain(("there is no .%s%s"):format(words[1], nearest and ("; did you mean .%s?"):format(nearest)
      or "; .help lists what there is"))
  end
  local parsed = assert(options.parse {})
  local found, reason = command.find(words, 1, parsed)
  if not found then return complain(reason) end
  reason = command.read(found, words, parsed)
  if parsed.help then
    io.stdout:write(command.help(found.words, found.verb))
    return exit.DONE
  end
  if reason then return complain(reason) end
  require "docmsg.kafka"
  require("docmsg.repl.cache").watch()
  return (beside and tail_beside or command.run)(found, parsed)
end

local OWN <const> = {
  help = function() print(HELP) end,
  quit = function() return nil, true end,
  load = function(words, show)
    if not words[2] then return complain ".load needs a file" end
    local chunk, reason = loadfile(words[2], "t")
    if not chunk then return complain(reason) end
    local results = table.pack(chunk())
    local meta = debug.getmetatable(results[1])
    if type(meta) == "table" and meta.__name == "docmsg.App" then require("docmsg.repl.offer").take_app(results[1]) end
    show(table.unpack(results, 1, results.n))
  end,
  stop = function(words)
    local jobs = require "docmsg.repl.jobs"
    local ended, others = jobs.stop(words[2]), table.concat(jobs.followed(), " ")
    if #ended == 0 and others ~= "" then
      return complain(("%s is not followed; these are: %s"):format(words[2], others))
    end
    print(#ended > 0 and "ended: " .. table.concat(ended, " ") or "nothing goes on")
  end,
  time = function(_, show, line)
    local source = line:match "^%s*%.time%s+(.*)$" or ""
    local chunk = load("return " .. source, "=stdin", "t")
    local reason
    if not chunk then chunk, reason = load(source, "=stdin", "t") end
    if not chunk then return complain(reason) end
    local start, cpu = host.now(), os.clock()
    local results = table.pack(chunk())
    local took, busy = host.now() - start, os.clock() - cpu
    show(table.unpack(results, 1, results.n))
    print(("%.3f s, %.3f s of them CPU time"):format(took, busy))
  end,
}

---The words after the dot: verbs and the prompt's own.
---@return string[]
function M.names()
  local names = { "groups", "help", "lag", "load", "plan", "quit", "stop", "time" }
  for _, entry in ipairs(require("docmsg.verb").verbs) do names[#names + 1] = entry[1] end
  return names
end

---Runs a line.
---@param line string
---@param show fun(...: any) shows values
---@return integer? code
---@return boolean? quit
function M.run(line, show)
  local words, reason = M.words(line)
  if not words then return complain(reason) end
  local own = OWN[line:match "^%s*%.(%a+)"]
  if own then return own(words, show, line) end
  return run_verb(words)
end

return M
