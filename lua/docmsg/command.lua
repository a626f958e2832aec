-- SPDX-License-Identifier: MIT
-- Finds a verb among the words of the command line, reads its options, shows its help, runs it.
-- What a verb is stands in docmsg.verb.
local flags = require "docmsg.flags"
local options = require "docmsg.options"
local root = require "docmsg.verb"

local M = {}

local NETWORK <const> = { "--timeout", "DUR", kind = "duration", default = "30s",
  help = "of each request to the broker" }
local FORMAT <const> = { "--format", "FORMAT", short = "-F", kind = "choice", default = "table",
  choices = { "table", "json", "jsonl" }, help = "table, json or jsonl" }
local CONFIRM <const> = { "--yes", help = "do not ask" }

---A verb as the command line names it.
---@class docmsg.command.Found
---@field words string "topics plan"
---@field verb docmsg.Verb|docmsg.VerbGroup
---@field rest integer index of the first argument that is the verb's own

---@param group docmsg.VerbGroup
---@return string[]
local function names(group)
  local list = {}
  for i, entry in ipairs(group.verbs) do list[i] = entry[1] end
  return list
end

---@param group docmsg.VerbGroup
---@param word string?
---@return boolean
local function has(group, word)
  for _, entry in ipairs(group.verbs) do
    if entry[1] == word then return true end
  end
  return false
end

---Is the word a verb?
---@param word string
---@return boolean
function M.is_verb(word)
  return has(root, word)
end

---The verb nearest to a word that is none.
---@param word string
---@return string?
function M.nearest(word)
  return require("docmsg.bare").nearest(word, names(root))
end

local function with(list, ...)
  local result = table.move(list, 1, #list, 1, {})
  for _, more in ipairs { ... } do table.move(more, 1, #more, #result + 1, result) end
  return result
end

---The arguments of a verb, with those that all of its kind take.
---@param verb docmsg.Verb
---@return docmsg.Flag[]
function M.flags_of(verb)
  local common = {}
  if verb.prints then common[#common + 1] = FORMAT end
  if verb.confirms then common[#common + 1] = CONFIRM end
  if verb.network then common[#common + 1] = NETWORK end
  return with(verb, common)
end

---The help of a verb or of a group of verbs.
---@param words string "topics plan"
---@param verb docmsg.Verb|docmsg.VerbGroup
---@return string
function M.help(words, verb)
  local spec = { about = verb.about, examples = verb.examples }
  if verb.verbs then
    spec.usage = ("docmsg-lua %s VERB …"):format(words)
    spec.about = verb.about .. "\n\n" .. flags.columns(verb.verbs):gsub("\n$", "")
  else
    spec.usage = ("docmsg-lua %s %s"):format(words, verb.usage)
    table.move(M.flags_of(verb), 1, #M.flags_of(verb), 1, spec)
  end
  local everywhere = {}
  for i, flag in ipairs(options.GLOBAL) do everywhere[i] = flag[1] end
  return flags.help(spec) .. "\neverywhere, see docmsg-lua --help:\n  "
    .. table.concat(everywhere, " ") .. "\n"
end

-- Why a group's word names no verb of it.
local function no_verb(words, group, word)
  local list = table.concat(names(group), ", ")
  if not word then return ("%s: which one of %s?"):format(words, list) end
  local nearest = require("docmsg.bare").nearest(word, names(group))
  return ("there is no verb '%s %s'; %s"):format(words, word,
    nearest and ("did you mean '%s %s'?"):format(words, nearest) or "there are " .. list)
end

---Follows the words from argv[at], which is a verb, to a verb that can run, reading the options
---that stand between them. With --help in them, it stops where the words end.
---@param argv string[]
---@param at integer
---@param parsed docmsg.cli.Options is added to
---@return docmsg.command.Found? found
---@return string? reason
function M.find(argv, at, parsed)
  local words, verb = argv[at], require("docmsg.verb." .. argv[at])
  local rest = at + 1
  while verb.verbs do
    local spec = with(options.GLOBAL)
    spec.leading = true
    local _, reason, next_word = flags.parse(spec, argv, rest, parsed)
    if reason then return nil, reason end
    local word = argv[next_word]
    if not word and parsed.help then break end
    if not has(verb, word) then return nil, no_verb(words, verb, word) end
    verb = require(("docmsg.verb.%s.%s"):format(words:gsub(" ", "."), word))
    words, rest = words .. " " .. word, next_word + 1
  end
  return { words = words, verb = verb, rest = rest }
end

---Reads the arguments of a verb.
---@param found docmsg.command.Found
---@param argv string[]
---@param parsed docmsg.cli.Options is added to
---@return string? reason
function M.read(found, argv, parsed)
  if found.verb.verbs then return nil end
  local spec = with(M.flags_of(found.verb), options.GLOBAL)
  local read, reason = flags.parse(spec, argv, found.rest, parsed)
  return not read and reason or options.conflict(parsed)
end

---Runs a verb.
---@param found docmsg.command.Found
---@param parsed docmsg.cli.Options
---@return integer code
function M.run(found, parsed)
  local output = require("docmsg.output").standard(parsed)
  local code = found.verb.run(parsed, output)
  return math.type(code) == "integer" and code or error(found.words .. " returned no exit code")
end

return M
