-- SPDX-License-Identifier: MIT
-- The code in the project's pages, to be run as it stands:
--
--   ```lua   run in the page's order, in one process, each block in a scope of its own. One that
--            begins with "-- NAME.lua" is that file instead
--   ```sh    lines of docmsg-lua are run, in a folder with the page's files and the project's
--            README.md; those of tools/ and cmake are asked whether they exist
--
-- What is typed at the prompt, and what cannot be run, has a fence without a language.
local process = require "support.process"
local program = require "support.program"
local script = require "support.script"

local M = {}

---@class support.Block
---@field language string
---@field line integer of its fence
---@field text string

---The project's pages.
---@return string[]
function M.pages()
  local pages = {}
  for path in program.capture("ls " .. script.root .. "README.md " .. script.root .. "docs/*.md")
    :gmatch("[^\n]+") do
    pages[#pages + 1] = path
  end
  return pages
end

---@param path string
---@param language string
---@return support.Block[]
function M.blocks(path, language)
  local blocks, block, number = {}, nil, 0
  for line in program.read(path):gmatch("([^\n]*)\n") do
    number = number + 1
    local fence = line:match("^```(.*)$")
    if fence and block then
      block = nil
    elseif fence then
      block = { language = fence, line = number, text = "" }
      if fence == language then
        blocks[#blocks + 1] = block
      end
    elseif block then
      block.text = block.text .. line .. "\n"
    end
  end
  assert(not block, path .. ": a fence is not closed")
  return blocks
end

---A script that runs the blocks one after the other; errors name the page and its line.
---@param path string
---@param blocks support.Block[]
---@return string code
---@return table<string, string> files that the blocks are, by name
local function compose(path, blocks)
  local code, files = {}, {}
  for _, block in ipairs(blocks) do
    local name = block.text:match("^%-%- (%S+%.lua)\n")
    if name then
      files[name] = block.text
    else
      code[#code + 1] = ("assert(load(%q, %q))()\n"):format(("\n"):rep(block.line) .. block.text,
        "@" .. path)
    end
  end
  return table.concat(code), files
end

---A folder with files in it, which goes away with its scope.
---@param files table<string, string>
local function folder_with(files)
  local folder = program.folder()
  for name, text in pairs(files) do
    program.write(folder .. "/" .. name, text)
  end
  return setmetatable({ path = folder }, { __close = function() program.remove(folder) end })
end

---Runs the Lua blocks of a page.
---@param path string
---@param servers string stands for localhost:9092
---@param wanted? fun(block: support.Block): boolean
---@return support.Result? result nothing when the page has none
function M.run_lua(path, servers, wanted)
  local blocks = {}
  for _, block in ipairs(M.blocks(path, "lua")) do
    if not wanted or wanted(block) then
      block.text = block.text:gsub("localhost:9092", servers)
      blocks[#blocks + 1] = block
    end
  end
  if #blocks == 0 then
    return nil
  end
  local code, files = compose(path, blocks)
  local folder <close> = folder_with(files)
  return process.run { process.program, "--bootstrap-servers", servers, "-", stdin = code,
    cwd = folder.path, limit = 120 }
end

---Runs a line of a shell, with the program in the PATH.
---@param line string
---@param servers string
---@param folder string
---@return support.Result
local function run_line(line, servers, folder)
  return process.run { "sh", "-c", line, cwd = folder, limit = 120, env = {
    PATH = process.program:match("^(.*)/[^/]*$") .. ":" .. os.getenv("PATH"),
    KAFKA_BOOTSTRAP_SERVERS = servers,
  } }
end

-- What is done for a line, by what it begins with.
local lines = {
  { "^docmsg%-lua", run_line },
  { "^tools/", function(line) return process.run { line:match("^%S+"), "--help" } end },
  { "^cmake %-%-workflow %-%-preset (%S+)$", function(line)
    local preset = line:match("%S+$")
    local result = process.run { "cmake", "--workflow", "--list-presets" }
    result.ok = result.ok and result.stdout:find(('"%s"'):format(preset), 1, true) ~= nil
    result.stderr = result.stderr .. "no such preset: " .. line
    return result
  end },
}

---Runs the shell lines of a page.
---@param path string
---@param servers string
---@return {line: string, result: support.Result}[]
function M.run_shell(path, servers)
  local results = {}
  local _, files = compose(path, M.blocks(path, "lua"))
  files["README.md"] = program.read(script.root .. "README.md")
  local folder <close> = folder_with(files)
  for _, block in ipairs(M.blocks(path, "sh")) do
    for line in block.text:gmatch("[^\n]+") do
      line = line:gsub("%s+#.*$", "")
      local result
      for _, known in ipairs(lines) do
        if line:find(known[1]) then
          result = known[2](line, servers, folder.path)
          break
        end
      end
      if not result then
        error(("%s:%d: no test knows how to run '%s': fence it without a language")
          :format(path, block.line, line), 0)
      end
      results[#results + 1] = { line = line, result = result }
    end
  end
  return results
end

return M
