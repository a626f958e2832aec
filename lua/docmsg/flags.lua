-- SPDX-License-Identifier: MIT
-- The command line of a script, of a verb or of the program, from one table that is also its help.
--
--   local options = flags.read({
--     usage = "docmsg-lua setup.lua [options]",
--     about = "Creates and verifies the topics of a topic table.",
--     { "--attempts", "N", kind = "integer", default = 30, help = "how often to try to connect" },
--     { "--skip", short = "-s", help = "a flag without a value is true when it is given" },
--     { "FILE", required = true, help = "a positional argument" },
--     examples = { { "docmsg-lua setup.lua -s topics.lua", "what it does" } },
--   }, arg)
--   options.attempts, options.skip, options.FILE
--
-- An option's value may begin with "-" unless it is an option itself: "-o -10" is one, "-o -n" has
-- forgotten it, "-o-n" and "--offset=-n" mean it. (lua-argparse takes no value that begins with "-",
-- as offsets do, which is why this is not lua-argparse.)
local M = {}

---@class docmsg.Flag
---@field [1] string "--name" or "-n" of an option, or the name of a positional argument
---@field [2]? string what the option's value is called; an option without it takes none
---@field short? string "-n", besides its "--name"
---@field field? string its name in the result; default: without its dashes, "-" as "_"
---@field kind? "string"|"integer"|"duration"|"choice" default "string"
---@field min? integer the smallest integer
---@field choices? string[] of the kind "choice"
---@field read? fun(text: string): any?, string? a kind of its own: the value, or nil and what is expected
---@field repeated? boolean the result is a list; such an argument, the last one, takes all that follows
---@field default? string|integer
---@field required? boolean of a positional argument
---@field help string

---@class docmsg.Usage : docmsg.Flag[]
---@field usage? string the first line of the help
---@field about? string what the script does
---@field examples? [string, string?][] command lines and what they are for
---@field leading? boolean reading ends before the first word that is no option

local HELP <const> = { "--help", short = "-h", help = "show this text" }

-- Spelling and durations are the module's; a correct command line need not open it.
local function kafka()
  return require "docmsg.bare"
end

local convert = {
  string = function(text) return text end,
  integer = function(text, flag)
    local number = text:find("^%d+$") and math.tointeger(text)
    if number and number >= (flag.min or 0) then return number end
    return nil, ("a whole number from %d on"):format(flag.min or 0)
  end,
  duration = function(text)
    if pcall(kafka().duration, text) then return text end
    return nil, 'a duration such as "500ms", "2s" or "5m"'
  end,
  choice = function(text, flag)
    for _, choice in ipairs(flag.choices) do
      if choice == text then return text end
    end
    return nil, "one of " .. table.concat(flag.choices, ", ")
  end,
}

local function is_option(flag)
  return flag[1]:sub(1, 1) == "-"
end

-- "--retry-delay" is options.retry_delay.
local function field(flag)
  return flag.field or (flag[1]:gsub("^%-+", ""):gsub("-", "_"))
end

-- "--name=value" and "-nVALUE".
local function split(word)
  if word:sub(1, 2) == "--" then
    local name, value = word:match("^(%-%-[^=]+)=(.*)$")
    return name or word, value
  end
  return word:sub(1, 2), word:match("^..(.+)$")
end

local function unknown(reader, word)
  if require("docmsg.options").has(word) then
    return ("unknown option %s here: docmsg-lua's own options stand before the name of the script or verb")
      :format(word)
  end
  local names = {}
  for name in pairs(reader.flags) do names[#names + 1] = name end
  table.sort(names)
  local nearest = word:sub(1, 2) == "--" and kafka().nearest(word, names)
  return ("unknown option %s%s"):format(word, nearest and ("; did you mean %s?"):format(nearest) or "")
end

local function store(options, flag, text)
  local value, expected = (flag.read or convert[flag.kind or "string"])(text, flag)
  if value == nil then
    return nil, ("%s takes %s, not %q"):format(flag[1], expected, text)
  end
  if flag.repeated then
    table.insert(options[field(flag)], value)
  else
    options[field(flag)] = value
  end
  return true
end

-- Takes the option at args[i]. Returns the index of the last argument it used.
local function take_option(reader, i)
  local word = reader.args[i]
  local name, value = split(word)
  local flag, long = reader.flags[name], name:sub(1, 2) == "--"
  if not flag or (value and not flag[2] and not long) then
    return nil, unknown(reader, long and name or word)
  elseif not flag[2] then
    if value then return nil, name .. " takes no value" end
    reader.options[field(flag)] = true
    return i
  end
  local last = value and i or i + 1
  value = value or reader.args[last]
  if not value or (last > i and reader.flags[split(value)]) then
    return nil, ("%s needs a value (%s)"):format(name, flag[2])
  end
  local stored, wrong = store(reader.options, flag, value)
  return stored and last, wrong
end

-- Takes args[i] as the next positional argument.
local function take_positional(reader, i)
  local flag = reader.positional[1]
  if not flag then return nil, ("unexpected argument %q"):format(reader.args[i]) end
  if not flag.repeated then table.remove(reader.positional, 1) end
  local stored, wrong = store(reader.options, flag, reader.args[i])
  return stored and i, wrong
end

local function prepare(spec, args, options)
  local reader = { args = args, options = options, positional = {},
    flags = { [HELP[1]] = HELP, [HELP.short] = HELP } }
  for _, flag in ipairs(spec) do
    local name = field(flag)
    if options[name] == nil then options[name] = flag.repeated and {} or flag.default end
    if is_option(flag) then
      reader.flags[flag[1]] = flag
      if flag.short then reader.flags[flag.short] = flag end
    else
      reader.positional[#reader.positional + 1] = flag
    end
  end
  return reader
end

local function missing(reader)
  local flag = reader.positional[1]
  if not flag or not flag.required or reader.options.help then return nil end
  if flag.repeated and #reader.options[field(flag)] > 0 then return nil end
  return flag[1] .. " is missing: " .. flag.help
end

---Reads arguments.
---@param spec docmsg.Usage
---@param args string[]
---@param from? integer where they begin; default 1
---@param into? table<string, any> options that were read before
---@return table<string, any>? options by name, "-" as "_"
---@return string? reason
---@return integer? rest index of the first argument that was not read
function M.parse(spec, args, from, into)
  local reader = prepare(spec, args, into or {})
  local i, options_end = from or 1, false
  while args[i] do
    local last, reason = i, nil
    local option = not options_end and args[i]:find("^%-.") ~= nil
    if option and args[i] == "--" then
      options_end = true
    elseif spec.leading and not option then
      break
    else
      last, reason = (option and take_option or take_positional)(reader, i)
    end
    if not last then return nil, reason end
    i = last + 1
  end
  local reason = missing(reader)
  if reason then return nil, reason end
  return reader.options, nil, i
end

-- "-F, --format FORMAT"
local function left_side(flag)
  local name = flag.short and flag.short .. ", " .. flag[1] or flag[1]
  return flag[2] and name .. " " .. flag[2] or name
end

---Two columns of text, the second aligned; what continues on another line of it is indented.
---@param pairs_ [string, string][]
---@param least? integer width of the first column; default 20
---@return string text with a newline at its end, or ""
function M.columns(pairs_, least)
  local width, lines = least or 20, {}
  for _, pair in ipairs(pairs_) do width = math.max(width, utf8.len(pair[1])) end
  for i, pair in ipairs(pairs_) do
    local padding = (" "):rep(width - utf8.len(pair[1]))
    local right = pair[2]:gsub("\n", "\n" .. (" "):rep(width + 4))
    lines[i] = ("  %s%s  %s\n"):format(pair[1], padding, right)
  end
  return table.concat(lines)
end

---The options and arguments with their help, as `columns` wants them.
---@param spec docmsg.Flag[]
---@return [string, string][]
function M.describe(spec)
  local described = {}
  for i, flag in ipairs(spec) do
    local default = flag.default and (" (default %s)"):format(flag.default) or ""
    described[i] = { left_side(flag), flag.help .. default }
  end
  return described
end

local function examples(spec)
  if not spec.examples then return "" end
  local described = {}
  for i, example in ipairs(spec.examples) do
    described[i] = { example[1], example[2] and "# " .. example[2] or "" }
  end
  return "\nexamples:\n" .. M.columns(described):gsub(" +\n", "\n")
end

---The text that --help prints.
---@param spec docmsg.Usage
---@return string
function M.help(spec)
  local described = M.describe(spec)
  table.move(M.describe { HELP }, 1, 1, #described + 1, described)
  return ("usage: %s\n\n%s\n\n%s%s"):format(spec.usage, spec.about, M.columns(described), examples(spec))
end

---Reads a script's arguments; ends the program for --help (0) and for wrong usage (2).
---@param spec docmsg.Usage
---@param args string[]
---@return table<string, any> options
function M.read(spec, args)
  local options, reason = M.parse(spec, args)
  if not options then
    io.stderr:write(reason, "\nusage: ", spec.usage, "\n")
    os.exit(require("docmsg.exit").USAGE, true)
  end
  if options.help then
    io.stdout:write(M.help(spec))
    os.exit(0, true)
  end
  return options
end

return M
