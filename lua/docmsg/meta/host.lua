-- SPDX-License-Identifier: MIT
-- What the program docmsg-lua gives its command line. Scripts use `require "docmsg"` instead.
-- This file is never loaded.
---@meta docmsg.host

---@class docmsg.host
---@field version string of docmsg-lua
---@field lua string "Lua 5.4.4"
---@field share string the folder that holds lua/ and scripts/
---@field getenv fun(name: string): string? an environment variable, also from .env
local host = {}

---Calls a function so that SIGINT, SIGTERM and a closed output pipe interrupt it.
---@param f function
---@param ... any its arguments
---@return boolean ok
---@return any ... its results; or the error value, its traceback (nil when it was interrupted) and the signal's number
function host.call(f, ...) end

---Calls a function as `call` does, beside a line that is being read or is to be: a signal that interrupts it
---ends the reading, too.
---@param f function
---@param ... any its arguments
---@return boolean ok
---@return any ... as of `call`
function host.aside(f, ...) end

---What kind of thing a path names.
---@param path string
---@return "file"|"folder"|"other"? kind
---@return string? reason
---@return integer? errno
function host.stat(path) end

---@param fd integer
---@return boolean terminal
function host.isatty(fd) end

---The process's environment.
---@return table<string, string>
function host.environment() end

---Rebuilds package.path and package.cpath without LUA_PATH and LUA_CPATH.
function host.ignore_environment() end

---@return number seconds of a clock that never goes back
function host.now() end

---How many processors the program may use.
---@return integer
function host.cores() end

---What tells one state of a file from another.
---@param path string
---@return string? fingerprint
---@return string? reason
---@return integer? errno
function host.fingerprint(path) end

---@return boolean came has a SIGHUP come since the last call, while listening?
function host.hangup() end

---Lets signals be asked for with `signal` instead of raising them. A second one ends the program.
---@param on boolean false forgets the signal that came
---@param hangup? boolean SIGHUP, too, is asked for, with `hangup`
function host.listen(on, hangup) end

---@return integer? number of the signal that came while listening
function host.signal() end

---Opens the module docmsg.runtime.
---@return docmsg.runtime
function host.open_runtime() end

---The environment, with what .env sets.
---@return table<string, string>
function host.variables() end

---Opens the module docmsg.kafka, as it is.
---@return docmsg.kafka
function host.open_kafka() end

---Appends to a file that only its owner may read; its folders are made. One write.
---@param path string
---@param text string
---@return boolean? ok
---@return string? reason
---@return integer? errno
function host.append(path, text) end

---A Lua function that runs on a thread of its own.
---@class docmsg.Background
local background = {}

---Lets the function of a state, which may return a string, run now, and each time that it is woken.
---At the end it is called with true. The state is its own from now on.
---@param state docmsg.WorkerState
---@param run_ms? integer a run that takes longer is cut off by the next `wake` or `take`; default 30000
---@return docmsg.Background? background
---@return string? reason
function host.background(state, run_ms) end

---Lets it run again, a second after its last end at the earliest.
function background:wake() end

---@return string? text what the newest run has returned; nil when that was taken, or none has
function background:take() end

---Cuts off what runs, and ends.
function background:close() end

---@class docmsg.Editor
local editor = {}

---A source of lines.
---@param editing boolean with cursor keys and history, where the terminal can
---@return docmsg.Editor
function host.editor(editing) end

---Reads a line.
---@param prompt string what stands between two "\1" takes no room on the screen
---@return string? line without its newline; nil at the end of the input
---@return integer? signal that ended the reading
function editor:read(prompt) end

---Says what TAB does with the line up to the cursor.
---@param complete fun(line: string): string?, string? what to insert, or else what to show
function editor:completer(complete) end

---Says what goes on while a line is awaited, some ten times a second where lines are edited.
---@param idle fun(): string? what to print above the line that is typed
function editor:idler(idle) end

---Lets the arrow keys find an entry.
---@param entry string
function editor:remember(entry) end

return host
