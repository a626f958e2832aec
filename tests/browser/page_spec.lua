-- SPDX-License-Identifier: MIT
-- The gateway's page in a real Chromium, with the real gateway, pipeline and Apache Kafka behind it.
-- Pictures of it are kept in browser/ of the build folder.
local await = require "support.await"
local browser = require "support.browser"
local json = require "docmsg.json"
local own_workflow = require "support.own_workflow"
local process = require "support.process"
local program = require "support.program"
local script = require "support.script"

local PICTURES <const> = process.program:match "^(.*)/bin/[^/]*$" .. "/browser"
local TAB <const>, ENTER <const> = "\u{E004}", "\u{E007}"
local STAGES <const> = { "received", "initialized", "chunked", "embedded", "searchable", "fields found",
                         "agents chosen", "tasks given", "extracted" }

-- The contrast of the text that a selector finds, as WCAG counts it.
local CONTRAST <const> = [[
  const channel = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const numbers = (color) => color.match(/[\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = numbers(color).map(channel);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const back = (element) => {
    const color = getComputedStyle(element).backgroundColor;
    return numbers(color)[3] === 0 ? back(element.parentElement) : color;
  };
  return [...document.querySelectorAll(arguments[0])].filter((element) => element.checkVisibility())
    .map((element) => {
      const [a, b] = [light(getComputedStyle(element).color), light(back(element))];
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    });]]

-- The page with a gateway that says what a spec wants, by `answer` and `tell`, and is unsure of each upload.
local SCRIPTED <const> = [[
  const real = window.fetch, waiting = {};
  window.answer = (path, status, body) => waiting[path].shift()(new Response(JSON.stringify(body), { status }));
  window.asked = (path) => waiting[path]?.length ?? 0;
  window.fetch = (path, options) => {
    if (path === "/api/v1/session" || path === "/api/v1/consumers") return real(path, options);
    return new Promise((resolve) => (waiting[path] ??= []).push(resolve));
  };
  window.EventSource = class extends EventTarget {
    constructor() { super(); window.stream = this; }
    close() {}
  };
  window.tell = (name, data) => stream.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
  window.XMLHttpRequest = class {
    upload = {};
    open() {}
    send() {
      this.status = 503;
      this.responseText = '{"error": {"code": 503, "reason": "possibly_persisted", "message": "no"}, "document_id": "D"}';
      setTimeout(() => this.onload());
    }
  };
  const setReal = window.setTimeout;
  window.setTimeout = (call, ms, ...more) => setReal(call, ms === 5000 ? 50 : ms, ...more);]]

describe("the page in Chromium", function()
  local own, servers, url, page, folder

  lazy_setup(function()
    assert(process.run({ "mkdir", "-p", PICTURES }).ok)
    own = own_workflow.new()
    local places = own:expect()
    servers, url = places:match "KAFKA_BOOTSTRAP_SERVERS=(%S+)", places:match "DOCMSG_GATEWAY=(%S+)"
  end)
  lazy_teardown(function() own:close() end)

  before_each(function()
    folder = program.folder()
    page = browser.start()
    page:open(url)
    page:await_text("#connection", "^live$")
  end)
  after_each(function()
    page:close()
    program.remove(folder)
  end)

  local function file(name, content)
    program.write(folder .. "/" .. name, content)
    return folder .. "/" .. name
  end

  -- The row of a document, by its name: its state, and its text.
  local function row(name)
    return table.unpack(page:script([[
      const row = [...document.querySelectorAll(".document")].find((row) => row.querySelector(".name").textContent === arguments[0]);
      return row ? [row.dataset.state, row.innerText] : [];]], name))
  end

  local function await_row(name, state)
    return await(function()
      local now, text = row(name)
      return now == state and text
    end, "60s", ("%s to be %s"):format(name, state))
  end

  -- Console messages, without what the browser says of each answer that is no success.
  local function complaints()
    local found = {}
    for _, entry in ipairs(page:console()) do
      if entry.level == "SEVERE" and not entry.message:find "Failed to load resource" then found[#found + 1] = entry.message end
    end
    return found
  end

  it("shows the stages of files that are dropped and chosen, and why others are rejected", function()
    local name = "<img src=x onerror=document.title='broken'> & 'so'.txt"
    page:drop("body", { file("report.md", "Invoice 17 of ACME\n"), file("program.exe", "MZ"), file("empty.txt", "") })
    page:type("#files", file(name, "a text\n")) -- as the file picker does
    assert.matches("rejected: files of this type are not taken", await_row("program.exe", "rejected"))
    assert.matches("rejected: .*empty", await_row("empty.txt", "rejected"))
    local text = await_row("report.md", "completed")
    for _, stage in ipairs(STAGES) do assert.matches(stage .. "[^\n]*\n?, passed", text) end
    assert.matches("📄 Document filename: report.md\n", own:log "pipeline", 1, true)
    await_row(name, "completed")
    assert.equal("Document workflow", page:script "return document.title")
    assert.equal(0, page:script "return document.querySelectorAll('#documents img').length")
    assert.matches(name .. ": completed after ", page:script "return document.getElementById('news').textContent", 1, true)
    page:screenshot(PICTURES .. "/page.png")
    assert.same({}, complaints())
  end)

  local LIST <const> = "/api/v1/documents?limit=200"

  -- Opens the page with what SCRIPTED makes, and waits until it asks for all documents.
  local function open_scripted()
    page:devtools("Page.addScriptToEvaluateOnNewDocument", { source = SCRIPTED })
    page:open(url)
    await(function() return page:script "return window.stream !== undefined" end)
    page:script "tell('hello', {})"
    await(function() return page:script("return asked(arguments[0])", LIST) == 1 end)
  end

  local function about(status)
    return { document_id = "D", filename = "d.md", file_size = 4, status = status, stages = json.array {} }
  end

  local function answer_list(...)
    page:script("answer(arguments[0], 200, arguments[1])", LIST, { documents = json.array { ... }, complete = true })
  end

  it("asks for all documents once at a time, and loses nothing that comes meanwhile", function()
    open_scripted()
    page:script("tell('hello', {}); tell('document', arguments[0])", about "processing")
    assert.equal(1, page:script("return asked(arguments[0])", LIST))
    answer_list(about "received")
    await_row("d.md", "processing")
    await(function() return page:script("return asked(arguments[0])", LIST) == 1 end)
    page:script("tell('document', arguments[0])", about "failed")
    answer_list(about "processing")
    await_row("d.md", "failed")
    assert.same({}, complaints())
  end)

  it("is unsure of a document that Kafka may have, until its event comes, or there surely is none", function()
    open_scripted()
    answer_list()
    page:await_text("#connection", "^live$")
    page:drop("body", { file("d.md", "text") })
    await_row("d.md", "unsure")
    local asked = "/api/v1/status/D"
    await(function() return page:script("return asked(arguments[0])", asked) == 1 end)
    page:script("answer(arguments[0], 404, {error: {reason: 'unsure', message: 'no'}})", asked)
    await(function() return page:script("return asked(arguments[0])", asked) == 1 end)
    page:script("tell('document', arguments[0])", about "received")
    await_row("d.md", "received")
    assert.equal(1, page:script "return document.querySelectorAll('.document').length")

    page:open(url)
    await(function() return page:script "return window.stream !== undefined" end)
    page:drop("body", { file("d.md", "text") })
    await_row("d.md", "unsure")
    await(function() return page:script("return asked(arguments[0])", asked) == 1 end)
    page:script("answer(arguments[0], 404, {error: {reason: 'unknown_document', message: 'no'}})", asked)
    assert.matches("rejected: no event of it was seen", await_row("d.md", "rejected"), 1, true)
    assert.same({}, complaints())
  end)

  it("says that what happened before is still being read", function()
    open_scripted()
    page:script("answer(arguments[0], 200, {documents: [], complete: false})", LIST)
    page:await_text("#connection", "reading what happened before")
  end)

  it("can be heard, used by keyboard, and read in the light and in the dark", function()
    page:drop("body", { file("light.md", "a text\n"), file("dark.exe", "MZ") })
    await_row("light.md", "completed")
    await_row("dark.exe", "rejected")
    assert.same({ "log", "News" }, { page:heard "#news" })
    assert.same({ "status", "" }, { page:heard "#connection" })
    assert.same({ "list", "Stages" }, { page:heard ".stages" })
    assert.matches("^Drop files anywhere on this page", (select(2, page:heard "#files")))

    local backs = {}
    for _, scheme in ipairs { "light", "dark" } do
      page:devtools("Emulation.setEmulatedMedia", { features = { { name = "prefers-color-scheme", value = scheme } } })
      backs[scheme] = page:script "return getComputedStyle(document.body).backgroundColor"
      local contrasts = page:script(CONTRAST, "h1, h2, h3, p, a, .about, .stage, .stage small, th, td")
      assert.is_true(#contrasts > 20)
      for _, contrast in ipairs(contrasts) do
        assert.is_true(contrast >= 4.5, ("a contrast of %.2f in the %s"):format(contrast, scheme))
      end
      page:screenshot(("%s/%s.png"):format(PICTURES, scheme))
    end
    assert.not_equal(backs.light, backs.dark)

    local function focused() return page:script "return document.activeElement.id || document.activeElement.className" end
    local function on_its_way(...)
      for _, element in ipairs { ... } do
        page:press(TAB)
        assert.equal(element, focused())
        assert.not_equal("none", page:script "return getComputedStyle(document.activeElement).outlineStyle")
      end
    end
    on_its_way "skip"
    page:press(ENTER)
    assert.equal("documents", focused())
    page:open(url)
    page:await_text("#connection", "^live$")
    on_its_way("skip", "kafdrop", "files")
    assert.equal(own.env.DOCMSG_KAFDROP_URL, page:script "return document.getElementById('kafdrop').href")
  end)

  it("shows how far consumers are, and what they could not handle", function()
    assert.same({ "table", "Consumers" }, { page:heard "table" })
    for _, group in ipairs { "extraction", "query", "rag" } do
      page:await_text("#consumers", group .. "_consumer_group %w+ 0 0\n?")
    end
    page:await_text("#consumers", "document_consumer_group %w+ 0 0\n")
    page:drop("body", { file("picture.png", "no text in it") })
    assert.matches("failed in document_consumer_group: ", await_row("picture.png", "failed"), 1, true)
    page:await_text("#consumers", "document_consumer_group %w+ 0 1\n")
  end)

  it("goes on when the gateway was away, and shows what happened meanwhile", function()
    local gateway = own:pid "gateway"
    process.run { "kill", tostring(gateway) }
    await(function() return not process.is_running(gateway) end)
    page:await_text("#connection", "does not answer")
    page:drop("body", { file("early.md", "too early\n") })
    assert.matches("unsure: the connection was lost", await_row("early.md", "unsure"), 1, true)
    local sent = script.run({ "send_document.lua", file("meanwhile.md", "sent by another way\n") },
      { servers = servers, env = { DOCMSG_DATA_DIR = own.env.DOCMSG_DATA_DIR } })
    assert.equal(0, sent.code, sent.stderr)
    own:expect()
    page:await_text("#connection", "^live$")
    await_row("meanwhile.md", "completed")
  end)

  it("asks for the token of a gateway that has one", function()
    local token = file("token", "open-sesame-of-the-gateway\n")
    local gateway <close> = process.start { process.program, "gateway", "--port", "0", "--token-file", token, limit = 120,
      env = { KAFKA_BOOTSTRAP_SERVERS = servers, DOCMSG_DATA_DIR = own.env.DOCMSG_DATA_DIR } }
    page:open(gateway:await_stderr "(http://127.0.0.1:%d+)")
    page:await_text("#connection", "waiting for the token")
    assert.equal("token", page:script "return document.activeElement.id")
    page:type("#token", "open-barley" .. ENTER)
    page:await_text("#login-problem", "token")
    page:type("#token", "open-sesame-of-the-gateway" .. ENTER) -- over what was wrong
    page:await_text("#connection", "^live$")
    page:drop("body", { file("secret.md", "for those who know\n") })
    await_row("secret.md", "completed")
    page:script "document.getElementById('logout').click()"
    page:await_text("#connection", "waiting for the token")
    gateway:kill "TERM"
    assert.equal(0, gateway:wait().code)
  end)
end)
