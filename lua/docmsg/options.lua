-- SPDX-License-Identifier: MIT
-- The program's own options: those before a script or verb, and the ones that every verb takes too.
-- Pure: what it needs comes in, what it found goes out.
local flags = require "docmsg.flags"

local M = {}

---@class docmsg.cli.Action what -e and -l ask for, in their order
---@field kind "code"|"library"
---@field value string

---@class docmsg.cli.Options
---@field actions docmsg.cli.Action[]
---@field properties string[] the "key=value" of each -X
---@field script? integer index of the script's name in the arguments
---@field bootstrap_servers? string
---@field named_context? string
---@field write? boolean
---@field env_file? string
---@field embedded? boolean
---@field insecure_tls? boolean
---@field log_format? "text"|"json"
---@field verbose? boolean
---@field interactive? boolean
---@field show_version? boolean
---@field warnings? boolean
---@field ignore_environment? boolean
---@field help? boolean

local function action(kind)
  return function(text) return { kind = kind, value = text } end
end

---Options that may stand before or after a verb.
---@type docmsg.Flag[]
M.GLOBAL = {
  { "--bootstrap-servers", "LIST", help = "host:port,host:port, [\"host:port\"] or embedded\n"
    .. "default: $KAFKA_BOOTSTRAP_SERVERS, else .env,\nelse localhost:9092" },
  { "--context", "NAME", field = "named_context", help = "a cluster of ~/.config/docmsg/contexts.lua" },
  { "--write", help = "change things in a protected context, too" },
  { "--embedded", help = "a broker inside this process; it keeps nothing" },
  { "-X", "KEY=VALUE", repeated = true, field = "properties",
    help = "a librdkafka property, such as -X linger.ms=5\ndefault: $KAFKA_LINGER_MS and so on, else .env" },
  { "--insecure-tls", help = "any certificate of the broker will do; warns" },
  { "--env-file", "FILE", help = "default: .env of the current folder, if any" },
  { "--log-format", "FORMAT", kind = "choice", choices = { "text", "json" },
    help = "text or json, on standard error" },
  { "--verbose", help = "log more" },
}

---Options that stand before the script or verb.
---@type docmsg.Flag[]
M.LEADING = {
  { "-e", "CODE", repeated = true, field = "actions", read = action "code", help = "run CODE" },
  { "-l", "MODULE", repeated = true, field = "actions", read = action "library",
    help = "require MODULE into a global; NAME=MODULE names it" },
  { "-i", field = "interactive", help = "a session after the script" },
  { "-E", field = "ignore_environment", help = "ignore LUA_INIT, LUA_PATH and LUA_CPATH" },
  { "-W", field = "warnings", help = "turn warnings on" },
  { "--version", short = "-v", field = "show_version", help = "show the versions" },
}

local PROGRAM <const> = table.move(M.GLOBAL, 1, #M.GLOBAL, #M.LEADING + 1,
  table.move(M.LEADING, 1, #M.LEADING, 1, { leading = true }))

---Is the word an option of the program's own?
---@param word string
---@return boolean
function M.has(word)
  for _, flag in ipairs(PROGRAM) do
    if flag[1] == word or flag.short == word then return true end
  end
  return false
end

---Says what options that are fine by themselves do not go together.
---@param parsed docmsg.cli.Options
---@return string? reason
function M.conflict(parsed)
  if parsed.embedded and parsed.bootstrap_servers then
    return "--embedded and --bootstrap-servers exclude each other"
  elseif parsed.named_context and (parsed.embedded or parsed.bootstrap_servers) then
    return "--context names the servers: --embedded and --bootstrap-servers exclude it"
  end
end

---Reads the options before the script's name.
---@param argv string[]
---@return docmsg.cli.Options? parsed
---@return string? reason what is wrong with them
function M.parse(argv)
  local parsed, reason, rest = flags.parse(PROGRAM, argv)
  if not parsed then return nil, reason end
  parsed.script = argv[rest] and rest or nil
  reason = M.conflict(parsed)
  if reason then return nil, reason end
  return parsed --[[@as docmsg.cli.Options]]
end

return M
