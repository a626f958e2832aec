-- SPDX-License-Identifier: MIT
-- A person at a terminal: runs a command in a tmux of its own, types, and waits for what appears.
local program = require "support.program"

---@class docmsg.test.Terminal
---@field private socket string
local Terminal = {}
Terminal.__index = Terminal
Terminal.__name = "docmsg.test.Terminal"

local M = {}

local count = 0

---@param command string run by a shell
---@param columns? integer default 100
---@return docmsg.test.Terminal
function M.open(command, columns)
  count = count + 1
  local socket = ("docmsg-test-%s-%d"):format(program.capture("echo $PPID"):gsub("%s", ""), count)
  local terminal = setmetatable({ socket = socket }, Terminal)
  terminal:tmux("new-session -d -x %d -y 40 %s", columns or 100,
    program.quote("timeout --foreground 120 sh -c " .. program.quote("trap : INT; (" .. command .. "); echo exit=$?; exec cat")))
  return terminal
end

---@param format string
---@return string output
function Terminal:tmux(format, ...)
  local arguments = format:format(...)
  return program.capture(("LC_ALL=C.UTF-8 tmux -L %s -f /dev/null %s 2>&1"):format(self.socket, arguments))
end

---What is on the screen.
---@return string
function Terminal:screen()
  return (self:tmux("capture-pane -p -J"):gsub("\n+$", ""))
end

---Types keys by tmux's names: "C-c", "Enter", "Up".
function Terminal:press(...)
  self:tmux("send-keys %s", table.concat({ ... }, " "))
end

---Types a line and Enter.
---@param text string
function Terminal:enter(text)
  self:tmux("send-keys -l -- %s", program.quote(text))
  self:press("Enter")
end

---Waits until a Lua pattern is on the screen.
---@param pattern string
---@param seconds? integer default 10
---@return string screen
function Terminal:await(pattern, seconds)
  seconds = seconds or 10
  local deadline = os.time() + seconds
  repeat
    local screen = self:screen()
    if screen:find(pattern) then
      return screen
    end
  until os.time() > deadline
  error(("%q did not appear in %d s on the screen:\n%s"):format(pattern, seconds, self:screen()), 2)
end

function Terminal:close()
  self:tmux("kill-server")
end

Terminal.__close = Terminal.close

return M
