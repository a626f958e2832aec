-- SPDX-License-Identifier: MIT
-- Tells how a runner does, about once a second: to HTTP clients and, on a terminal, to whoever looks
-- at it.
local health = require "docmsg.health"
local metrics = require "docmsg.metrics"
local runtime = require "docmsg.runtime"
local status_line = require "docmsg.status_line"

local M = {}

local PERIOD_MS <const> = 1000

-- How long an answer about health holds, beside what a handler on the calling thread may take.
local HOLDS_MS <const> = 10000

local PLAIN <const> = "text/plain; charset=utf-8"

---@class docmsg.MonitorOptions
---@field http? string the address to answer at
---@field http_public? boolean that address may be reached from other machines
---@field status_line? fun(text: string) draws on a terminal
---@field log docmsg.Log

---@class docmsg.Monitor
---@field private server? docmsg.http.Server
---@field private draw? fun(text: string)
---@field private due integer when to tell again
---@field private last? docmsg.RunnerStats
---@field private told_ms? integer when that was
local Monitor = { __name = "docmsg.Monitor" }
Monitor.__index = Monitor

local function answer(server, path, good, text, valid)
  server:set(path, good and 200 or 503, PLAIN, text .. "\n", valid)
end

local function listen(options)
  local server, reason = require("docmsg.http").status {
    address = options.http, public = options.http_public or false,
  }
  if not server then return nil, ("--http %s: %s"):format(options.http, reason) end
  answer(server, "/livez", true, "ok")
  answer(server, "/readyz", false, "starting")
  server:set("/metrics", 200, metrics.TYPE, "")
  options.log:info("figures and health at http://%s: /metrics /livez /readyz", server:address())
  return server
end

---Opens what is to be told to.
---@param options docmsg.MonitorOptions
---@return docmsg.Monitor? monitor
---@return string? reason
function M.open(options)
  local server, reason
  if options.http then
    server, reason = listen(options)
    if not server then return nil, reason end
  end
  return setmetatable({ server = server, draw = options.status_line, due = 0 }, Monitor)
end

-- How long the answers about health hold: while a handler runs on the calling thread, nobody sets new
-- ones.
local function validity(patience_ms)
  return patience_ms and ("%dms"):format(patience_ms + HOLDS_MS) or "forever"
end

---Tells the figures, when it is time.
---@param runner docmsg.Runner
---@param patience_ms integer? how long the calling thread may be kept by a handler; nil: without end
function Monitor:tell(runner, patience_ms)
  local now = runtime.now()
  if now < self.due or not (self.server or self.draw) then return end
  self.due = now + PERIOD_MS
  local stats = runner:stats()
  if self.server then
    local alive, complaint = health.live(stats)
    answer(self.server, "/livez", alive, complaint, validity(patience_ms))
    local ready, obstacle = health.ready(stats, runner:is_stopping())
    answer(self.server, "/readyz", ready, obstacle, validity(patience_ms))
    self.server:set("/metrics", 200, metrics.TYPE, metrics.render(stats, runtime.bounds))
  end
  if self.draw then
    local seconds = self.told_ms and (now - self.told_ms) / 1000 or 0
    self.draw(status_line.draw(status_line.text(stats, self.last, seconds)))
  end
  self.last, self.told_ms = stats, now
end

---Ends the line and the server.
function Monitor:close()
  if self.draw then self.draw(status_line.CLEAR) end
  if self.server then self.server:close() end
  self.draw, self.server = nil, nil
end

return M
