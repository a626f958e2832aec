-- SPDX-License-Identifier: MIT
-- Decides what to connect to and how, from flags, environment and .env file. Pure: all of them
-- come in as arguments, so that a test needs neither files nor a broker.
--
--   bootstrap servers   --bootstrap-servers > --context > KAFKA_BOOTSTRAP_SERVERS > .env > localhost:9092
--   properties          -X linger.ms=5      > KAFKA_LINGER_MS         > .env
local M = {}

local DEFAULT_SERVERS <const> = "localhost:9092"
local DEFAULT_ENV_FILE <const> = ".env"
local PREFIX <const> = "KAFKA_"

-- Kafka's own start scripts use these names for something else.
local FOREIGN <const> = { KAFKA_DEBUG = true }

-- Properties that name the servers: not passed on, but one of the ways to name them.
local SERVERS <const> = { ["bootstrap.servers"] = true, ["metadata.broker.list"] = true }

---@class docmsg.config.Input
---@field flags docmsg.cli.Options
---@field context? docmsg.ClusterContext that --context names
---@field environment table<string, string> the process's environment
---@field read_file fun(path: string): string?, string?, integer? text, or nil, reason and errno
---@field properties { name: string, type: string, alias_of?: string }[] as kafka.properties() gives them
---@field nearest fun(word: string, candidates: string[]): string? kafka.nearest
---@field check fun(name: string, value: string): string? why it is refused; nil when it is not

---@class docmsg.config.Settings
---@field bootstrap_servers string comma list, or "embedded"
---@field properties table<string, string>
---@field insecure_tls? boolean
---@field protected? string the context that must not be written to
---@field environment table<string, string> .env with the process's environment over it
---@field warnings string[]

local ESCAPES <const> = { n = "\n", r = "\r", t = "\t" }

-- An escaped backslash or quote stands for itself, "\$" for "$".
local function unescape(char)
  return ESCAPES[char] or char
end

---The value of a line of a .env file, from behind the "=".
---@param text string
---@return string? value
---@return string? reason
local function read_value(text)
  local mark = text:match("^[\"']")
  if not mark then
    return (text:gsub("^#.*$", ""):gsub("%s+#.*$", ""):gsub("%s+$", ""))
  end
  local position = 2
  repeat
    local char = text:sub(position, position)
    if char == "" then
      return nil, ("the closing %s is missing"):format(mark)
    end
    position = position + (mark == '"' and char == "\\" and 2 or 1)
  until char == mark
  local rest = text:sub(position)
  if rest:find("%S") and not rest:find("^%s+#") then
    return nil, "only a comment may follow the closing quote"
  end
  local value = text:sub(2, position - 2)
  return mark == "'" and value or (value:gsub("\\(.)", unescape))
end

---Reads the text of a .env file: NAME=value, with "export", quotes and comments. Values are never
---part of a reason.
---@param text string
---@param file string its name, for reasons
---@return table<string, string>? values
---@return string? reason "file:line: ..."
function M.parse_env(text, file)
  local values, number = {}, 0
  for line in (text:gsub("^\u{FEFF}", "") .. "\n"):gmatch("(.-)\r?\n") do
    number = number + 1
    if line:find("%S") and not line:find("^%s*#") then
      local assignment = line:gsub("^%s*export%s+", "")
      local name, rest = assignment:match("^%s*([%a_][%w_]*)%s*=%s*(.*)$")
      local value, reason
      if name then
        value, reason = read_value(rest)
        reason = reason and ("%s: %s"):format(name, reason)
      end
      if not value then
        return nil, ("%s:%d: %s"):format(file, number, reason or "NAME=value expected")
      end
      values[name] = value
    end
  end
  return values
end

---@param server string
---@return string? reason
local function check_server(server)
  local address = server:gsub("^%a[%w_]*://", "")
  local host, port = address:match("^(%[%x*:[%x:.]*%])(.*)$")
  if not host then
    host, port = address:match('^([^:%s%c%[%]"]+)(.*)$')
  end
  local digits = port and port:match("^:(%d+)$")
  local number = digits and math.tointeger(tonumber(digits)) or 0
  if not host or (port ~= "" and (number < 1 or number > 65535)) then
    return ("'%s' is no server: host:port expected"):format(server)
  end
end

---Splits '["a:9092","b:9092"]'.
---@param text string
---@return string[]? servers
local function read_json_list(text)
  local servers = {}
  local rest = text:match("^%[%s*(.-)%s*%]$")
  while rest and rest ~= "" do
    local server, after = rest:match('^"([^"\\]*)"%s*(.*)$')
    if not server or (after ~= "" and not after:find("^,%s*\"")) then
      return nil
    end
    servers[#servers + 1] = server
    rest = after:gsub("^,%s*", "")
  end
  return rest and servers
end

---Reads a list of servers: "a:9092,b:9092" or '["a:9092","b:9092"]'; the word "embedded" stays.
---@param text string
---@return string? servers comma list
---@return string? reason
function M.parse_servers(text)
  text = text:match("^%s*(.-)%s*$")
  local servers = {}
  if text:find('^%[%s*["%]]') then
    local list = read_json_list(text)
    if not list then
      return nil, '["host:port", "host:port"] expected'
    end
    servers = list
  else
    for server in (text .. ","):gmatch("%s*([^,]-)%s*,") do
      servers[#servers + 1] = server
    end
  end
  for _, server in ipairs(servers) do
    local reason = check_server(server)
    if reason then
      return nil, reason
    end
  end
  if #servers == 0 then
    return nil, "no server is named"
  end
  return table.concat(servers, ",")
end

---@param input docmsg.config.Input
---@return table<string, string>? values empty when there is no .env
---@return string? reason
local function read_env_file(input)
  local named = input.flags.env_file
  local file = named or DEFAULT_ENV_FILE
  local text, reason, code = input.read_file(file)
  if text then
    return M.parse_env(text, file)
  end
  local ENOENT, EISDIR = 2, 21  -- a folder of that name is somebody's virtual environment
  if not named and (code == ENOENT or code == EISDIR) then
    return {}
  end
  return nil, ("cannot read %s"):format(reason)
end

---@param property string
---@return string
local function environment_name(property)
  return PREFIX .. property:upper():gsub("[^%w]", "_")
end

---@param input docmsg.config.Input
---@return table<string, string> property by the name of its variable
---@return string[] names of all properties
local function index_properties(input)
  local by_variable, names = {}, {}
  for _, property in ipairs(input.properties) do
    if property.type ~= "see dedicated API" then
      by_variable[environment_name(property.name)] = property.name
      names[#names + 1] = property.name
    end
  end
  return by_variable, names
end

---A name that is no property but looks like a misspelt one.
---@param variable string
---@param names string[]
---@param nearest fun(word: string, candidates: string[]): string?
---@return string? warning
local function near_miss(variable, names, nearest)
  local word = variable:sub(#PREFIX + 1):lower():gsub("_", ".")
  local property = nearest(word, names)
  -- Hardly anybody mistypes the beginning, and BROKER_ID is not meant to be GROUP_ID.
  if property and property:sub(1, 2) == word:sub(1, 2) then
    return ("%s is no librdkafka property and has no effect; did you mean %s?"):format(
      variable, environment_name(property))
  end
end

---@param input docmsg.config.Input
---@param environment table<string, string>
---@return string[] names those that only the file sets first
local function sorted_kafka_names(input, environment)
  local names = {}
  local function is_own(name) return (input.environment[name] or "") ~= "" end
  for name in pairs(environment) do
    if name:sub(1, #PREFIX) == PREFIX then
      names[#names + 1] = name
    end
  end
  table.sort(names, function(a, b)
    if is_own(a) ~= is_own(b) then return is_own(b) end
    return a < b
  end)
  return names
end

---What sets properties, one layer after the other: each replaces what is there under another name.
---@param input docmsg.config.Input
---@return fun(properties: table<string, string>, name: string, value: string)
local function property_setter(input)
  local reals = {}
  for _, property in ipairs(input.properties) do
    reals[property.name] = reals[property.name] or property.alias_of or property.name
  end
  return function(properties, name, value)
    for other in pairs(properties) do
      if reals[other] == reals[name] then properties[other] = nil end
    end
    properties[name] = value
  end
end

---The properties that KAFKA_... variables set.
---@param input docmsg.config.Input
---@param environment table<string, string>
---@param where fun(name: string): string
---@param set fun(properties: table<string, string>, name: string, value: string)
---@return table<string, string>? properties
---@return string|string[] reason_or_warnings
local function environment_properties(input, environment, where, set)
  local by_variable, names = index_properties(input)
  local properties, warnings = {}, {}
  for _, variable in ipairs(sorted_kafka_names(input, environment)) do
    local property, value = by_variable[variable], environment[variable]
    if property and not SERVERS[property] then
      local reason = input.check(property, value)
      if not reason then
        set(properties, property, value)
      elseif not FOREIGN[variable] then
        return nil, ("%s: %s"):format(where(variable), reason)
      end
    elseif not property then
      warnings[#warnings + 1] = near_miss(variable, names, input.nearest)
    end
  end
  return properties, warnings
end

---@param input docmsg.config.Input
---@param properties table<string, string> the -X ones are added
---@param set fun(properties: table<string, string>, name: string, value: string)
---@return string? servers named by -X bootstrap.servers
---@return string? reason
local function add_flag_properties(input, properties, set)
  local servers
  for _, assignment in ipairs(input.flags.properties) do
    local name, value = assignment:match("^%s*([^=%s]+)%s*=(.*)$")
    if not name then
      return nil, "-X: key=value expected, such as -X linger.ms=5"
    elseif SERVERS[name] then
      servers = value
    else
      local reason = input.check(name, value)
      if reason then
        return nil, ("-X: %s"):format(reason)
      end
      set(properties, name, value)
    end
  end
  return servers
end

---@param choices { [1]: string?, [2]: string }[] value and where it came from, in order of rank
---@return string? servers
---@return string? reason
local function choose_servers(choices)
  for index = 1, #choices do
    local value, origin = choices[index][1], choices[index][2]
    if value == "embedded" then
      return value
    elseif value then
      local servers, reason = M.parse_servers(value)
      return servers, reason and ("%s: %s"):format(origin, reason)
    end
  end
  return DEFAULT_SERVERS
end

---An empty variable counts as not set: that is how compose files pass on what nobody gave.
---@param input docmsg.config.Input
---@param file_values table<string, string>
---@return table<string, string> environment
---@return fun(name: string): string where tells where a variable was set
local function merge(input, file_values)
  local merged = {}
  for _, source in ipairs { file_values, input.environment } do
    for name, value in pairs(source) do
      merged[name] = value ~= "" and value or merged[name]
    end
  end
  local function where(name)
    local own = input.environment[name]
    local file = input.flags.env_file or DEFAULT_ENV_FILE
    return own and own ~= "" and name or ("%s: %s"):format(file, name)
  end
  return merged, where
end

---Resolves the configuration.
---@param input docmsg.config.Input
---@return docmsg.config.Settings? settings
---@return string? reason never shows a value that may be secret
function M.resolve(input)
  local file_values, reason = read_env_file(input)
  if not file_values then
    return nil, reason
  end
  local environment, where = merge(input, file_values)
  local set = property_setter(input)
  local properties, warnings = environment_properties(input, environment, where, set)
  if not properties then
    return nil, warnings --[[@as string]]
  end
  for name, value in pairs(input.context and input.context.kafka or {}) do set(properties, name, tostring(value)) end
  local named, flag_reason = add_flag_properties(input, properties, set)
  if flag_reason then
    return nil, flag_reason
  end
  local flags = input.flags
  local servers, servers_reason = choose_servers {
    { flags.embedded and "embedded", "--embedded" },
    { flags.bootstrap_servers, "--bootstrap-servers" },
    { named, "-X bootstrap.servers" },
    { input.context and input.context.bootstrap_servers, "--context" },
    { environment.KAFKA_BOOTSTRAP_SERVERS, where "KAFKA_BOOTSTRAP_SERVERS" },
  }
  if not servers then
    return nil, servers_reason
  end
  return { bootstrap_servers = servers, properties = properties, environment = environment,
           insecure_tls = flags.insecure_tls, warnings = warnings }
end

return M
