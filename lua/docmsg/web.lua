-- SPDX-License-Identifier: MIT
-- Handlers for HTTP: routes, answers as JSON, and waiting without keeping others waiting.
--
--   local site <close> = assert(web.open { address = ":8001", log = log })
--   site:route({ method = "GET", path = "/hello/" }, function(request)
--     return 200, { hello = request:rest() }
--   end)
--   assert(site:start())
--   while not stopped do site:step "1s" end
--
-- A handler returns a code and a table, which becomes JSON, or a string with its content type, and
-- perhaps headers. It runs on the calling thread, beside others: `web.await` lets these go on until
-- what it waits for has come. What cannot wait like that belongs on a lane, a thread with a Lua state of
-- its own, see `site:lane`. Connections have threads of their own anyway, which run no Lua.
local http = require "docmsg.http"
local json = require "docmsg.json"

local M = {}

---The content type of JSON.
M.JSON = "application/json"

---@class docmsg.web.Options : docmsg.http.ServerOptions
---@field log docmsg.Log

---What answers a request: a code and a table, or a string and its content type; then headers.
---@alias docmsg.web.Handler fun(request: docmsg.http.Request): integer, table|string, any, docmsg.Header[]?

---@class docmsg.web.Site
---@field server docmsg.http.Server
---@field private log docmsg.Log
---@field private handlers table<integer, docmsg.web.Handler> by the number of their route
---@field private waiting docmsg.web.Waiting[]
---@field private idle thread[] that have no handler now
---@field private descriptors (fun(): integer)[] that are waited for, too
---@field private more? boolean one of them has more to do
---@field private polls (fun(): boolean?)[] what is done when one of them can be read
local Site = { __name = "docmsg.web.Site" }
Site.__index = Site

---@class docmsg.web.Waiting
---@field co thread
---@field request docmsg.http.Request
---@field ready fun(): boolean

-- == Answers ==

---What is said when something is wrong.
---@param code integer
---@param reason string a word for programs
---@param message string a sentence for people
---@param more? table<string, any> further fields
---@return integer code
---@return table body
function M.refuse(code, reason, message, more)
  local body = { error = { code = code, reason = reason, message = message } }
  for name, value in pairs(more or {}) do body[name] = value end
  return code, body
end

local function answer(request, code, body, kind, headers)
  if type(body) == "table" then
    local text = assert(json.encode(body))
    request:answer(code, M.JSON, text .. "\n", kind --[[@as docmsg.Header[]?]])
  else
    request:answer(code, kind or "text/plain; charset=utf-8", body or "", headers)
  end
end

local function complain(request, log, err)
  log:error("%s %s: %s", request:method(), request:path(), tostring(err))
  request:fail()
end

---Runs a handler that does not wait, on whatever thread this is: what the function of a lane does.
---@param request docmsg.http.Request
---@param handler docmsg.web.Handler
---@param log docmsg.Log
function M.handle(request, handler, log)
  local ok, err = xpcall(function() answer(request, handler(request)) end, debug.traceback)
  if not ok then complain(request, log, err) end
end

-- == Handlers that wait ==

-- What a coroutine without a handler yields.
local IDLE <const> = {}

---Lets others go on until something is so. Only in a handler of a site.
---@param ready fun(): boolean is asked when a descriptor of `site:watch` could be read, and in a step without news
function M.await(ready)
  while not ready() do coroutine.yield(ready) end
end

-- What a coroutine runs: one handler after the other, since making another one for each would cost more.
local function work(request, handler)
  while true do
    answer(request, handler(request))
    request, handler = coroutine.yield(IDLE)
  end
end

-- Goes on with a handler, until it waits or ends.
local function resume(self, co, request, ...)
  local ok, result = coroutine.resume(co, ...)
  if not ok then
    complain(request, self.log, debug.traceback(co, tostring(result)))
  elseif result == IDLE then
    self.idle[#self.idle + 1] = co
  else
    self.waiting[#self.waiting + 1] = { co = co, request = request, ready = result }
  end
end

local function resume_ready(self)
  local waiting = self.waiting
  self.waiting = {}
  for _, one in ipairs(waiting) do
    if one.ready() then
      resume(self, one.co, one.request)
    else
      self.waiting[#self.waiting + 1] = one
    end
  end
end

-- A coroutine that has nothing to do; a handler may have closed its own.
local function take_idle(self)
  local co
  repeat co = table.remove(self.idle) until not co or coroutine.status(co) == "suspended"
  return co or coroutine.create(work)
end

local function begin_new(self)
  for request in function() return self.server:request() end do
    resume(self, take_idle(self), request, request, self.handlers[request:route()])
  end
end

-- == The site ==

---Listens; requests are answered from `start` on.
---@param options docmsg.web.Options
---@return docmsg.web.Site? site
---@return string? reason
function M.open(options)
  local own = {}
  for name, value in pairs(options) do own[name] = value end
  own.log = nil
  local server, reason = http.server(own)
  if not server then return nil, reason end
  return setmetatable({ server = server, log = options.log, handlers = {}, waiting = {}, idle = {},
    descriptors = {}, polls = {} }, Site)
end

---Declares what is taken, before `start`.
---@param route docmsg.http.Route
---@param handler? docmsg.web.Handler none for a stream, or on a lane
function Site:route(route, handler)
  self.handlers[self.server:route(route)] = handler
end

---Makes a thread with a Lua state of its own, for the routes that have its number as their `lane`.
---@param module string its function `boot(settings)` returns the function that takes requests
---@param settings table plain values
---@return integer? lane
---@return string? reason
function Site:lane(module, settings)
  local state, reason = require("docmsg.runtime").state { module = module, settings = settings }
  if not state then return nil, reason end
  return self.server:lane(state)
end

---@return boolean? ok
---@return string? reason
function Site:start()
  return self.server:start()
end

---Has something else waited for, too, such as a client of Kafka by its `fd`.
---@param fd fun(): integer may give another one later
---@param poll fun(): boolean? is called when it can be read, and once in a while; true: there is more
function Site:watch(fd, poll)
  local i = #self.polls + 1
  self.descriptors[i], self.polls[i] = fd, poll
end

-- One that fails must not end the others. A signal, which is no text, does.
local function poll_one(self, poll)
  local ok, more = xpcall(poll, function(err) return type(err) == "string" and debug.traceback(err) or err end)
  if ok then return more end
  if type(more) ~= "string" then error(more, 0) end
  self.log:error("%s", more)
  return false
end

-- Calls what the mask says; all of it when nothing came in time: a descriptor tells but of beginnings.
local function poll_watched(self, mask)
  local more = false
  for i, poll in ipairs(self.polls) do
    if mask == 0 or self.more or mask & (1 << i) ~= 0 then more = poll_one(self, poll) or more end
  end
  self.more = more
end

local function wait(self, timeout)
  local fds = {}
  for i, fd in ipairs(self.descriptors) do fds[i] = fd() end
  return self.server:wait(timeout, table.unpack(fds))
end

---Handles what is there, after waiting for it.
---@param timeout docmsg.Duration
function Site:step(timeout)
  local more = self.more
  local mask = wait(self, more and 0 or timeout)
  if more or mask ~= 1 then
    poll_watched(self, mask)
    resume_ready(self)
  end
  if mask & 1 ~= 0 then begin_new(self) end
end

---How many requests are not answered.
---@return integer
function Site:busy()
  return self.server:busy()
end

---Tells all who listen to the stream.
---@param name string of the event
---@param data_of fun(...: any): table makes the data, when somebody listens
---@param ... any what it takes
function Site:tell(name, data_of, ...)
  if self.server:tell "" == 0 then return end
  self.server:tell(("event: %s\ndata: %s\n\n"):format(name, assert(json.encode(data_of(...)))))
end

---Refuses what is not answered, and ends.
function Site:close()
  self.waiting = {}
  self.server:close()
end

Site.__close = Site.close

return M
