-- SPDX-License-Identifier: MIT
-- usage: docmsg-lua tools/lint-api.lua
--
-- Compares what is annotated with what is there, both ways: the functions, methods, fields and
-- options of docmsg.kafka; the parameters of every public function in lua/docmsg; the names of
-- types; docs/reference.md. Ends with 1 when something differs.
local folder = arg[0]:match("^(.*)/[^/]*$") or "."
local root = folder .. "/.."
package.path = ("%s/?.lua;%s"):format(folder, package.path)
local engine = require "docmsg.engine"
local kafka = require "docmsg.kafka"
local pages = require "lib.pages"

local KAFKA <const> = "docmsg.kafka"

local findings = 0

local function find(where, format, ...)
  findings = findings + 1
  io.stderr:write(("%s: " .. format .. "\n"):format(where, ...))
end

---@param place annotations.Place|annotations.File
---@return string where
local function at(place)
  local path = place.path:gsub("^.*/%.%./", "")
  return place.line and ("%s:%d"):format(path, place.line) or path
end

---@param names string[]
---@return table<string, true>
local function set_of(names)
  local set = {}
  for _, name in ipairs(names) do set[name] = true end
  return set
end

-- == docmsg.kafka: functions and methods ==

---@param table table
---@return string[] names of its functions
local function functions_in(table)
  local names = {}
  for name, value in pairs(table) do
    if type(value) == "function" then names[#names + 1] = name end
  end
  return names
end

-- The methods of a metatable: __index itself, or the table that the function in it looks into.
local function methods_of(metatable)
  local index = metatable.__index
  if type(index) == "table" then return functions_in(index) end
  for i = 1, math.huge do
    local name, upvalue = debug.getupvalue(index, i)
    if not name then return {} end
    if type(upvalue) == "table" then return functions_in(upvalue) end
  end
end

-- What is registered, by the name of its class.
local function registered_classes()
  local classes = { [KAFKA] = functions_in(kafka), ["docmsg.engine"] = functions_in(engine) }
  for name, metatable in pairs(debug.getregistry()) do
    local is_class = type(name) == "string" and name:find("^docmsg%.%u") and type(metatable) == "table"
    if is_class and metatable.__index then classes[name] = methods_of(metatable) end
  end
  return classes
end

-- What is annotated for a class, with what it has from its parents.
local function annotated_methods(file, name)
  local names = {}
  for _, class in ipairs(file.classes) do
    if class.name == name then
      for _, parent in ipairs(class.parents) do
        for method in pairs(annotated_methods(file, parent)) do names[method] = true end
      end
    end
  end
  for _, fn in ipairs(file.functions) do
    if fn.class and fn.class.name == name then names[fn.name] = true end
  end
  return names
end

local function compare(where, what, registered, annotated)
  for name in pairs(registered) do
    if not annotated[name] then find(where, "%s: '%s' is there, but not annotated", what, name) end
  end
  for name in pairs(annotated) do
    if not registered[name] then find(where, "%s: '%s' is annotated, but not there", what, name) end
  end
end

---@param files annotations.File[] the contracts of the C modules
local function check_methods(files)
  local classes = registered_classes()
  local annotated = {}
  for _, file in ipairs(files) do
    for _, class in ipairs(file.classes) do
      annotated[class.name] = true
      local methods = classes[class.name]
      if methods then
        compare(at(class), class.name, set_of(methods), annotated_methods(file, class.name))
      end
    end
  end
  for name, methods in pairs(classes) do
    if #methods > 0 and not annotated[name] then find(name, "the class is there, but not annotated") end
  end
end

-- A class with methods of its own must be there; docmsg.Client only lends its own to others.
local function check_classes(file)
  local classes = registered_classes()
  for _, fn in ipairs(file.functions) do
    local class = fn.class and fn.class.name
    if class and not classes[class] and class ~= "docmsg.Client" then
      find(at(fn), "%s is annotated, but no such class is registered", class)
    end
  end
end

-- == docmsg.kafka: fields ==

---@param file annotations.File
---@param name string
---@return annotations.Class
local function class_in(file, name)
  for _, class in ipairs(file.classes) do
    if class.name == name then return class end
  end
  return { name = name, parents = {}, description = "", fields = {}, path = file.path, line = 1 }
end

---@param class annotations.Class
---@return table<string, true> names
local function fields_of(class)
  local names = {}
  for _, field in ipairs(class.fields) do names[field.name] = true end
  return names
end

-- A record sent to an embedded broker and read again; returns its fields and those of its report.
local function sample_record()
  local broker <close> = assert(kafka.embedded())
  local options = { bootstrap_servers = broker.bootstrap_servers }
  local admin <close> = assert(kafka.admin(options))
  assert(admin:create_topics { { name = "lint", partitions = 1 } })
  local producer <close> = assert(kafka.producer(options))
  local delivery = assert(producer:send { topic = "lint", key = "k", value = "v" })
  local report = assert(delivery:wait("30s"))
  assert(delivery.status == "persisted")
  local consumer <close> = assert(kafka.consumer(options))
  assert(consumer:assign { { topic = "lint", partition = 0, offset = "earliest" } })
  return assert(consumer:poll("30s"), "the record did not arrive"):copy(), report
end

local function keys(table)
  local set = {}
  for key in pairs(table) do set[key] = true end
  return set
end

local function check_fields(file)
  local message, report = sample_record()
  local class = class_in(file, "docmsg.Message")
  compare(at(class), class.name, keys(message), fields_of(class))
  class = class_in(file, "docmsg.Report")
  local annotated = fields_of(class)
  for name in pairs(fields_of(class_in(file, "docmsg.TopicPartition"))) do annotated[name] = true end
  compare(at(class), class.name, keys(report), annotated)
  local _, err = kafka.admin { kafka = { ["security.protocol"] = "none" } }
  class = class_in(file, "docmsg.Error")
  annotated = fields_of(class)
  for name in pairs(keys(err)) do
    if not annotated[name] then find(at(class), "%s: '%s' is not annotated", class.name, name) end
  end
end

-- == docmsg.kafka: options ==

-- The names in the option tables of the C sources.
local function registered_options()
  local names = {}
  local pipe <close> = assert(io.popen(("cat '%s'/csrc/kafka/*.[ch]"):format(root)))
  for name in pipe:read("a"):gmatch('{%s*"([%w_]+)",%s*DM_OPTION_') do names[name] = true end
  return names
end

-- The fields of every annotated table: of classes, and of tables written into a type.
local function annotated_names(file)
  local names = {}
  local function add_type(text)
    for name in text:gmatch("[{,]%s*([%w_]+)%??%s*:") do names[name] = true end
  end
  for _, class in ipairs(file.classes) do
    for _, field in ipairs(class.fields) do
      names[field.name] = true
      add_type(field.type)
    end
  end
  for _, fn in ipairs(file.functions) do
    for _, param in ipairs(fn.params) do add_type(param.type) end
  end
  return names
end

local function check_options(file)
  local annotated = annotated_names(file)
  for name in pairs(registered_options()) do
    if not annotated[name] then find(at(file), "the option '%s' is taken, but not annotated", name) end
  end
  local constructors = { AdminOptions = false, ClientOptions = kafka.admin,
                         ProducerOptions = kafka.producer, ConsumerOptions = kafka.consumer }
  for class_name, constructor in pairs(constructors) do
    local class = class_in(file, "docmsg." .. class_name)
    for name in pairs(constructor and fields_of(class) or {}) do
      -- A coroutine is no option's value: this is refused, for its type or for its name.
      local _, message = pcall(constructor, { [name] = coroutine.create(print) })
      if tostring(message):find("unknown option", 1, true) then
        find(at(class), "%s: the option '%s' is annotated, but refused", class.name, name)
      end
    end
  end
end

-- == Lua: functions, parameters, types ==

local function check_parameters(fn)
  local annotated = {}
  for _, param in ipairs(fn.params) do annotated[param.name] = true end
  for _, name in ipairs(fn.arguments) do
    if not annotated[name] and not name:find("^_") then
      find(at(fn), "%s%s%s: the parameter '%s' is not annotated", fn.owner, fn.separator, fn.name, name)
    end
    annotated[name] = nil
  end
  for name in pairs(annotated) do
    find(at(fn), "%s%s%s: '%s' is annotated, but no parameter", fn.owner, fn.separator, fn.name, name)
  end
end

local function check_functions(file)
  for _, fn in ipairs(file.functions) do
    local public = (fn.class or fn.owner == "M") and not fn.hidden
    if public and not fn.documented then
      find(at(fn), "%s%s%s is public, but not annotated", fn.owner, fn.separator, fn.name)
    elseif public then
      check_parameters(fn)
    end
  end
end

local function check_types(modules)
  local known = {}
  for _, module in ipairs(modules) do
    known[module.name:gsub("%.meta%.", ".")] = true
    for _, class in ipairs(module.file.classes) do known[class.name] = true end
    for _, alias in ipairs(module.file.aliases) do known[alias.name] = true end
  end
  for _, module in ipairs(modules) do
    for name, place in pairs(module.file.types) do
      if not known[name] then find(at(place), "the type '%s' is not defined", name) end
    end
  end
end

-- == The reference page ==

local function check_reference()
  local file = io.open(root .. "/docs/reference.md", "rb")
  local page = file and file:read("a")
  if file then file:close() end
  if page ~= pages.reference(root) then
    find("docs/reference.md", "not what the annotations say: run docmsg-lua tools/reference.lua")
  end
end

---@param modules reference.Module[]
---@return annotations.File[] contracts of the C modules
---@return annotations.File contract docmsg.kafka's
local function contracts_of(modules)
  local contracts, contract = {}, nil
  for _, module in ipairs(modules) do
    if module.name:find("^docmsg%.meta%.") then contracts[#contracts + 1] = module.file end
    if module.name == "docmsg.meta.kafka" then contract = module.file end
  end
  return contracts, contract
end

local function main()
  local modules = pages.modules(root)
  local contracts, contract = contracts_of(modules)
  check_methods(contracts)
  check_classes(contract)
  check_fields(contract)
  check_options(contract)
  for _, module in ipairs(modules) do check_functions(module.file) end
  check_types(modules)
  check_reference()
  if findings > 0 then
    io.stderr:write(("%d findings\n"):format(findings))
    os.exit(1, true)
  end
end

main()
