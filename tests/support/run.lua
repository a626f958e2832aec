-- SPDX-License-Identifier: MIT
-- Runs busted specs inside the program, so that sanitizers see all of it:
--
--   build/dev/bin/docmsg-lua tests/support/run.lua [busted's options] FILE_spec.lua...
--
-- After each spec, its after_each blocks included, the leak check runs (leaks.lua).
-- DOCMSG_TEST_GC=stress makes the collector run all the time; DOCMSG_TEST_SEED=number runs the
-- specs of a file in another order for each number.
local folder = arg[0]:match("^(.*)/support/[^/]*$") or ".."
package.path = ("%s/?.lua;%s"):format(folder, package.path)

-- Specs are insulated from each other, so what is loaded here is loaded once for all of them.
local busted = require "busted.core"()
local block = require "busted.block"(busted)
local leaks = require "support.leaks"
local report = require "support.report".new()

---The name of a spec with those of the blocks around it.
---@param element table
---@return string
local function title(element)
  local words = {}
  while element and element.descriptor ~= "file" and element.name do
    table.insert(words, 1, element.name)
    element = busted.context.parent(element)
  end
  return table.concat(words, " ")
end

---Wraps what runs an it-block into the leak check and the report.
---@param run fun(element: table)
---@param list boolean print the names alone
---@return fun(element: table)
local function checked(run, list)
  return function(element)
    if list then
      return print(title(element))
    end
    report:begin_spec(title(element))
    block.lazySetup(busted.context.parent(element))
    local before = leaks.count()
    run(element)
    busted.safe("it", function() leaks.check(before) end, element)
    report:end_spec()
  end
end

---@param list boolean
local function install_checks(list)
  local register = busted.register
  function busted.register(descriptor, executor, attributes)
    if descriptor == "it" then
      executor = checked(executor, list)
    end
    return register(descriptor, executor, attributes)
  end
  require "busted"(busted)
  busted.register = register
end

---@param options table busted's
local function subscribe(options)
  local function problem(element, _, message, trace)
    report:problem(element.name or element.descriptor or "run", message,
      options.verbose and trace and trace.traceback)
    busted.skipAll = not options["keep-going"]
    return nil, true
  end
  busted.subscribe({ "failure" }, problem)
  busted.subscribe({ "error" }, problem)
  busted.subscribe({ "test", "end" }, function(element, _, status)
    if status == "pending" then
      report:problem(element.name, "the spec is pending: a check that does not run proves nothing")
    end
    return nil, true
  end)
  busted.subscribe({ "file", "start" }, function(file)
    print(file.name)
    return nil, true
  end)
end

---@return table options busted's, from the command line
local function command_line()
  local cli = require "busted.modules.cli"({ standalone = false, output = "none" })
  cli:set_name(arg[0])
  local options, reason = cli:parse(arg)
  if not options then
    io.stderr:write(reason, "\n")
    os.exit(2, true)
  end
  return options
end

local function load_specs(options)
  local choose_specs = require "busted.modules.filter_loader"()
  choose_specs(busted, {
    tags = options.tags, excludeTags = options["exclude-tags"],
    filter = options.filter, filterOut = options["filter-out"],
    nokeepgoing = not options["keep-going"],
  })
  local load_files = require "busted.modules.test_file_loader"(busted, { "lua" })
  load_files(options.ROOT, options.pattern,
    { excludes = options["exclude-pattern"], recursive = options.recursive })
end

---The collector begins a new cycle as soon as one has ended, in steps of a few hundred bytes:
---what is not anchored on the Lua stack dies at once.
local function stress_collector()
  collectgarbage("incremental", 1, 1000, 8)
end

---@param seed? integer
local function shuffle_specs(seed)
  busted.randomize = seed ~= nil
  busted.randomseed = seed
end

local function main()
  local options = command_line()
  shuffle_specs(math.tointeger(os.getenv("DOCMSG_TEST_SEED")))
  install_checks(options.list)
  subscribe(options)
  load_specs(options)
  if os.getenv("DOCMSG_TEST_GC") == "stress" then
    stress_collector()
  end
  require "busted.execute"(busted)(options["repeat"],
    { seed = options.seed, shuffle = options["shuffle-files"], sort = options["sort-files"] })
  os.exit(options.list or report:finish(), true)
end

main()
