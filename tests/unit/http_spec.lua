-- SPDX-License-Identifier: MIT
local await = require "support.await"
local client = require "support.http"
local http = require "docmsg.http"
local kafka = require "docmsg.kafka"

local PLAIN <const> = "text/plain; charset=utf-8"

local function start()
  local server = assert(http.status { address = ":0" })
  server:set("/page", 200, PLAIN, "hello\n")
  return server
end

describe("the status server", function()
  it("answers with the text that was set last", function()
    local server <close> = start()
    local first = client.get(server:address(), "/page")
    assert.equal(200, first.code)
    assert.equal("hello\n", first.body)
    assert.truthy(first.head:find("Content-Type: " .. PLAIN, 1, true), first.head)
    assert.truthy(first.head:find("Cache-Control: no-store", 1, true))
    server:set("/page", 503, "text/html", "")
    local second = client.get(server:address(), "/page")
    assert.same({ 503, "" }, { second.code, second.body })
    assert.truthy(second.head:find("Content-Type: text/html", 1, true))
  end)

  it("keeps bytes as they are", function()
    local server <close> = start()
    local bytes = ("\0\1\xff\r\n"):rep(1000)
    server:set("/bytes", 200, "application/octet-stream", bytes)
    assert.equal(bytes, client.get(server:address(), "/bytes").body)
  end)

  it("answers HEAD without a body", function()
    local server <close> = start()
    local response = client.get(server:address(), "/page", "HEAD")
    assert.same({ 200, "" }, { response.code, response.body })
    assert.truthy(response.head:find("Content-Length: 6", 1, true))
  end)

  it("says 503 when a text has not been set again in time", function()
    local server <close> = start()
    server:set("/short", 200, PLAIN, "ok\n", "1ms")
    server:set("/long", 200, PLAIN, "ok\n", "1h")
    await(function() return client.get(server:address(), "/short").code == 503 end)
    assert.equal(200, client.get(server:address(), "/long").code)
    server:set("/short", 200, PLAIN, "ok\n")
    assert.equal(200, client.get(server:address(), "/short").code)
  end)

  local refused = {
    { "another path", "GET /pages HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404 },
    { "another method", "POST /page HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", 405 },
    { "a method nobody knows", "BREW /page HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405 },
    { "a body", "GET /page HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", 413 },
    { "a body in chunks", "GET /page HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", 413 },
  }
  for _, case in ipairs(refused) do
    it("refuses " .. case[1], function()
      local server <close> = start()
      assert.equal(case[3], client.raw(server:address(), case[2]).code)
      assert.equal(200, client.get(server:address(), "/page").code)
    end)
  end

  it("cuts off a head that is too long", function()
    local server <close> = start()
    local request = "GET /page HTTP/1.1\r\nHost: x\r\nX: " .. ("x"):rep(20000) .. "\r\n\r\n"
    local response = client.raw(server:address(), request) -- which may get lost: the rest is not read
    assert.truthy(not response or response.code == 431)
    assert.equal(200, client.get(server:address(), "/page").code)
  end)

  it("answers at once to a body without end", function()
    local server <close> = start()
    local endless = "POST /page HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n" .. ("x"):rep(100000)
    assert.equal(405, client.raw(server:address(), endless).code)
    assert.equal(200, client.get(server:address(), "/page").code)
  end)

  it("answers many clients at the same time, and those that say nothing hinder nobody", function()
    local server <close> = start()
    local script = [[for i in {1..40}; do exec {fd}<>"/dev/tcp/127.0.0.1/$1"; done; echo ready; exec sleep 60]]
    local process <close> = require("support.process").start {
      "bash", "-c", script, "bash", server:address():match("%d+$") }
    process:await_stdout("ready")
    for _ = 1, 10 do assert.equal(200, client.get(server:address(), "/page").code) end
  end)

  it("closes with connections open, and is counted until then", function()
    local before = kafka.live().clients
    local server = start()
    assert.equal(before + 1, kafka.live().clients)
    local process <close> = require("support.process").start { "bash", "-c",
      [[exec 3<>"/dev/tcp/127.0.0.1/$1"; echo ready; cat <&3; echo closed]], "bash", server:address():match("%d+$") }
    process:await_stdout("ready")
    server:close()
    process:await_stdout("closed")
    assert.equal(before, kafka.live().clients)
    server:close()
    assert.error_matches(function() server:set("/page", 200, PLAIN, "") end, "closed")
  end)
end)

describe("http.status", function()
  for _, address in ipairs { ":0", "127.0.0.1:0", "localhost:0", "[::1]:0", "127.1.2.3:0" } do
    it("listens at " .. address, function()
      local server, reason = http.status { address = address }
      if not server and address == "[::1]:0" then return assert.truthy(reason:find("[::1]:0: ", 1, true)) end
      local _ <close> = assert(server, reason)
      assert.truthy(server:address():find(":%d+$"))
    end)
  end

  local wrong = {
    { "9464", "host:port or :port expected" },
    { ":", "host:port or :port expected" },
    { ":http", "host:port or :port expected" },
    { ":65536", "host:port or :port expected" },
    { ":-1", "host:port or :port expected" },
    { "::1:9464", "host:port or :port expected" },
    { "[::1:9464", "host:port or :port expected" },
    { "", "host:port or :port expected" },
    { "no.such.host.invalid:0", "no.such.host.invalid:0: " },
    { "0.0.0.0:0", "reached from other machines" },
    { "[::]:0", "reached from other machines" },
  }
  for _, case in ipairs(wrong) do
    it(("refuses %q"):format(case[1]), function()
      local server, reason = http.status { address = case[1] }
      assert.is_nil(server)
      assert.truthy(reason:find(case[2], 1, true), reason)
    end)
  end

  it("listens for other machines when it is asked to", function()
    local server <close> = assert(http.status { address = "0.0.0.0:0", public = true })
    assert.truthy(server:address():find("^0%.0%.0%.0:%d+$"))
  end)

  it("says that an address is taken", function()
    local server <close> = start()
    local second, reason = http.status { address = server:address() }
    assert.is_nil(second)
    assert.equal(server:address() .. ": Address already in use", reason)
  end)

  it("refuses what makes no sense", function()
    local server <close> = start()
    assert.error_matches(function() http.status {} end, "address: a string expected")
    assert.error_matches(function() http.status { adress = ":0" } end, "did you mean")
    assert.error_matches(function() server:set("page", 200, PLAIN, "") end, "a path begins with /")
    assert.error_matches(function() server:set("/page", 100, PLAIN, "") end, "200 to 599")
    for i = 1, 15 do server:set("/page" .. i, 200, PLAIN, "") end
    assert.error_matches(function() server:set("/one-more", 200, PLAIN, "") end, "no room for /one%-more")
  end)
end)
