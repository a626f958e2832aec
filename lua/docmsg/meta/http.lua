-- SPDX-License-Identifier: MIT
-- What the C module docmsg.http offers to docmsg.monitor, and to docmsg-lua stats and health.
-- This file is never loaded.
---@meta docmsg.http

---@class docmsg.http
local http = {}

---Asks a server for a page.
---@param address string as for `status`
---@param path string begins with "/"
---@param timeout? docmsg.Duration default "5s"
---@return string? body
---@return integer|string code_or_reason the code of the answer; without one the reason
function http.get(address, path, timeout) end

---@class docmsg.http.StatusOptions
---@field address string "host:port", "[IPv6]:port" or ":port", which is loopback; port 0 is any that is free
---@field public? boolean the address may be reached from other machines; else that is refused

---A small server whose answers are texts that are set ahead. It answers GET and HEAD, 64 connections at a
---time, which may be idle for 10 s; a request has 16 KiB at most and no body.
---@class docmsg.http.Status
local status = {}

---Makes a server.
---@param options docmsg.http.StatusOptions
---@return docmsg.http.Status? status
---@return string? reason
function http.status(options) end

---Sets the answer to a path; at most 16 paths. When it is not set again in time, the answer is 503.
---@param path string begins with "/"
---@param code integer 200 to 599
---@param type string of the content
---@param body string
---@param valid? docmsg.Duration default "forever"
function status:set(path, code, type, body, valid) end

---@return string address such as "127.0.0.1:9464"
function status:address() end

---Ends open connections and the server.
function status:close() end

return http
