-- SPDX-License-Identifier: MIT
-- The gateway as a process, with a data folder of its own.
--
--   local gate <close> = gateway.start { servers = broker.bootstrap_servers }
--   local answer = gate:upload("note.txt", "text")
local await = require "support.await"
local client = require "support.http"
local json = require "docmsg.json"
local program = require "support.program"
local script = require "support.script"

local M = {}

---@class support.GatewayOptions
---@field servers string
---@field words? string[] of its command line
---@field env? table<string, string|false>
---@field ulimit? string options of bash's ulimit
---@field folder? string its data folder, which stays; default: one that goes with it

---@class support.Gateway
---@field folder string
---@field files string where uploads are
---@field address string
---@field process support.Process
---@field private owned boolean
local Gateway = { __name = "support.Gateway" }
Gateway.__index = Gateway

---Starts it and waits until it listens.
---@param options support.GatewayOptions
---@return support.Gateway
function M.start(options)
  local folder = options.folder or program.folder()
  local env = { DOCMSG_DATA_DIR = folder, DOCMSG_GATEWAY_OPEN = false }
  for name, value in pairs(options.env or {}) do env[name] = value end
  local words = table.move(options.words or { "--port", "0" }, 1, #(options.words or { 1, 2 }), 2, { "gateway" })
  local self = setmetatable({ folder = folder, files = folder .. "/files", owned = not options.folder,
    process = script.start(words, { servers = options.servers, env = env, limit = 120, ulimit = options.ulimit }) },
    Gateway)
  self.address = self.process:await_stderr "gateway: https?://(%S+)"
  return self
end

---Sends a request, with what the body says of JSON.
---@param method string
---@param path string
---@param headers? string[]
---@param body? string
---@return support.Response response
---@return any data
function Gateway:ask(method, path, headers, body)
  local response = assert(client.raw(self.address, client.request(method, path, headers, body)), "no answer")
  return response, (json.decode(response.body))
end

---Uploads a file.
---@param filename string
---@param content string
---@param user_id? string
---@return support.Response response
---@return any data
function Gateway:upload(filename, content, user_id)
  local file = client.part("file", content, filename)
  local header, body = client.form(user_id and client.part("user_id", user_id) or "", file)
  return self:ask("POST", "/api/v1/upload", { header }, body)
end

---The names of stored files, and of what is half-written.
---@return string[]
function Gateway:stored()
  local names = {}
  for name in program.capture("ls -A " .. self.files):gmatch "[^\n]+" do names[#names + 1] = name end
  return names
end

---How many files it has open to be written, with a name or without.
---@return integer
function Gateway:writing()
  local links = program.capture(("find /proc/%d/fd -lname '%s/*'"):format(self.process.pid, self.files))
  return select(2, links:gsub("\n", ""))
end

---Waits until it is connected to Kafka.
function Gateway:await_ready()
  await(function() return self:ask("GET", "/readyz").code == 200 end, "60s", "the gateway to be ready")
end

function Gateway:close()
  self.process:close()
  if self.owned then program.remove(self.folder) end
end

Gateway.__close = Gateway.close

return M
