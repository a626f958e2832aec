-- SPDX-License-Identifier: MIT
-- Takes documents in by HTTP, and shows how they move through the pipeline.
local data = require "lib.data"
local docmsg = require "docmsg"
local file = require "docmsg.file"
local flags = require "docmsg.flags"
local gateway = require "lib.gateway.site"
local log = require "docmsg.log"
local runtime = require "docmsg.runtime"

local UNITS <const> = { [""] = 1, KiB = 1 << 10, MiB = 1 << 20, GiB = 1 << 30 }

local options = flags.read({
  usage = "docmsg-lua gateway [options]",
  about = [[
Serves the page of the document workflow and its API until Ctrl-C or SIGTERM:

  POST /api/v1/upload                  a file, as multipart/form-data
  GET  /api/v1/status/DOCUMENT_ID      the stages that a document has passed
  GET  /api/v1/documents, /api/v1/topics, /api/v1/consumers, /api/v1/events
  GET  /health, /livez, /readyz, /metrics

At an address that other machines reach it needs a token, unless DOCMSG_GATEWAY_OPEN is 1.]],
  { "--host", "HOST", default = "127.0.0.1", help = "the address to listen at" },
  { "--port", "N", kind = "integer", default = 8001, help = "0 is any that is free" },
  { "--upload-dir", "DIR", help = "where files go: the data folder's files/, or a folder in it" },
  { "--max-size", "SIZE", help = "of a file: bytes, or a number with KiB, MiB or GiB (default 100MiB)",
    read = function(text)
      local number, unit = text:match "^(%d+)(%a*)$"
      local size = number and UNITS[unit] and math.tointeger(number) * UNITS[unit]
      if size and size > 0 and size <= 1 << 50 then return size end
      return nil, 'a size such as "1048576", "100MiB" or "2GiB"'
    end },
  { "--token-file", "FILE", help = "holds the token that requests need" },
  { "--tls-cert", "FILE", help = "the certificate, with those that it hangs on, as PEM: speaks HTTPS alone" },
  { "--tls-key", "FILE", help = "its key, as PEM" },
  { "--allow-host", "NAME", repeated = true, help = "a host name by which the gateway is reached, beside localhost\n"
    .. "and addresses; may be given again" },
}, arg)

local MAX_SIZE <const> = 100 << 20
local DRAIN_MS <const> = 25000
local PEM_BYTES <const> = 1 << 20

local function fail(code, reason)
  io.stderr:write("gateway: ", tostring(reason), "\n")
  return code
end

local function is_loopback(host)
  return host:find "^127%." ~= nil or host == "localhost" or host == "::1"
end

-- The token; nil and a reason when there must be one, or it cannot be read.
local function read_token()
  if options.token_file then
    local text, reason = file.read(options.token_file, 4096)
    if not text then return nil, reason end
    local token = text:match "^%s*(%S+)%s*$"
    if not token or #token < 16 then return nil, options.token_file .. ": a token of 16 characters or more expected" end
    return token
  end
  if is_loopback(options.host) or docmsg.getenv "DOCMSG_GATEWAY_OPEN" == "1" then return nil end
  return nil, ("%s is reached by other machines: give a token with --token-file, or let everybody in with "
    .. "DOCMSG_GATEWAY_OPEN=1"):format(options.host)
end

-- The certificate and its key as PEM, or nothing; false and a reason when they cannot be read.
local function read_tls()
  local cert_file, key_file = options.tls_cert, options.tls_key
  if not cert_file and not key_file then return nil end
  if not cert_file or not key_file then return false, "--tls-cert and --tls-key: both expected, or neither" end
  local cert, wrong = file.read(cert_file, PEM_BYTES)
  if not cert then return false, "--tls-cert: " .. tostring(wrong) end
  local key, reason = file.read(key_file, PEM_BYTES)
  if not key then return false, "--tls-key: " .. tostring(reason) end
  return { cert = cert, key = key }
end

-- The folder of the files, and the beginning of their names in events.
local function place_of()
  local files = data.folder() .. "/files"
  local folder = (options.upload_dir or files):gsub("(.)/+$", "%1")
  if folder == files then return folder, "" end
  if folder:sub(1, #files + 1) ~= files .. "/" or folder:find "%.%." then
    return nil, ("--upload-dir: the pipeline finds files in %s: that, or a folder in it, expected"):format(files)
  end
  require("lib.shell").make_folder(folder)
  return folder, folder:sub(#files + 2) .. "/"
end

-- Goes on until a signal asks for the end; then until what was begun is answered.
local function serve(running, logger)
  local host = require "docmsg.host"
  host.listen(true)
  local _ <close> = setmetatable({}, { __close = function() host.listen(false) end })
  while not host.signal() do running:step "1s" end
  logger:info("ending: what was begun may finish; a second signal ends at once")
  running:stop()
  local deadline = runtime.now() + DRAIN_MS
  while running:is_busy() and runtime.now() < deadline do running:step "100ms" end
end

local function main()
  local token, wrong = read_token()
  if wrong then return fail(2, wrong) end
  local tls, unread = read_tls()
  if tls == false then return fail(2, unread) end
  local folder, prefix = place_of()
  if not folder then return fail(2, prefix) end
  local logger = log.new()
  local running <close>, reason = gateway.open {
    address = (options.host:find(":", 1, true) and "[%s]:%d" or "%s:%d"):format(options.host, options.port),
    public = not is_loopback(options.host), token = token, hosts = options.allow_host, tls = tls,
    events = dofile(file.folder() .. "events.lua"), folder = folder, prefix = prefix,
    max_size = options.max_size or MAX_SIZE,
    page = file.folder() .. "gateway/page", kafdrop = docmsg.getenv "DOCMSG_KAFDROP_URL",
    log = logger,
  }
  if not running then return fail(1, reason) end
  logger:info("gateway: %s://%s", tls and "https" or "http", running:address())
  serve(running, logger)
  return 0
end

os.exit(main(), true)
