-- SPDX-License-Identifier: MIT
-- A real Chromium without a window, led by chromedriver in WebDriver's words (HTTP and JSON).
--
--   local browser <close> = browser.start()
--   browser:open("http://127.0.0.1:8001/")
--   browser:drop("body", { "/tmp/report.md" })
--   browser:await_text("#documents", "report%.md")
--
-- It reaches this machine's loopback and nothing else, so a page that needs the internet fails.
local await = require "support.await"
local json = require "docmsg.json"
local process = require "support.process"
local program = require "support.program"

local M = {}

-- The key under which WebDriver names an element.
local ELEMENT <const> = "element-6066-11e4-a52e-4f735466cecf"

local CAPABILITIES <const> = { capabilities = { alwaysMatch = {
  ["goog:chromeOptions"] = { args = {
    "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--window-size=1100,1000",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
  } },
  ["goog:loggingPrefs"] = { browser = "ALL" },
} } }

---@class support.Browser
---@field private driver support.Process
---@field private address string
---@field private session? string
local Browser = { __name = "support.Browser" }
Browser.__index = Browser

---@param self support.Browser
---@param method string
---@param path string
---@param body? table
---@return any value
local function request(self, method, path, body)
  local answer = process.run { "curl", "--silent", "--show-error", "--request", method, "--write-out", "\n%{http_code}",
    "--header", "Content-Type: application/json", "--data-binary", "@-", "http://" .. self.address .. path,
    stdin = body and assert(json.encode(body)) or "" }
  assert(answer.ok, answer.stderr)
  local text, code = answer.stdout:match "^(.*)\n(%d+)$"
  local value = assert(json.decode(text)).value
  if code ~= "200" then error(("%s %s: %s: %s"):format(method, path, value.error, value.message), 0) end
  return value
end

-- A command to the session.
---@param self support.Browser
local function command(self, method, path, body)
  return request(self, method, ("/session/%s%s"):format(self.session, path), body)
end

---Starts one.
---@return support.Browser
function M.start()
  local driver = process.start { "chromedriver", "--port=0", limit = 300 }
  local port = driver:await_stdout "successfully on port (%d+)"
  local self = setmetatable({ driver = driver, address = "127.0.0.1:" .. port }, Browser)
  local ok, session = pcall(request, self, "POST", "/session", CAPABILITIES)
  if not ok then
    self:close()
    error(session, 0)
  end
  self.session = session.sessionId
  return self
end

---@param url string
function Browser:open(url)
  command(self, "POST", "/url", { url = url })
end

---Runs JavaScript in the page: the body of a function.
---@param code string
---@param ... any its `arguments`
---@return any
function Browser:script(code, ...)
  return command(self, "POST", "/execute/sync", { script = code, args = json.array { ... } })
end

---Speaks Chromium's own protocol.
---@param method string
---@param parameters table
---@return table
function Browser:devtools(method, parameters)
  return command(self, "POST", "/goog/cdp/execute", { cmd = method, params = parameters })
end

---@param selector string CSS
---@return string element
function Browser:find(selector)
  return command(self, "POST", "/element", { using = "css selector", value = selector })[ELEMENT]
end

---What a reader sees of an element.
---@param selector string CSS
---@return string
function Browser:text(selector)
  return command(self, "GET", ("/element/%s/text"):format(self:find(selector)))
end

---Waits until an element's text has the pattern.
---@param selector string CSS
---@param pattern string
---@param timeout? string
---@return string ... the captures
function Browser:await_text(selector, pattern, timeout)
  return await(function()
    local ok, text = pcall(self.text, self, selector)
    if ok and text:find(pattern) then return text:match(pattern) end
  end, timeout, ("'%s' in %s"):format(pattern, selector))
end

---What a screen reader says of an element: its role, and its name.
---@param selector string CSS
---@return string role
---@return string name
function Browser:heard(selector)
  local element = self:find(selector)
  return command(self, "GET", ("/element/%s/computedrole"):format(element)),
    command(self, "GET", ("/element/%s/computedlabel"):format(element))
end

---Types into an element; a file's path, in a field for files.
---@param selector string CSS
---@param text string
function Browser:type(selector, text)
  command(self, "POST", ("/element/%s/value"):format(self:find(selector)), { text = text })
end

---Presses keys, wherever the focus is.
---@param ... string WebDriver's names of keys, as characters
function Browser:press(...)
  local actions = {}
  for _, key in ipairs { ... } do
    actions[#actions + 1] = { type = "keyDown", value = key }
    actions[#actions + 1] = { type = "keyUp", value = key }
  end
  command(self, "POST", "/actions", { actions = { { type = "key", id = "keyboard", actions = actions } } })
end

---Drops files on an element, as from a file manager.
---@param selector string CSS
---@param paths string[] absolute
function Browser:drop(selector, paths)
  local x, y = table.unpack(self:script([[
    const box = document.querySelector(arguments[0]).getBoundingClientRect();
    return [box.x + box.width / 2, box.y + Math.min(box.height / 2, 50)];]], selector))
  local data = { items = json.array {}, files = paths, dragOperationsMask = 1 }
  for _, event in ipairs { "dragEnter", "dragOver", "drop" } do
    self:devtools("Input.dispatchDragEvent", { type = event, x = x, y = y, data = data })
  end
end

---What the page's console has said since it was asked last, what was blocked included.
---@return {level: string, message: string}[]
function Browser:console()
  return command(self, "POST", "/se/log", { type = "browser" })
end

---Keeps a picture of the page.
---@param path string ends with .png
function Browser:screenshot(path)
  local decoded = process.run { "base64", "-d", stdin = command(self, "GET", "/screenshot") }
  assert(decoded.ok, decoded.stderr)
  program.write(path, decoded.stdout)
end

---Ends it.
function Browser:close()
  if self.session then pcall(command, self, "DELETE", "") end
  self.driver:kill "TERM"
  self.driver:wait()
end

Browser.__close = Browser.close

return M
