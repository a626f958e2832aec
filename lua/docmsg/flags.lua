-- SPDX-License-Identifier: MIT
-- The command line of a script, from one table that is also its --help.
--
--   local options = flags.read({
--     usage = "docmsg-lua setup.lua [options]",
--     about = "Creates and verifies the topics of a topic table.",
--     { "--attempts", "N", kind = "integer", default = 30, help = "how often to try to connect" },
--     { "--help-me", help = "a flag without a value is true when it is given" },
--     { "FILE", required = true, help = "a positional argument" },
--   }, arg)
--   options.attempts, options.help_me, options.FILE
local kafka = require "docmsg.kafka"

local M = {}

---@class docmsg.Flag
---@field [1] string "--name" of an option, or the name of a positional argument
---@field [2]? string what the option's value is called; an option without it takes none
---@field kind? "string"|"integer"|"duration" default "string"
---@field min? integer the smallest integer
---@field default? string|integer
---@field required? boolean of a positional argument
---@field help string

---@class docmsg.Usage : docmsg.Flag[]
---@field usage string the first line of the help
---@field about string what the script does

local HELP <const> = { "--help", help = "show this text" }

local convert = {
  string = function(text) return text end,
  integer = function(text, flag)
    local number = text:find("^%d+$") and math.tointeger(text)
    if number and number >= (flag.min or 0) then return number end
    return nil, ("a whole number from %d on"):format(flag.min or 0)
  end,
  duration = function(text)
    if pcall(kafka.duration, text) then return text end
    return nil, 'a duration such as "500ms", "2s" or "5m"'
  end,
}

local function is_option(flag)
  return flag[1]:sub(1, 2) == "--"
end

-- "--retry-delay" is options.retry_delay.
local function field(flag)
  return is_option(flag) and (flag[1]:sub(3):gsub("-", "_")) or flag[1]
end

local function find(spec, name)
  local names = { HELP[1] }
  if name == HELP[1] then return HELP end
  for _, flag in ipairs(spec) do
    if flag[1] == name then return flag end
    if is_option(flag) then names[#names + 1] = flag[1] end
  end
  local nearest = kafka.nearest(name, names)
  local remedy = nearest and ("; did you mean %s?"):format(nearest) or ""
  return nil, ("unknown option %s%s"):format(name, remedy)
end

local function store(options, flag, text)
  local value, expected = convert[flag.kind or "string"](text, flag)
  if value == nil then
    return nil, ("%s takes %s, not %q"):format(flag[1], expected, text)
  end
  options[field(flag)] = value
  return true
end

-- Takes the option at args[i]. Returns the index of the last argument it used.
local function take_option(spec, options, args, i)
  local name, inline = args[i]:match("^(%-%-[^=]+)=(.*)$")
  local flag, unknown = find(spec, name or args[i])
  if not flag then return nil, unknown end
  if not flag[2] then
    if inline then return nil, flag[1] .. " takes no value" end
    options[field(flag)] = true
    return i
  end
  local text = inline or args[i + 1]
  if not text then return nil, ("%s needs a value (%s)"):format(flag[1], flag[2]) end
  local stored, wrong = store(options, flag, text)
  return stored and (inline and i or i + 1), wrong
end

local function start_values(spec)
  local options, positional = {}, {}
  for _, flag in ipairs(spec) do
    options[field(flag)] = flag.default
    if not is_option(flag) then positional[#positional + 1] = flag end
  end
  return options, positional
end

-- Takes args[i] as the next positional argument.
local function take_positional(positional, options, args, i)
  local flag = table.remove(positional, 1)
  if not flag then return nil, ("unexpected argument %q"):format(args[i]) end
  local stored, wrong = store(options, flag, args[i])
  return stored and i, wrong
end

---Reads arguments.
---@param spec docmsg.Usage
---@param args string[]
---@return table<string, string|integer|boolean>? options by name, "-" as "_"
---@return string? reason
function M.parse(spec, args)
  local options, positional = start_values(spec)
  local i, options_end = 1, false
  while args[i] do
    local last, reason = i, nil
    if args[i] == "--" and not options_end then
      options_end = true
    elseif args[i]:find("^%-.") and not options_end then
      last, reason = take_option(spec, options, args, i)
    else
      last, reason = take_positional(positional, options, args, i)
    end
    if not last then return nil, reason end
    i = last + 1
  end
  local missing = positional[1]
  if missing and missing.required and not options.help then
    return nil, missing[1] .. " is missing: " .. missing.help
  end
  return options
end

---The text that --help prints.
---@param spec docmsg.Usage
---@return string
function M.help(spec)
  local lines = { "usage: " .. spec.usage, "", spec.about, "" }
  local function describe(flag)
    local left = flag[2] and flag[1] .. " " .. flag[2] or flag[1]
    local default = flag.default and (" (default %s)"):format(flag.default) or ""
    lines[#lines + 1] = ("  %-20s  %s%s"):format(left, flag.help, default)
  end
  for _, flag in ipairs(spec) do describe(flag) end
  describe(HELP)
  return table.concat(lines, "\n") .. "\n"
end

---Reads a script's arguments; ends the program for --help (0) and for wrong usage (2).
---@param spec docmsg.Usage
---@param args string[]
---@return table<string, string|integer|boolean> options
function M.read(spec, args)
  local options, reason = M.parse(spec, args)
  if not options then
    io.stderr:write(reason, "\nusage: ", spec.usage, "\n")
    os.exit(2, true)
  end
  if options.help then
    io.stdout:write(M.help(spec))
    os.exit(0, true)
  end
  return options
end

return M
