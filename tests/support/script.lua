-- SPDX-License-Identifier: MIT
-- Runs the example scripts as a user does: docmsg-lua NAME.lua, from any folder.
local process = require "support.process"

local M = {}

local folder = debug.getinfo(1, "S").source:match("^@(.*)tests/support/")
-- What the environment of the person who tests must not change.
local CLEAN <const> = { KAFKA_BOOTSTRAP_SERVERS = false, KAFKA_REPLICATION_FACTOR = false }

---The project's folder, with a slash at its end unless it is the current one.
M.root = folder

---@param words string[] options of the program, the script, its arguments
---@param options? {env?: table<string, string|false>, limit?: number, servers?: string, ulimit?: string}
local function command(words, options)
  options = options or {}
  local env = {}
  for name, value in pairs(CLEAN) do env[name] = value end
  for name, value in pairs(options.env or {}) do env[name] = value end
  local result = { process.program, env = env, limit = options.limit }
  if options.servers then
    result[2], result[3] = "--bootstrap-servers", options.servers
  end
  table.move(words, 1, #words, #result + 1, result)
  if options.ulimit then -- bash's options of it
    table.move({ "bash", "-c", "ulimit " .. options.ulimit .. '; exec "$@"', "bash" }, 1, 4, 1,
      table.move(result, 1, #result, 5))
  end
  return result
end

---Runs a script to its end.
---@return support.Result
function M.run(words, options)
  return process.run(command(words, options))
end

---Starts a script.
---@return support.Process
function M.start(words, options)
  return process.start(command(words, options))
end

---Makes a file with some content and returns its path. `finally` in the spec shall remove it.
---@param suffix string such as ".txt"
---@param content string
---@return string path
function M.file(suffix, content)
  local base = os.tmpname()
  os.remove(base)
  local file <close> = assert(io.open(base .. suffix, "wb"))
  assert(file:write(content))
  return base .. suffix
end

return M
