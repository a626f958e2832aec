-- SPDX-License-Identifier: MIT
-- The gateway: its routes, and the rounds of its one Lua thread.
local documents = require "lib.gateway.documents"
local document = require "lib.document"
local figures = require "lib.gateway.figures"
local held = require "lib.gateway.held"
local json = require "docmsg.json"
local pages = require "lib.gateway.pages"
local runtime = require "docmsg.runtime"
local uploads = require "lib.gateway.upload"
local watcher = require "lib.gateway.watcher"
local web = require "docmsg.web"

local M = {}

local PLAIN <const> = "text/plain; charset=utf-8"
local PERIOD_MS <const> = 1000

-- What is said of health and figures holds for so long: then nobody says anything any more.
local HOLDS <const> = "10s"

-- More changes at once than a page can be told one by one: it asks for all of them again.
local TOLD_AT_ONCE <const> = 50

-- Connections at a time, with room for descriptors.
local CONNECTIONS <const> = 256

local LIST_MAX <const> = 1000
local LOGIN_BYTES <const> = 4096

-- Nothing of another site is ever loaded, nothing is guessed, and nobody frames the page.
local HEADERS <const> = {
  { "Content-Security-Policy", "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; "
    .. "base-uri 'none'; form-action 'self'" },
  { "X-Content-Type-Options", "nosniff" },
  { "Referrer-Policy", "no-referrer" },
}

---@class gateway.Options
---@field address string
---@field public boolean
---@field token? string
---@field tls? {cert: string, key: string} as PEM
---@field hosts string[]
---@field events table what events.lua returns
---@field folder string where files go
---@field prefix string of their names in the data folder's files/
---@field max_size integer bytes
---@field page string the folder of the page
---@field kafdrop? string its URL
---@field log docmsg.Log

---@class gateway.Gateway
---@field private options gateway.Options
---@field private site docmsg.web.Site
---@field private documents gateway.Documents
---@field private uploads gateway.Uploads
---@field private watcher gateway.Watcher
---@field private held gateway.Held
---@field private steady_ms? integer since when Kafka is there and all of its events have been read
---@field private due integer when to tell figures and health again
---@field private stopping boolean
local Gateway = { __name = "gateway.Gateway" }
Gateway.__index = Gateway

-- == Routes ==

local function session(self, request)
  return 200, {
    token_required = self.options.token ~= nil, authenticated = request:known(),
    max_size = self.options.max_size, types = json.array(document.EXTENSIONS),
    kafdrop = self.options.kafdrop or json.null,
  }
end

local function login(self, request)
  local said = json.decode(request:body())
  local token = type(said) == "table" and said.token
  if type(token) ~= "string" then return web.refuse(400, "bad_login", '{"token": "…"} expected') end
  if not self.site.server:fits(token) then return web.refuse(401, "wrong_token", "this is not the token") end
  return 204, "", web.JSON, { { "Set-Cookie", self.site.server:login() } }
end

local function logout(_, request)
  return 204, "", web.JSON, { { "Set-Cookie", request:logout() } }
end

local function list(self, request)
  local count = math.tointeger(tonumber(request:query "limit" or 100))
  if not count or count < 1 or count > LIST_MAX then
    return web.refuse(400, "bad_limit", ("limit is a number from 1 to %d"):format(LIST_MAX))
  end
  local shown = {}
  for i, one in ipairs(self.documents:newest(count)) do shown[i] = documents.view(one) end
  return 200, { documents = json.array(shown), complete = self.watcher:is_caught_up() }
end

-- What is not read yet could make another state of what was.
local function status(self, request)
  if not self.watcher:is_caught_up() then
    return web.refuse(503, "catching_up", "the events of documents are still being read: try again")
  end
  local one = self.documents:get(request:rest())
  if not one and self.held:has(request:rest()) then
    return web.refuse(404, "unsure", "nobody knows yet whether Kafka has this document; its file is kept until then")
  end
  if not one then
    return web.refuse(404, "unknown_document",
      "no event of this document was seen, or it is forgotten: newer ones are remembered")
  end
  return 200, documents.view(one)
end

local function declare(self, lane)
  local site, options = self.site, self.options
  local function route(method, path, handler, more)
    more = more or {}
    more.method, more.path = method, path
    site:route(more, handler and function(request) return handler(self, request) end)
  end
  route("GET", "/api/v1/session", session, { open = true })
  route("POST", "/api/v1/login", login, { open = true, body = LOGIN_BYTES })
  route("POST", "/api/v1/logout", logout, { open = true })
  route("POST", "/api/v1/upload", function(_, request) return self.uploads:receive(request) end, { upload = {
    folder = options.folder, field = "file", extensions = document.EXTENSIONS, max = options.max_size } })
  route("GET", "/api/v1/documents", list)
  route("GET", "/api/v1/status/", status)
  route("GET", "/api/v1/topics", nil, { lane = lane })
  route("GET", "/api/v1/consumers", nil, { lane = lane })
  route("GET", "/api/v1/events", nil, { stream = true })
  for _, page in ipairs(pages.read(options.page)) do site.server:set(page.path, 200, page.type, page.body) end
end

-- == Health and figures ==

local function tell_health(self)
  local server, up = self.site.server, self.watcher:is_up()
  local obstacle = self.stopping and "draining" or not up and "Kafka is down"
    or not self.watcher:is_caught_up() and "the events of documents are still being read" or nil
  server:set("/livez", 200, PLAIN, "ok\n", HOLDS)
  server:set("/readyz", obstacle and 503 or 200, PLAIN, (obstacle or "ok") .. "\n", HOLDS)
  server:set("/health", 200, web.JSON, assert(json.encode {
    status = obstacle and "degraded" or "ok", kafka = up and "up" or "down" }) .. "\n", HOLDS)
  server:set("/metrics", 200, figures.TYPE, figures.render { http = server:figures(),
    uploads = self.uploads.figures, types = self.uploads:statistics().types, up = up,
    documents = self.documents:count(), caught_up = self.watcher:is_caught_up(),
    held = self.held.count }, HOLDS)
end

-- Kafka may have an event that was not read as long as it is away, or was so just now.
local function report_held(self, now)
  local is_steady = self.watcher:is_up() and self.watcher:is_caught_up()
  self.steady_ms = is_steady and (self.steady_ms or now) or nil
  self.held:report(now, self.steady_ms)
end

-- Nobody answers for the event of this file. It may have been read before that was known.
local function hold(self, path)
  local name = path:sub(#self.options.prefix + 1)
  local id = name:match "^[^.]+"
  self.held:add(name, runtime.now())
  if self.documents:get(id) then self.held:seen(id) end
end

-- == Life ==

local function topics_of(events)
  local topics = {}
  for _, event in pairs(events) do topics[#topics + 1] = event.topic end
  table.sort(topics)
  return topics
end

-- Takes what the watcher has read, and tells who listens.
local function tell_changes(self)
  local was_caught_up = self.watcher:is_caught_up()
  local changed, more = self.watcher:step()
  if not self.watcher:is_caught_up() then return more end -- half of a document's past is none of its states
  if #changed > TOLD_AT_ONCE or not was_caught_up then
    self.site.server:tell("event: hello\ndata: {}\n\n")
  else
    for _, one in ipairs(changed) do self.site:tell("document", documents.view, one) end
  end
  return more
end

-- What the handlers need; nil and the reason when something is not to be had.
local function open_parts(self)
  local options = self.options
  self.documents = documents.new()
  self.held = held.new(options.folder, options.log, runtime.now())
  self.uploads = uploads.new { events = options.events, prefix = options.prefix, log = options.log,
    unknown = function(path) hold(self, path) end,
    stored = function(parsed, ms) self.site:tell("document", documents.view, self.documents:expect(parsed, ms)) end }
  local watching, err = watcher.open(options.events, self.documents, options.log,
    function(id) self.held:seen(id) end)
  if not watching then return nil, err end
  self.watcher = watching
  local lane, reason = self.site:lane("lib.gateway.queries", {
    topics = topics_of(options.events), log = require("docmsg.log").defaults {} })
  if not lane then return nil, reason end
  declare(self, lane)
  self.site:watch(function() return watching:fd() end, function() return tell_changes(self) end)
  self.site:watch(function() return assert(self.uploads:fd()) end, function() self.uploads:poll() end)
  tell_health(self)
  return self.site:start()
end

---Opens the gateway: it listens, and answers in `step`.
---@param options gateway.Options
---@return gateway.Gateway? gateway
---@return any reason
function M.open(options)
  local site, reason = web.open {
    address = options.address, public = options.public, token = options.token, hosts = options.hosts,
    headers = HEADERS, log = options.log, connections = CONNECTIONS,
    tls_cert = options.tls and options.tls.cert, tls_key = options.tls and options.tls.key,
  }
  if not site then return nil, reason end
  local most = site.server:figures().connections_max
  if most < CONNECTIONS then
    options.log:warn("%d connections at a time, not %d: the limit of open files is low", most, CONNECTIONS)
  end
  local self = setmetatable({ options = options, site = site, due = 0, stopping = false }, Gateway)
  local ok, err = open_parts(self)
  if ok then return self end
  self:close()
  return nil, err
end

---@return string address
function Gateway:address()
  return self.site.server:address()
end

---Does what there is to do, after waiting for it.
---@param timeout docmsg.Duration
function Gateway:step(timeout)
  self.site:step(timeout)
  local now = runtime.now()
  if now < self.due then return end
  self.due = now + PERIOD_MS
  tell_changes(self) -- also what was left behind an error, of which no descriptor tells
  report_held(self, now)
  tell_health(self)
end

---Takes no more connections; what was begun goes on.
function Gateway:stop()
  self.stopping = true
  self.site.server:quiesce()
end

---Is there a request that is not answered?
---@return boolean
function Gateway:is_busy()
  return self.site:busy() > 0
end

---Ends it: uploads whose events are under way have Kafka's answer, what else is not answered is refused.
function Gateway:close()
  if self.uploads and self:is_busy() then
    self.uploads:flush()
    self.site:step "0"
  end
  self.site:close()
  if self.uploads then self.uploads:close() end
  if self.watcher then self.watcher:close() end
end

Gateway.__close = Gateway.close

return M
