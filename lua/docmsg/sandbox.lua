-- SPDX-License-Identifier: MIT
-- Keeps what runs in a worker's Lua state from harming the process by accident: it cannot end it, nor
-- switch its own limits off, nor wait for somebody's keyboard, nor share state by globals that exist
-- once for each worker. It is no defence against code that means harm: a script can do whatever the
-- user may who runs it.
local M = {}

---What `debug.sethook` was before `restrict`, for a coroutine of one's own that no handler runs in.
M.sethook = debug.sethook

local function refuse(what, why)
  return function() error(("%s: %s"):format(what, why), 2) end
end

-- == Chunks are text ==

local function is_binary_only(mode)
  return type(mode) == "string" and not mode:find("t", 1, true)
end

local function restrict_chunks()
  local load, loadfile = load, loadfile
  function _G.load(chunk, name, mode, ...)
    if is_binary_only(mode) then return nil, "load: a worker loads no binary chunks" end
    return load(chunk, name, "t", ...)
  end
  function _G.loadfile(path, mode, ...)
    if path == nil then error("loadfile: a worker does not read standard input; name a file", 2) end
    if is_binary_only(mode) then return nil, path .. ": a worker loads no binary chunks" end
    return loadfile(path, "t", ...)
  end
  function _G.dofile(path)
    if path == nil then error("dofile: a worker does not read standard input; name a file", 2) end
    local chunk, reason = loadfile(path, "t")
    if not chunk then error(reason, 0) end
    return chunk()
  end
  package.searchers[2] = function(name)
    local path, tried = package.searchpath(name, package.path)
    if not path then return tried end
    local chunk, reason = loadfile(path, "t")
    if chunk then return chunk, path end
    error(("error loading module '%s' from file '%s':\n\t%s"):format(name, path, reason), 0)
  end
end

-- == The process is everybody's ==

local function restrict_process()
  rawset(os, "exit", refuse("os.exit", "a handler cannot end the process that runs it: return, raise an "
    .. "error, or ctx:reject(reason)"))
  rawset(debug, "sethook", refuse("debug.sethook", "the hook of a worker belongs to its handlers' limits"))
  io.input("/dev/null")
  rawset(io, "stdin", io.input())
end

---Takes away what a worker must not do; before its script is loaded.
function M.restrict()
  restrict_process()
  restrict_chunks()
end

-- == Globals ==

local function refuse_global(_, name)
  error(("global '%s' cannot be set: the globals of a worker are read-only once its script is loaded; "
    .. "use a local"):format(tostring(name)), 2)
end

---Makes the globals read-only; after the script was loaded.
function M.seal()
  local next, rawset, setmetatable, env = next, rawset, setmetatable, _G
  local globals = setmetatable({}, getmetatable(env))
  for name, value in next, env do globals[name] = value end
  for name in next, globals do rawset(env, name, nil) end
  setmetatable(env, {
    __name = "docmsg.globals", __index = globals, __newindex = refuse_global,
    __pairs = function() return next, globals, nil end,
  })
end

return M
