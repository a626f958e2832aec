-- SPDX-License-Identifier: MIT
-- docmsg-lua completion
local completion = require "docmsg.completion"
local exit = require "docmsg.exit"
local names = require "docmsg.names"

-- Whoever presses TAB does not wait longer.
local PATIENCE <const> = "1s"

local function silent() end

-- Asks an admin client; no names when it does not answer.
local function asking(read)
  return function()
    local admin <close> = require("docmsg.kafka").admin { on_log = silent, on_error = silent }
    return admin and read(admin) or {}
  end
end

local LIVE <const> = {
  topics = asking(function(admin) return names.topics(admin:describe_topics(nil, { timeout = PATIENCE }) or {}) end),
  groups = asking(function(admin) return names.groups(admin:list_groups { timeout = PATIENCE } or {}) end),
  properties = names.properties,
}

-- Types of events are not offered: to know them is to run events.lua of the folder, and a key is no
-- command to run it.
local function live(kind)
  return LIVE[kind] and LIVE[kind]() or {}
end

return {
  usage = "bash|zsh|fish",
  about = [[
Prints a script that teaches a shell the verbs, their options, and the names of topics and groups.
Nothing of the current folder is run for it, so types of events are not among them.
With "words", prints what may stand for the last of the words that follow: the scripts ask for it.]],
  examples = {
    { "docmsg-lua completion bash > ~/.local/share/bash-completion/completions/docmsg-lua" },
    { "docmsg-lua completion words -- topics pl", "what TAB would offer" },
  },
  { "SHELL", required = true, kind = "choice", choices = { "bash", "zsh", "fish", "words" },
    help = "bash, zsh, fish; or words" },
  { "WORD", repeated = true, help = "of a command line, after `words --`" },
  run = function(options, output)
    if options.SHELL ~= "words" then
      output:line("%s", (completion.SCRIPTS[options.SHELL]:gsub("\n$", "")))
      return exit.DONE
    end
    local words = #options.WORD > 0 and options.WORD or { "" }
    for _, word in ipairs(completion.complete(words, live)) do output:line("%s", word) end
    return exit.DONE
  end,
}
