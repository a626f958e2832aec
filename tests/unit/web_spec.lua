-- SPDX-License-Identifier: MIT
local await = require "support.await"
local client = require "support.http"
local http = require "docmsg.http"
local json = require "docmsg.json"
local log = require "docmsg.log"
local process = require "support.process"
local program = require "support.program"
local web = require "docmsg.web"

local quiet = log.new { level = "error", write = function() end }

local function open(options)
  options = options or {}
  options.address, options.log = ":0", options.log or quiet
  return assert(web.open(options))
end

local function address(site) return site.server:address() end

-- Steps until a client has ended.
local function serve(site, child)
  await(function()
    site:step "10ms"
    return not child:is_running()
  end)
  return client.read(child:wait().stdout)
end

local function ask(site, ...)
  return serve(site, client.start(address(site), client.request(...)))
end

local function reason_of(response)
  return assert(json.decode(response.body)).error.reason
end

describe("a site", function()
  it("answers with what its handlers return", function()
    local site <close> = open()
    site:route({ method = "GET", path = "/things/" }, function(request)
      return 200, { rest = request:rest(), query = request:query "q", method = request:method() }
    end)
    site:route({ method = "POST", path = "/echo", body = 100 }, function(request)
      return 201, request:body(), "text/x-echo", { { "X-Size", tostring(#request:body()) } }
    end)
    assert(site:start())
    local got = ask(site, "GET", "/things/a/b?q=1%202")
    assert.equal(200, got.code)
    assert.same({ rest = "a/b", query = "1 2", method = "GET" }, json.decode(got.body))
    assert.truthy(got.head:find("Content-Type: application/json", 1, true))
    local bytes = "\0\1\xff\r\n"
    local echoed = ask(site, "POST", "/echo", {}, bytes)
    assert.same({ 201, bytes }, { echoed.code, echoed.body })
    assert.truthy(echoed.head:find("Content-Type: text/x-echo", 1, true))
    assert.truthy(echoed.head:find("X-Size: 5", 1, true))
  end)

  it("hears of a request again that was left in the queue", function()
    local site <close> = open()
    site:route({ method = "GET", path = "/page" }, function() return 200, "by its handler" end)
    assert(site:start())
    local one = client.start(address(site), client.request("GET", "/page"))
    local other = client.start(address(site), client.request("GET", "/page"))
    await(function() return site:busy() == 2 end)
    assert.equal(1, site.server:wait "10s" & 1)
    site.server:request():answer(200, "text/plain", "taken by itself")
    assert.equal(1, site.server:wait "10s" & 1)
    local bodies = { serve(site, one).body, serve(site, other).body }
    table.sort(bodies)
    assert.same({ "by its handler", "taken by itself" }, bodies)
  end)

  local refused = {
    { "an unknown path", 404, "not_found", "GET", "/other" },
    { "a path that only begins as one", 404, "not_found", "GET", "/things/" },
    { "another method", 405, "wrong_method", "DELETE", "/echo" },
    { "a body that is too long", 413, "too_large", "POST", "/echo", {}, ("x"):rep(101) },
    { "a body where none is taken", 413, "too_large", "GET", "/things/1", {}, "x" },
    { "a body of 10 GB that is announced", 413, "too_large", "POST", "/echo", { "Content-Length: 10737418240" } },
    { "two lengths", 400, "bad_length", "POST", "/echo", { "Content-Length: 1", "Content-Length: 2" }, "x" },
    { "a length beside an encoding", 400, "bad_length", "POST", "/echo",
      { "Content-Length: 6", "Transfer-Encoding: chunked" }, "1\r\nx\r\n0\r\n\r\n" },
    { "chunks that are too long", 413, "too_large", "POST", "/echo", { "Transfer-Encoding: chunked" },
      ("1000\r\n" .. ("x"):rep(4096) .. "\r\n"):rep(100) .. "0\r\n\r\n" },
  }
  it("reads nothing behind a request whose length is unclear", function()
    local site <close> = open()
    site:route({ method = "GET", path = "/a" }, function() return 200, {} end)
    site:route({ method = "POST", path = "/a", body = 100 }, function() return 200, {} end)
    assert(site:start())
    local hidden = "GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    local asking = client.start(address(site), ("POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
      .. "Content-Length: %d\r\n\r\n%s"):format(#hidden, hidden))
    serve(site, asking)
    local answers = {}
    for code in asking:stdout():gmatch "HTTP/1%.1 (%d+)" do answers[#answers + 1] = code end
    assert.same({ "400" }, answers)
  end)

  for _, case in ipairs(refused) do
    it("refuses " .. case[1], function()
      local site <close> = open()
      site:route({ method = "GET", path = "/things/" }, function() return 200, {} end)
      site:route({ method = "POST", path = "/echo", body = 100 }, function() return 200, {} end)
      assert(site:start())
      local got = ask(site, table.unpack(case, 4, 7))
      assert.same({ case[2], case[3] }, { got.code, reason_of(got) })
      assert.equal(200, ask(site, "GET", "/things/1").code)
    end)
  end

  it("tells which methods a path has", function()
    local site <close> = open()
    site:route({ method = "GET", path = "/a" }, function() return 200, {} end)
    site:route({ method = "POST", path = "/a" }, function() return 200, {} end)
    assert(site:start())
    assert.truthy(ask(site, "PUT", "/a").head:find("Allow: GET, POST\r\n", 1, true))
  end)

  for _, length in ipairs { "-1", "1x", "99999999999999999999999999" } do
    it("does not take the length " .. length, function()
      local site <close> = open()
      site:route({ method = "POST", path = "/echo", body = 100 }, function() return 200, {} end)
      assert(site:start())
      local got = ask(site, "POST", "/echo", { "Content-Length: " .. length }, "x")
      assert.truthy(got == nil or got.code >= 400) -- libmicrohttpd's own answer, or none
      assert.equal(200, ask(site, "POST", "/echo", {}, "x").code)
    end)
  end

  it("says 500 when a handler fails, and logs why", function()
    local lines = {}
    local site <close> = open { log = log.new { write = function(line) lines[#lines + 1] = line end } }
    site:route({ method = "GET", path = "/bad" }, function() error "this is why" end)
    site:route({ method = "GET", path = "/worse" }, function() return 200, { f = print } end)
    site:route({ method = "GET", path = "/none" }, function() end)
    assert(site:start())
    for _, path in ipairs { "/bad", "/worse", "/none" } do
      local got = ask(site, "GET", path)
      assert.same({ 500, "failed" }, { got.code, reason_of(got) })
    end
    assert.truthy(table.concat(lines):find("this is why", 1, true), table.concat(lines))
  end)

  it("lets others go on while a handler waits", function()
    local site <close> = open()
    local released = false
    site:route({ method = "GET", path = "/wait" }, function()
      web.await(function() return released end)
      return 200, "released"
    end)
    site:route({ method = "GET", path = "/release" }, function()
      released = true
      return 200, "done"
    end)
    assert(site:start())
    local waiting <close> = client.start(address(site), client.request("GET", "/wait"))
    await(function() site:step "10ms" return site:busy() == 1 end)
    assert.equal("done", ask(site, "GET", "/release").body)
    assert.equal("released", serve(site, waiting).body)
  end)

  it("has lanes for handlers that block, with states of their own", function()
    local site <close> = open()
    local lane = assert(site:lane("support.web_lane", { greeting = "hello" }))
    site:route { method = "GET", path = "/lane/", lane = lane }
    site:route({ method = "GET", path = "/here" }, function() return 200, "here" end)
    assert(site:start())
    assert.equal("hello bob", client.get(address(site), "/lane/bob").body) -- nobody steps
    assert.equal("failed", reason_of(client.get(address(site), "/lane/error")))
    assert.equal("failed", reason_of(client.get(address(site), "/lane/nothing")))
    assert.equal("here", ask(site, "GET", "/here").body)
  end)

  it("lets 32 wait for a lane, and says to others that it is busy", function()
    local folder = program.folder()
    local fifo = folder .. "/fifo"
    assert(process.run({ "mkfifo", fifo }).ok)
    finally(function() program.remove(folder) end)
    local site <close> = open()
    local lane = assert(site:lane("support.web_lane", { greeting = "hello" }))
    site:route { method = "GET", path = "/lane/", lane = lane }
    assert(site:start())
    local script = [[for ((i = 0; i < 40; i++)); do exec {fd}<>"/dev/tcp/127.0.0.1/$1"; fds+=($fd)
        printf 'GET /lane/bob?until=%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' "$2" >&$fd; done
      for fd in "${fds[@]}"; do cat <&$fd; done]]
    local many <close> = process.start { "bash", "-c", script, "bash", address(site):match "%d+$", fifo }
    await(function() return site.server:figures().classes[5] == 7 and site:busy() == 33 end, "10s", "others to be refused")
    local feeding <close> = process.start { "bash", "-c", [[while :; do : >"$1"; done]], "bash", fifo }
    local answers = many:wait().stdout
    assert.same({ 33, 7 }, { select(2, answers:gsub("hello bob", "")), select(2, answers:gsub('"busy"', "")) })
    feeding:close()
  end)

  it("refuses what waits when it is closed", function()
    local site = open()
    local lane = assert(site:lane("support.web_lane", { greeting = "hello" }))
    site:route({ method = "GET", path = "/wait" }, function() web.await(function() return false end) end)
    site:route { method = "GET", path = "/lane/", lane = lane }
    assert(site:start())
    local waiting <close> = client.start(address(site), client.request("GET", "/wait"))
    await(function() site:step "10ms" return site:busy() == 1 end)
    site:close()
    local got = assert(client.read(waiting:wait().stdout))
    assert.same({ 503, "stopping" }, { got.code, reason_of(got) })
  end)

  it("takes no more connections when it is to end", function()
    local site <close> = open()
    site:route({ method = "GET", path = "/" }, function() return 200, "" end)
    assert(site:start())
    local where = address(site)
    assert.equal(200, ask(site, "GET", "/").code)
    site.server:quiesce()
    assert.is_nil(client.raw(where, client.request("GET", "/")))
  end)

  it("cuts off who is slow, in the head and in the body", function()
    local site <close> = open { grace = "300ms" }
    site:route({ method = "POST", path = "/", body = 1000 }, function() return 200, "" end)
    assert(site:start())
    local request = client.request("POST", "/", {}, ("x"):rep(900))
    local head <close> = client.start(address(site), request, { bytes = 1, pause = 0.05 })
    local body <close> = client.start(address(site), request, { bytes = 110, pause = 0.2 })
    await(function() return not head:is_running() and not body:is_running() end, "10s")
    assert.is_nil(client.read(head:wait().stdout))
    assert.is_nil(client.read(body:wait().stdout))
    assert.equal(200, ask(site, "POST", "/", {}, "x").code)
  end)

  it("closes what is idle for five seconds", function()
    local site <close> = open()
    assert(site:start())
    local idle <close> = client.start(address(site), "GET / HT")
    assert.is_nil(client.read(idle:wait().stdout))
    local seconds = idle:wait().seconds
    assert.truthy(seconds > 3 and seconds < 9, seconds)
  end)

  it("answers what is set ahead when all connections are taken, and says to others that it is busy", function()
    local site <close> = open { connections = 2 }
    site:route({ method = "POST", path = "/", body = 1 << 20 }, function() return 200, "" end)
    site.server:set("/livez", 200, "text/plain", "ok")
    assert(site:start())
    local script = [[exec 3<>"/dev/tcp/127.0.0.1/$1" 4<>"/dev/tcp/127.0.0.1/$1"; exec sleep 60]]
    local _ <close> = process.start { "bash", "-c", script, "bash", address(site):match "%d+$" }
    await(function() return site.server:figures().connections == 2 end)
    assert.equal("ok", client.get(address(site), "/livez").body) -- nobody steps
    for _, size in ipairs { 1, 200000 } do
      local got = assert(client.raw(address(site), client.request("POST", "/", {}, ("x"):rep(size))))
      assert.same({ 503, "busy" }, { got.code, reason_of(got) })
    end
    await(function() return site.server:figures().connections == 0 end, "20s")
    assert.equal(200, ask(site, "POST", "/", {}, "x").code)
  end)

  it("answers 500 connections at once", function()
    local site <close> = open()
    site:route({ method = "GET", path = "/" }, function() return 200, "fine" end)
    assert(site:start())
    local script = [[for i in {1..500}; do exec {fd}<>"/dev/tcp/127.0.0.1/$1"; fds+=($fd)
      printf 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' >&$fd; done
      for fd in "${fds[@]}"; do cat <&$fd; exec {fd}>&-; done]]
    local many <close> = process.start { "bash", "-c", script, "bash", address(site):match "%d+$" }
    await(function() site:step "10ms" return not many:is_running() end, "30s")
    local _, count = many:wait().stdout:gsub("fine", "")
    assert.equal(500, count)
  end)
end)

describe("who may ask", function()
  local function guarded(options)
    local site = open(options)
    site:route({ method = "GET", path = "/secret" }, function(request) return 200, { known = request:known() } end)
    site:route({ method = "GET", path = "/open", open = true }, function(request)
      return 200, { known = request:known() }
    end)
    site.server:set("/page", 200, "text/html", "<p>")
    assert(site:start())
    return site
  end

  local hosts = {
    { "localhost", 200 }, { "localhost:1", 200 }, { "LOCALHOST", 200 }, { "127.0.0.1:80", 200 }, { "[::1]:80", 200 },
    { "10.0.0.1", 200 }, { "docs.example.org:8001", 200 }, { "evil", 421 }, { "localhost.evil.org", 421 },
    { "127.0.0.1.evil.org", 421 }, { "localhost:80x", 421 }, { "[::1", 421 }, { ":80", 421 },
    { ("x"):rep(300), 421 },
  }
  for _, case in ipairs(hosts) do
    it(("answers %d to the Host %s"):format(case[2], case[1]:sub(1, 30)), function()
      local site <close> = guarded { hosts = { "docs.example.org" } }
      for _, path in ipairs { "/secret", "/page" } do
        assert.equal(case[2], ask(site, "GET", path, { "Host: " .. case[1] }).code)
      end
    end)
  end

  local origins = {
    { "http://localhost:8001", 200 }, { "https://localhost:8001", 200 }, { "http://LOCALHOST:8001", 200 },
    { "http://localhost", 403 }, { "http://evil.org", 403 }, { "null", 403 }, { "ftp://localhost:8001", 403 },
    { "http://localhost:8001.evil.org", 403 }, { "", 403 },
  }
  for _, case in ipairs(origins) do
    it(("answers %d to the Origin %q"):format(case[2], case[1]), function()
      local site <close> = guarded { hosts = {} }
      local got = ask(site, "GET", "/secret", { "Host: localhost:8001", "Origin: " .. case[1] })
      assert.equal(case[2], got.code)
    end)
  end

  local fetches = {
    { "same-origin", "cors", 200, 200 }, { "none", "navigate", 200, 200 }, { "cross-site", "navigate", 200, 403 },
    { "same-site", "navigate", 200, 403 }, { "cross-site", "no-cors", 403, 403 }, { "same-site", "cors", 403, 403 },
    { "", "cors", 403, 403 },
  }
  for _, case in ipairs(fetches) do
    it(("answers %d and %d to GET and POST of a browser that asks from %q to %s"):format(case[3], case[4], case[1], case[2]),
      function()
        local site <close> = open { hosts = {} }
        for _, method in ipairs { "GET", "POST" } do
          site:route({ method = method, path = "/" }, function() return 200, "" end)
        end
        assert(site:start())
        local headers = { "Host: localhost", "Sec-Fetch-Site: " .. case[1], "Sec-Fetch-Mode: " .. case[2] }
        assert.equal(case[3], ask(site, "GET", "/", headers).code)
        assert.equal(case[4], ask(site, "POST", "/", headers).code)
      end)
  end

  local tokens = {
    { "the token", "Authorization: Bearer s3cret", 200 }, { "the token, shouted", "Authorization: BEARER s3cret", 200 },
    { "no token", "X: y", 401 }, { "another one", "Authorization: Bearer s3cre", 401 },
    { "a longer one", "Authorization: Bearer s3cret1", 401 }, { "an empty one", "Authorization: Bearer ", 401 },
    { "another scheme", "Authorization: Basic s3cret", 401 }, { "the token as a cookie", "Cookie: docmsg_session=s3cret", 401 },
  }
  for _, case in ipairs(tokens) do
    it(("answers %d to %s"):format(case[3], case[1]), function()
      local site <close> = guarded { token = "s3cret" }
      local got = ask(site, "GET", "/secret", { case[2] })
      assert.equal(case[3], got.code)
      assert.same({ known = case[3] == 200 }, json.decode(ask(site, "GET", "/open", { case[2] }).body))
      assert.equal(200, ask(site, "GET", "/page", { case[2] }).code)
    end)
  end

  it("takes the cookie for the token, of this process alone", function()
    local site <close> = guarded { token = "s3cret" }
    local other <close> = guarded { token = "s3cret" }
    local cookie = site.server:login()
    assert.truthy(cookie:find("; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200", 1, true), cookie)
    local header = "Cookie: a=b; " .. cookie:match "^[^;]*"
    assert.equal(200, ask(site, "GET", "/secret", { header }).code)
    assert.equal(401, ask(other, "GET", "/secret", { header }).code)
    assert.same({ true, false, false }, { site.server:fits "s3cret", site.server:fits "", site.server:fits "s3cre" })
  end)
end)

describe("a login", function()
  local function guarded(options)
    options.token = "s3cret"
    local site = open(options)
    site:route({ method = "GET", path = "/secret" }, function() return 200, "" end)
    site:route({ method = "POST", path = "/logout", open = true }, function(request)
      return 204, "", nil, { { "Set-Cookie", request:logout() } }
    end)
    assert(site:start())
    return site, function() return "Cookie: " .. site.server:login():match "^[^;]*" end
  end

  it("lasts until its logout, which ends no other", function()
    local site <close>, login = guarded {}
    local first, second = login(), login()
    assert.not_equal(first, second)
    local gone = ask(site, "POST", "/logout", { first })
    assert.truthy(gone.head:find("Set-Cookie: docmsg_session=; ", 1, true))
    assert.equal(401, ask(site, "GET", "/secret", { first }).code)
    assert.equal(200, ask(site, "GET", "/secret", { second }).code)
    for _, header in ipairs { first, "X: y", "Cookie: docmsg_session=" } do
      assert.equal(204, ask(site, "POST", "/logout", { header }).code)
    end
    assert.equal(200, ask(site, "GET", "/secret", { second }).code)
  end)

  it("has an end", function()
    assert.error_matches(function() guarded { session = "forever" } end, "session: a time with an end expected")
  end)

  it("is over after its time, or when 128 more have come", function()
    local short <close>, login = guarded { session = "300ms" }
    local header = login()
    await(function() return ask(short, "GET", "/secret", { header }).code == 401 end)
    local site <close>, again = guarded {}
    local first = again()
    local second = again()
    for _ = 1, 127 do again() end
    assert.same({ 401, 200 }, { ask(site, "GET", "/secret", { first }).code, ask(site, "GET", "/secret", { second }).code })
  end)
end)

describe("an upload", function()
  local folder, seen

  before_each(function() folder, seen = program.folder(), nil end)
  after_each(function() program.remove(folder) end)

  local function files()
    local names = {}
    for name in program.capture("ls -A " .. folder):gmatch "[^\n]+" do names[#names + 1] = name end
    return names
  end

  local function taking(handler)
    local site = open()
    site:route({ method = "POST", path = "/up",
      upload = { folder = folder, field = "file", extensions = { "txt", "pdf" }, max = 1 << 20 } },
      function(request)
        seen = request:file()
        seen.user = request:field "user"
        return (handler or function() request:keep() return 200, "kept" end)(request)
      end)
    assert(site:start())
    return site
  end

  local function send(site, ...)
    local header, body = client.form(...)
    return ask(site, "POST", "/up", { header }, body)
  end

  it("is stored under a name of its own, with its hash", function()
    local site <close> = taking()
    local content = ("\0\r\n--frontie\xff"):rep(50000)
    assert.equal(200, send(site, client.part("user", "bob"), client.part("file", content, "a b.TXT")).code)
    assert.same({ "a b.TXT", #content, "bob" }, { seen.filename, seen.size, seen.user })
    assert.truthy(seen.name:find "^%x+%-%x+%-4%x+%-%x+%-%x+%.txt$", seen.name)
    assert.same({ seen.name }, files())
    assert.equal(content, program.read(seen.path))
    assert.equal(seen.sha256, program.capture("sha256sum <" .. seen.path):match "^%x+")
    assert.equal("640\n", program.capture("stat -c %a " .. seen.path))
  end)

  it("is gone when the handler does not keep it, fails, or discards it", function()
    for _, handler in ipairs { function() return 200, "" end, function() error "no" end, function(request)
      request:keep()
      assert(request:discard())
      return 200, ""
    end } do
      local site <close> = taking(handler)
      send(site, client.part("file", "text", "a.txt"))
      assert.truthy(seen)
      assert.same({}, files())
    end
  end)

  it("is marked while it is held, so that a later run finds it", function()
    local site <close> = taking(function(request)
      request:hold()
      if request:field "user" then request:keep() end
      return 200, ""
    end)
    send(site, client.part("file", "text", "a.txt"), client.part("user", "bob"))
    assert.same({}, http.held(folder))
    send(site, client.part("file", "text", "a.txt"))
    assert.same({ seen.name }, http.held(folder))
    assert.equal("1640\n", program.capture("stat -c %a " .. seen.path))
    assert.is_true(http.settle(seen.path))
    assert.equal("640\n", program.capture("stat -c %a " .. seen.path))
    assert.same({}, http.held(folder))
    assert.is_nil(http.settle(folder .. "/none"))
    assert.is_nil(http.held(folder .. "/none"))
  end)

  local names = {
    { "../../x.txt", "x.txt" }, { "/abs.txt", "abs.txt" }, { "C:\\dir\\x.txt", "x.txt" }, { "%00.txt", "%00.txt" },
    { "Müller.pdf", "Müller.pdf" }, { ("x"):rep(251) .. ".txt", ("x"):rep(251) .. ".txt" },
    { ("x"):rep(300) .. ".txt", 400, "bad_filename" }, { "a\tb.txt", 400, "bad_filename" },
    { "a\x7f.txt", 400, "bad_filename" }, { "a\u{85}.txt", 400, "bad_filename" }, { "a\u{9f}b.txt", 400, "bad_filename" },
    { "a\u{202e}txt.exe.txt", 400, "bad_filename" }, { "a\u{2066}.txt", 400, "bad_filename" },
    { "a\u{2028}.txt", 400, "bad_filename" }, { "مرحبا\u{200f}.txt", "مرحبا\u{200f}.txt" },
    { "a\u{a0}€‰⁐.txt", "a\u{a0}€‰⁐.txt" }, { "dir/", 400, "bad_filename" }, { "", 400, "no_file" },
    { "a.exe", 415, "unsupported_type" }, { "txt", 415, "unsupported_type" }, { "a.txt.", 415, "unsupported_type" },
    { "..", 415, "unsupported_type" }, { "a\0.txt", 400, "no_file" }, { "a.html", 415, "unsupported_type" },
  }
  for _, case in ipairs(names) do
    it(("of a file %q is called %s"):format(case[1]:sub(1, 20), tostring(case[3] or case[2]):sub(1, 20)), function()
      local site <close> = taking()
      local got = send(site, client.part("file", "text", case[1]))
      if case[3] then
        assert.same({ case[2], case[3] }, { got.code, reason_of(got) })
        assert.same({}, files())
      else
        assert.same({ 200, case[2] }, { got.code, seen.filename })
      end
    end)
  end

  local forms = {
    { "no file", "no_file", client.form(client.part("user", "bob")) },
    { "a field in place of the file", "no_file", client.form(client.part("file", "text")) },
    { "a file in another field", "no_file", client.form(client.part("other", "text", "a.txt")) },
    { "an empty file", "empty_file", client.form(client.part("file", "", "a.txt")) },
    { "two files", "two_files", client.form(client.part("file", "a", "a.txt"), client.part("file", "b", "b.txt")) },
    { "two files, the first of them empty", "two_files",
      client.form(client.part("file", "", "a.txt"), client.part("file", "b", "b.txt")) },
    { "no end", "bad_form", "Content-Type: multipart/form-data; boundary=frontier", client.part("file", "text", "a.txt") },
    { "no boundary", "bad_form", "Content-Type: multipart/form-data", "x" },
    { "no form", "bad_form", "Content-Type: application/json", "{}" },
    { "no type", "bad_form", "X: y", "text" },
    { "another kind of form", "no_file", "Content-Type: application/x-www-form-urlencoded", "file=text" },
    { "too many fields", "bad_form", client.form(client.part("user", "x"):rep(17)) },
    { "a field that is too long", "bad_form", client.form(client.part("user", ("x"):rep(5000))) },
    { "nothing", "no_file", "Content-Type: multipart/form-data; boundary=frontier", "" },
  }
  for _, case in ipairs(forms) do
    it("with " .. case[1] .. " is refused", function()
      local site <close> = taking()
      local got = ask(site, "POST", "/up", { case[3] }, case[4])
      assert.same({ 400, case[2] }, { got.code, reason_of(got) })
      assert.same({}, files())
      assert.is_nil(seen)
    end)
  end

  local function chunked(body, size)
    local chunks = {}
    for at = 1, #body, size do
      local piece = body:sub(at, at + size - 1)
      chunks[#chunks + 1] = ("%x\r\n%s\r\n"):format(#piece, piece)
    end
    return table.concat(chunks) .. "0\r\n\r\n"
  end

  it("may come in chunks", function()
    local site <close> = taking()
    local header, body = client.form(client.part("file", "text", "a.txt"))
    assert.equal(200, ask(site, "POST", "/up", { header, "Transfer-Encoding: chunked" }, chunked(body, 3)).code)
    assert.equal("text", program.read(seen.path))
  end)

  it("is refused when it is larger than it may be, announced or not", function()
    local site <close> = taking()
    local header, body = client.form(client.part("file", ("x"):rep((1 << 20) + 1), "a.txt"))
    for _, got in ipairs { ask(site, "POST", "/up", { header }, body),
                           ask(site, "POST", "/up", { header, "Transfer-Encoding: chunked" }, chunked(body, 60000)),
                           ask(site, "POST", "/up", { header, "Content-Length: 10737418240" }, body),
                           ask(site, "POST", "/up", { header, "Content-Length: 10737418240", "Expect: 100-continue" }) } do
      assert.same({ 413, "too_large" }, { got.code, reason_of(got) })
    end
    await(function() return #files() == 0 end)
    assert.is_nil(seen)
    assert.equal(200, send(site, client.part("file", ("x"):rep(1 << 20), "a.txt")).code)
  end)

  it("is refused without a length, and with one that is not that of the form", function()
    local site <close> = taking()
    local header, body = client.form(client.part("file", "text", "a.txt"))
    local start = "POST /up HTTP/1.1\r\nHost: localhost\r\n" .. header .. "\r\n"
    for _, case in ipairs { { "", "no_file" }, { ("Content-Length: %d\r\n"):format(#body - 5), "bad_form" } } do
      local sending <close> = client.start(address(site), start .. case[1] .. "\r\n" .. body)
      await(function()
        site:step "10ms"
        return not sending:is_running()
      end, "20s")
      local first = sending:stdout():match "^HTTP/1%.1 400 .-({.-}})"
      assert.equal(case[2], first and json.decode(first).error.reason, sending:stdout())
    end
    local long <close> = client.start(address(site), ("%sContent-Length: %d\r\n\r\n%s"):format(start, #body + 9, body))
    assert.is_nil(serve(site, long)) -- the rest never comes: it is idle
    await(function() return #files() == 0 end)
    assert.is_nil(seen)
  end)

  it("leaves nothing behind when the client goes away", function()
    local site <close> = taking()
    local header, body = client.form(client.part("file", ("x"):rep(200000), "a.txt"))
    local request = client.request("POST", "/up", { header, "Content-Length: 900000" }, body)
    local child <close> = client.start(address(site), request, { gone = true })
    serve(site, child)
    await(function() return #files() == 0 and site.server:figures().connections == 0 end)
    assert.is_nil(seen)
  end)

  it("is refused while its folder is gone, and taken when it is back", function()
    local site <close> = taking()
    program.remove(folder)
    local got = send(site, client.part("file", "text", "a.txt"))
    assert.same({ 503, "not_stored" }, { got.code, reason_of(got) })
    os.execute("mkdir " .. folder)
    assert.equal(200, send(site, client.part("file", "text", "a.txt")).code)
  end)

  it("does not follow what is half-written for a day, and removes that", function()
    program.write(folder .. "/.upload-old", "x")
    program.write(folder .. "/.upload-new", "x")
    program.write(folder .. "/kept.txt", "x")
    os.execute(("touch -d '2 days ago' %s/.upload-old %s/kept.txt"):format(folder, folder))
    local site <close> = taking()
    assert.same({ ".upload-new", "kept.txt" }, files())
    site:step(0)
  end)
end)

describe("a site with TLS", function()
  local folder, cert, key

  lazy_setup(function()
    folder = program.folder()
    for _, name in ipairs { "one", "other" } do
      assert(process.run({ "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-subj", "/CN=localhost", "-days", "2", "-keyout", folder .. "/" .. name .. ".key",
        "-out", folder .. "/" .. name .. ".pem" }).ok)
    end
    cert, key = program.read(folder .. "/one.pem"), program.read(folder .. "/one.key")
  end)
  lazy_teardown(function() program.remove(folder) end)

  local function secure()
    local site = open { tls_cert = cert, tls_key = key, token = "s3cret" }
    site:route({ method = "POST", path = "/login", open = true, body = 1 << 20 }, function(request)
      return 200, request:body(), nil, { { "Set-Cookie", site.server:login() }, { "Set-Cookie", request:logout() } }
    end)
    site:route({ method = "POST", path = "/up", open = true,
      upload = { folder = folder, field = "file", extensions = { "txt" }, max = 1 << 20 } },
      function(request) return 200, request:file().sha256 end)
    assert(site:start())
    return site
  end

  local function begin(site, request, ...)
    return process.start { "openssl", "s_client", "-quiet", "-verify_return_error", "-CAfile", folder .. "/one.pem",
      "-connect", address(site), stdin = request, ... }
  end
  local function send(site, ...) return serve(site, begin(site, client.request(...))) end

  it("answers, with a cookie that goes nowhere else", function()
    local site <close> = secure()
    local got = send(site, "POST", "/login", {}, ("text"):rep(1000))
    assert.same({ 200, ("text"):rep(1000) }, { got.code, got.body })
    assert.truthy(got.head:find("docmsg_session=%x+; [^\r]*; Secure\r\n"), got.head)
    assert.truthy(got.head:find("docmsg_session=; [^\r]*; Secure\r\n"), got.head)
  end)

  it("takes an upload, and refuses one that is too large", function()
    local site <close> = secure()
    local header, body = client.form(client.part("file", ("x"):rep(300000), "a.txt"))
    assert.equal(200, send(site, "POST", "/up", { header }, body).code)
    local _, large = client.form(client.part("file", ("x"):rep((1 << 20) + 1), "a.txt"))
    for _, case in ipairs { { header }, { header, "Content-Length: 10737418240", "Expect: 100-continue" } } do
      assert.equal(413, send(site, "POST", "/up", case, #case == 1 and large or nil).code)
    end
    local _, two = client.form(client.part("file", "", "a.txt"), client.part("file", ("x"):rep(200000), "b.txt"))
    local got = send(site, "POST", "/up", { header }, two) -- refused in the middle of its body
    assert.same({ 400, "two_files" }, { got.code, reason_of(got) })
    assert.equal(400, send(site, "POST", "/login", { "Content-Length: 1", "Content-Length: 1" }, "x").code)
  end)

  it("speaks neither plain HTTP nor old TLS", function()
    local site <close> = secure()
    assert.is_nil(client.raw(address(site), client.request("GET", "/login")))
    assert.is_nil(serve(site, begin(site, client.request("GET", "/login"), "-tls1_1")))
    assert.equal(405, send(site, "GET", "/login").code)
  end)

  it("is refused with what is none, or does not belong together", function()
    local other = program.read(folder .. "/other.key")
    local wrong = {
      { "x", key, "the certificate is none" }, { key, key, "the certificate is none" }, { cert, "x", "the key is none" },
      { cert, cert, "the key is none" }, { cert, other, "the key is not the certificate's" },
    }
    for _, case in ipairs(wrong) do
      local server, reason = http.server { address = ":0", tls_cert = case[1], tls_key = case[2] }
      assert.is_nil(server)
      assert.truthy(reason:find(case[3], 1, true), reason)
    end
    assert.error_matches(function() http.server { address = ":0", tls_cert = cert } end, "both expected", 1, true)
  end)
end)

describe("the stream of events", function()
  local function streaming()
    local site = open()
    site:route { method = "GET", path = "/events", stream = true }
    assert(site:start())
    return site
  end

  it("tells all who listen", function()
    local site <close> = streaming()
    local children = {}
    for i = 1, 3 do children[i] = client.start(address(site), client.request("GET", "/events")) end
    for _, child in ipairs(children) do child:await_stdout "event: hello\ndata: {}\n\n" end
    site:tell("news", function(text) return { text = text } end, "a\nb")
    for _, child in ipairs(children) do child:await_stdout 'event: news\r?\ndata: {"text":"a\\nb"}' end
    assert.equal(3, site.server:figures().streams)
    assert.truthy(children[1]:stdout():find("Content-Type: text/event-stream", 1, true))
    site:close()
    for _, child in ipairs(children) do child:wait() end
  end)

  it("makes nothing that nobody listens to", function()
    local site <close> = streaming()
    site:tell("news", function() error "made" end)
  end)

  it("lets go who does not read", function()
    local site <close> = streaming()
    local _ <close> = process.start { "bash", "-c",
      [[exec 3<>"/dev/tcp/127.0.0.1/$1"; printf 'GET /events HTTP/1.1\r\nHost: x\r\n\r\n' >&3; exec sleep 60]], "bash",
      address(site):match "%d+$" }
    await(function() return site.server:figures().streams == 1 end)
    local news = { text = ("x"):rep(60000) }
    await(function()
      site:tell("news", function() return news end)
      return site.server:figures().streams == 0 or site.server:figures().connections == 0
    end, "20s")
  end)

  it("has room for 32", function()
    local site <close> = streaming()
    local script = [[for i in {1..32}; do exec {fd}<>"/dev/tcp/127.0.0.1/$1"
      printf 'GET /events HTTP/1.1\r\nHost: x\r\n\r\n' >&$fd; done; exec sleep 60]]
    local _ <close> = process.start { "bash", "-c", script, "bash", address(site):match "%d+$" }
    await(function() return site.server:figures().streams == 32 end)
    local got = client.get(address(site), "/events")
    assert.same({ 503, "busy" }, { got.code, reason_of(got) })
  end)
end)

describe("http.server", function()
  it("refuses what makes no sense", function()
    local server <close> = assert(http.server { address = ":0" })
    local wrong = {
      { { path = "/" }, "method: a string expected" }, { { method = "GET", path = "x" }, "a path begins with /" },
      { { method = "GET", path = "/", lane = 1 }, "there is no lane 1" },
      { { method = "GET", path = "/", bdy = 1 }, "did you mean" },
      { { method = "GET", path = "/", upload = {} }, "folder: a string expected" },
      { { method = "GET", path = "/", upload = { folder = "/", field = "f" } }, "extensions: a list expected" },
    }
    for _, case in ipairs(wrong) do
      assert.error_matches(function() server:route(case[1]) end, case[2], 1, true)
    end
    assert(server:start())
    assert.error_matches(function() server:route { method = "GET", path = "/" } end, "started already", 1, true)
    assert.error_matches(function() http.server { address = ":0", token = "" } end, "an empty one is none", 1, true)
    server:close()
    assert.error_matches(function() server:wait(0) end, "closed", 1, true)
  end)
end)
