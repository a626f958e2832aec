-- SPDX-License-Identifier: MIT
-- Reads the program's arguments. Pure: what it needs comes in, what it found goes out.
local M = {}

---@class docmsg.cli.Action what -e and -l ask for, in their order
---@field kind "code"|"library"
---@field value string

---@class docmsg.cli.Options
---@field actions docmsg.cli.Action[]
---@field properties string[] the "key=value" of each -X
---@field script? integer index of the script's name in the arguments
---@field bootstrap_servers? string
---@field env_file? string
---@field embedded? boolean
---@field insecure_tls? boolean
---@field interactive? boolean
---@field show_version? boolean
---@field warnings? boolean
---@field ignore_environment? boolean
---@field help? boolean

---@type table<string, fun(parsed: docmsg.cli.Options, value?: string)>
local FLAGS = {
  ["-i"] = function(parsed) parsed.interactive = true end,
  ["-v"] = function(parsed) parsed.show_version = true end,
  ["-E"] = function(parsed) parsed.ignore_environment = true end,
  ["-W"] = function(parsed) parsed.warnings = true end,
  ["-h"] = function(parsed) parsed.help = true end,
  ["--help"] = function(parsed) parsed.help = true end,
  ["--version"] = function(parsed) parsed.show_version = true end,
  ["--embedded"] = function(parsed) parsed.embedded = true end,
  ["--insecure-tls"] = function(parsed) parsed.insecure_tls = true end,
}

---@type table<string, fun(parsed: docmsg.cli.Options, value: string)>
local WITH_VALUE = {
  ["-e"] = function(parsed, value)
    table.insert(parsed.actions, { kind = "code", value = value })
  end,
  ["-l"] = function(parsed, value)
    table.insert(parsed.actions, { kind = "library", value = value })
  end,
  ["-X"] = function(parsed, value) table.insert(parsed.properties, value) end,
  ["--bootstrap-servers"] = function(parsed, value) parsed.bootstrap_servers = value end,
  ["--env-file"] = function(parsed, value) parsed.env_file = value end,
}

---Splits "-eCODE" and "--name=value".
---@param word string
---@return string name
---@return string? value
local function split(word)
  if word:sub(1, 2) == "--" then
    local name, value = word:match("^(%-%-[^=]+)=(.*)$")
    return name or word, value
  end
  local name = word:sub(1, 2)
  return name, #word > 2 and word:sub(3) or nil
end

---@param name string
---@return string message
local function unknown(name)
  local names = {}
  for known in pairs(FLAGS) do names[#names + 1] = known end
  for known in pairs(WITH_VALUE) do names[#names + 1] = known end
  table.sort(names)
  local nearest = require("docmsg.host").open_kafka().nearest(name, names)
  return ("unknown option '%s'%s"):format(name,
    nearest and (" (did you mean '%s'?)"):format(nearest) or "")
end

---Reads one option. Returns how many arguments it took.
---@param parsed docmsg.cli.Options
---@param argv string[]
---@param index integer
---@return integer? taken
---@return string? reason
local function read_option(parsed, argv, index)
  local name, value = split(argv[index])
  local flag, with_value = FLAGS[name], WITH_VALUE[name]
  if not flag and not with_value then
    return nil, unknown(#name == 2 and argv[index] or name)
  elseif flag and value then
    local long = name:sub(1, 2) == "--"
    return nil, long and ("'%s' takes no value"):format(name) or unknown(argv[index])
  elseif flag then
    flag(parsed)
    return 1
  end
  local taken = value and 1 or 2
  value = value or argv[index + 1]
  if not value or (taken == 2 and value:sub(1, 1) == "-") then
    return nil, ("'%s' needs an argument"):format(name)
  end
  with_value(parsed, value)
  return taken
end

---Reads the options before the script's name.
---@param argv string[]
---@return docmsg.cli.Options? parsed
---@return string? reason what is wrong with them
function M.parse(argv)
  local parsed = { actions = {}, properties = {} }
  local index = 1
  while argv[index] and argv[index]:sub(1, 1) == "-" and argv[index] ~= "-" do
    if argv[index] == "--" then
      index = index + 1
      break
    end
    local taken, reason = read_option(parsed, argv, index)
    if not taken then
      return nil, reason
    end
    index = index + taken
  end
  parsed.script = argv[index] and index or nil
  if parsed.embedded and parsed.bootstrap_servers then
    return nil, "'--embedded' and '--bootstrap-servers' exclude each other"
  end
  return parsed
end

return M
