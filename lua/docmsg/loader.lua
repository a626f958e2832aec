-- SPDX-License-Identifier: MIT
-- Loads the script of an application. A script that returns its app and one that ends in `app:run()`
-- come to the same: while it is loaded, `run` hands the app over instead of running it.
local M = {}

local loading = false

-- What the script has required, by name; its files are the values.
local modules = {}

-- Takes note of what the search in package.path finds, also when it cannot be loaded, but for the
-- toolkit itself.
local function note_modules()
  local search = package.searchers[2]
  package.searchers[2] = function(name)
    if not name:find("^docmsg%f[.\0]") then modules[name] = package.searchpath(name, package.path) end
    return search(name)
  end
  note_modules = function() end
end

---@class docmsg.loader.Handover
---@field app docmsg.App
local Handover = { __name = "docmsg.Handover" }

---Is a script being loaded? Then `app:run` calls `hand_over`.
---@return boolean
function M.is_loading()
  return loading
end

---Ends the loading of the script with this app; does not return.
---@param app docmsg.App
function M.hand_over(app)
  error(setmetatable({ app = app }, Handover), 0)
end

local function is_app(value)
  local meta = getmetatable(value)
  return type(meta) == "table" and meta.__name == "docmsg.App"
end

-- Keeps the traceback of an error, but for what stands below the script.
local function with_traceback(err)
  if getmetatable(err) == Handover or type(err) ~= "string" then return err end
  return debug.traceback(err, 2):gsub("\n\t%[C%]: in function 'xpcall'.*$", "")
end

---Runs a script and takes its app.
---@param path string
---@param arguments? table<integer, string> its `arg`; default: none
---@return docmsg.App? app
---@return string? reason
function M.load(path, arguments)
  note_modules()
  local chunk, reason = loadfile(path, "t")
  if not chunk then return nil, reason end
  _G.arg = arguments or { [0] = path }
  loading = true
  local ok, result = xpcall(chunk, with_traceback, table.unpack(_G.arg))
  loading = false
  if not ok and getmetatable(result) ~= Handover then return nil, tostring(result) end
  local app = ok and result or not ok and result.app
  if is_app(app) then return app end
  return nil, ("%s: an application expected: end it with `return app` or `app:run()`"):format(path)
end

---Runs a script again, with modules of its own that are loaded anew. When that fails everything is
---as before.
---@param path string
---@param arguments? table<integer, string>
---@return docmsg.App? app
---@return string? reason
function M.reload(path, arguments)
  local before = {}
  for name in pairs(modules) do before[name], package.loaded[name] = package.loaded[name], nil end
  local app, reason = M.load(path, arguments)
  if app then return app end
  for name in pairs(modules) do package.loaded[name] = before[name] end
  return nil, reason
end

---The files of the modules that scripts have required so far.
---@return string[]
function M.files()
  local files = {}
  for _, path in pairs(modules) do files[#files + 1] = path end
  return files
end

return M
