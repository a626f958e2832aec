-- SPDX-License-Identifier: MIT
-- What the C module docmsg.http offers to docmsg.web, docmsg.monitor, docmsg-lua stats and docmsg-lua health.
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

---The files of uploads in a folder that were held when their server ended.
---@param folder string
---@return string[]? names
---@return string? reason
function http.held(folder) end

---Makes a file one that is held no more.
---@param path string
---@return boolean? ok
---@return string? reason
function http.settle(path) end

---@class docmsg.http.StatusOptions
---@field address string "host:port", "[IPv6]:port" or ":port", which is loopback; port 0 is any that is free
---@field public? boolean the address may be reached from other machines; else that is refused

---A small server whose answers are texts that are set ahead. It answers GET and HEAD, 64 connections at a
---time, which may be idle for 10 s; a request has 16 KiB at most and no body. It is started already.
---@param options docmsg.http.StatusOptions
---@return docmsg.http.Server? server
---@return string? reason
function http.status(options) end

---@class docmsg.http.ServerOptions : docmsg.http.StatusOptions
---@field connections? integer at a time, default 256, or as many as there are descriptors for, four each; the limit of these is raised when it may be. 32 more are answered, with what `server:set` has set or with 503; then they are closed at once
---@field grace? docmsg.Duration how long a request may take to come, beside a second for each 64 KiB of it; default "30s"
---@field headers? docmsg.Header[] that every answer has
---@field hosts? string[] the names that a Host may have, beside addresses and localhost; an Origin must be the Host. Left out: neither is looked at
---@field session? docmsg.Duration how long a login lasts; default "12h"
---@field tls_cert? string the certificate, and those that it hangs on, as PEM: the server speaks TLS, 1.2 or newer
---@field tls_key? string its key as PEM
---@field token? string that requests need, unless their route is open

---Makes a server, which listens and is to be started. A connection may be idle for 5 s.
---@param options docmsg.http.ServerOptions
---@return docmsg.http.Server? server
---@return string? reason
function http.server(options) end

---@class docmsg.http.Server
local server = {}

---@class docmsg.http.Upload
---@field folder string where the file goes, which must be there
---@field field string of the form, that the file is in
---@field extensions string[] in lower case, of files that are taken
---@field max? integer bytes; default 100 MiB

---@class docmsg.http.Route
---@field method string
---@field path string a path, or with a "/" at its end what begins so
---@field body? integer bytes of a body that are kept; default 0, and no body is taken
---@field lane? integer the thread that handles it; default: requests are `server:request`'s
---@field open? boolean no token is needed
---@field stream? boolean the answer is the stream of what `server:tell` tells, and nobody handles it
---@field upload? docmsg.http.Upload the body is a form with a file

---Declares what is taken, before the start.
---@param route docmsg.http.Route
---@return integer number
function server:route(route) end

---A thread for handlers that wait: it calls the function of the state for each request. Before the start.
---@param state docmsg.WorkerState becomes the server's
---@return integer lane
function server:lane(state) end

---@return boolean? ok
---@return string? reason
function server:start() end

---Sets the answer to a path; at most 64 paths, 16 of a status server. When it is not set again in time, the answer is 503.
---@param path string begins with "/"
---@param code integer 200 to 599
---@param type string of the content
---@param body string
---@param valid? docmsg.Duration default "forever"
function server:set(path, code, type, body, valid) end

---Waits for a request, or until one of the descriptors can be read.
---@param timeout? docmsg.Duration default "forever"
---@param ... integer at most 8 descriptors
---@return integer mask bit 0: there may be a request; bit i: the i-th descriptor can be read; 0: time is over
function server:wait(timeout, ...) end

---@return docmsg.http.Request? request the next one that nobody handles yet
function server:request() end

---Sends text to all who listen to a stream: events as "event: NAME\ndata: TEXT\n\n". One who has not read
---256 KiB of it is let go.
---@param text string
---@return integer count how many listen
function server:tell(text) end

---@param token string
---@return boolean fits it is the token, or none is needed
function server:fits(token) end

---Begins a session, which stands for the token until it is over, or this process ends. There are 128 at most;
---another one ends the oldest.
---@return string value of the Set-Cookie
function server:login() end

---@return integer count of requests that are being read or not answered, beside streams
function server:busy() end

---@class docmsg.http.Figures
---@field requests integer that were answered
---@field classes integer[] of them by the first digit of their code
---@field received integer bytes of bodies
---@field cut_off integer requests that ended without having been answered
---@field connections integer now
---@field connections_max integer beside those that are spare
---@field streams integer now

---@return docmsg.http.Figures
function server:figures() end

---@return string address such as "127.0.0.1:9464"
function server:address() end

---Takes no more connections.
function server:quiesce() end

---Refuses what is not answered, ends open connections and the server.
function server:close() end

---A request, until it is answered.
---@class docmsg.http.Request
local request = {}

---@return integer number that `server:route` gave
function request:route() end

---@return string
function request:method() end

---@return string path without its query
function request:path() end

---@return string rest of the path, behind that of its route
function request:rest() end

---@param name string
---@return string? value from behind the path's "?"
function request:query(name) end

---@param name string
---@return string? value
function request:header(name) end

---@return string
function request:body() end

---@return boolean known it has the token, or the cookie; or none is needed
function request:known() end

---Ends the session that it has, if any.
---@return string value of the Set-Cookie
function request:logout() end

---@param name string
---@return string? value of a field of the form
function request:field(name) end

---@class docmsg.http.File
---@field filename string as the client calls it, without folders; any bytes but control characters
---@field name string in its folder: a UUID with the extension
---@field path string
---@field sha256 string
---@field size integer bytes

---@return docmsg.http.File file that is stored, and goes with the answer unless it is kept
function request:file() end

---The file stays, and is held until it is kept or discarded: `http.held` of a later run finds it.
function request:hold() end

---The file stays.
function request:keep() end

---Removes the file.
---@return boolean? ok
---@return string? reason
function request:discard() end

---Answers; the request can not be used any more.
---@param code integer 200 to 599
---@param type string of the content
---@param body string
---@param headers? docmsg.Header[]
function request:answer(code, type, body, headers) end

---Answers 500, unless it was answered.
function request:fail() end

return http
