-- SPDX-License-Identifier: MIT
-- What may follow on a command line: verbs, options, the values of those that have a choice, and the
-- names of topics, groups, events and librdkafka's properties.
local command = require "docmsg.command"
local options = require "docmsg.options"
local root = require "docmsg.verb"

local M = {}

-- Positional arguments and options by what they name on the cluster.
local LIVE <const> = { TOPIC = "topics", GROUP = "groups", TYPE = "events", ["-X"] = "properties" }

local function names_of(group)
  local names = {}
  for i, entry in ipairs(group.verbs) do names[i] = entry[1] end
  return names
end

local function is_verb_of(group, word)
  for _, name in ipairs(names_of(group)) do
    if name == word then return true end
  end
  return false
end

local function flag_of(flags, word)
  for _, flag in ipairs(flags) do
    if flag[1] == word or flag.short == word then return flag end
  end
end

local function is_option(word)
  return word:sub(1, 1) == "-"
end

-- The words before the last one: the verb they lead to, and the positional arguments after it.
local function walk(words)
  local at, path, verb, positional, flags = root, nil, nil, {}, options.GLOBAL
  local i = 1
  while i < #words do
    local word = words[i]
    if is_option(word) then
      local flag = flag_of(flags, word)
      if flag and flag[2] and not word:find("=", 1, true) then i = i + 1 end
    elseif not verb then
      if not is_verb_of(at, word) then return nil end
      path = path and path .. "." .. word or word
      local module = require("docmsg.verb." .. path)
      if module.verbs then at = module else
        verb = module
        flags = table.move(options.GLOBAL, 1, #options.GLOBAL, #command.flags_of(verb) + 1, command.flags_of(verb))
      end
    else
      positional[#positional + 1] = word
    end
    i = i + 1
  end
  return { group = at, verb = verb, flags = flags, positional = positional }
end

-- What the argument or option takes.
local function values_of(flag, live)
  if flag.choices then return flag.choices end
  local kind = LIVE[flag[1]] or LIVE[flag[2]]
  return kind and live(kind) or {}
end

local function positional_of(flags, number)
  local seen = 0
  for _, flag in ipairs(flags) do
    if not is_option(flag[1]) then
      seen = seen + 1
      if seen == number or flag.repeated then return flag end
    end
  end
end

local function candidates(found, words, live)
  local last, before = words[#words], words[#words - 1]
  local flag = before and is_option(before) and flag_of(found.flags, before)
  if flag and flag[2] then return values_of(flag, live) end
  if is_option(last) then
    local names = { "--help" }
    for _, each in ipairs(found.flags) do
      if is_option(each[1]) then names[#names + 1] = each[1] end
    end
    return names
  end
  if not found.verb then return names_of(found.group) end
  local next_flag = positional_of(found.flags, #found.positional + 1)
  return next_flag and values_of(next_flag, live) or {}
end

---What the last word may become.
---@param words string[] after the program's name; the last one is being typed and may be ""
---@param live fun(kind: docmsg.repl.Kind): string[] names, of the cluster and others
---@return string[] candidates sorted
function M.complete(words, live)
  local found = walk(words)
  if not found then return {} end
  local last, list = words[#words], {}
  for _, name in ipairs(candidates(found, words, live)) do
    if name:sub(1, #last) == last then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

---The scripts of the shells.
M.SCRIPTS = {
  bash = [=[
_docmsg_lua() {
  local IFS=$'\n'
  COMPREPLY=($(docmsg-lua completion words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _docmsg_lua docmsg-lua
]=],
  zsh = [=[
#compdef docmsg-lua
_docmsg_lua() {
  local -a found
  found=("${(@f)$(docmsg-lua completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n $found ]]; then compadd -- $found; else _files; fi
}
compdef _docmsg_lua docmsg-lua
]=],
  fish = [=[
function __docmsg_lua
  set -l words (commandline -opc) (commandline -ct)
  docmsg-lua completion words -- $words[2..-1] 2>/dev/null
end
complete -c docmsg-lua -a '(__docmsg_lua)'
]=],
}

return M
