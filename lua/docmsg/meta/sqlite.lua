-- SPDX-License-Identifier: MIT
-- What the C module docmsg.sqlite offers: databases in files. docmsg.database makes their use short.
-- This file is never loaded.
--
-- Misuse raises; what SQLite refuses returns nil and a docmsg.sqlite.Error.
---@meta docmsg.sqlite

---@class docmsg.sqlite
local sqlite = {}

---@class docmsg.sqlite.Error
---@field code integer SQLite's extended result code
---@field name string "BUSY", "CONSTRAINT", "FULL", "CANTOPEN", …; "ERROR" when it has no other
---@field message string

---nil is NULL, true and false are 1 and 0, strings are TEXT. TEXT and BLOB are read as strings.
---@alias docmsg.sqlite.Value nil|boolean|integer|number|string|docmsg.sqlite.Blob

---Bytes that are stored as a BLOB.
---@class docmsg.sqlite.Blob

---@return string version such as "3.40.1"
function sqlite.version() end

---Marks bytes as a BLOB.
---@param bytes string
---@return docmsg.sqlite.Blob
function sqlite.blob(bytes) end

---Opens a database, and makes its file when there is none.
---@param path string ":memory:" is one that goes away
---@param busy_ms? integer how long a statement waits for other connections; default 5000
---@return docmsg.sqlite.Database? database
---@return docmsg.sqlite.Error? err
function sqlite.open(path, busy_ms) end

---A connection. It belongs to the Lua state that opened it.
---@class docmsg.sqlite.Database
local database = {}

---Runs statements that give no rows.
---@param sql string
---@return true? done
---@return docmsg.sqlite.Error? err
function database:exec(sql) end

---Compiles one statement.
---@param sql string
---@return docmsg.sqlite.Statement? statement
---@return docmsg.sqlite.Error? err
function database:prepare(sql) end

---@return integer rows that the last statement inserted, changed or deleted
function database:changes() end

---@return boolean
function database:in_transaction() end

---Closes it and its statements; an open transaction is rolled back. Closing twice is fine.
function database:close() end

---@class docmsg.sqlite.Statement
local statement = {}

---Sets all parameters, in order, and begins anew.
---@param ... docmsg.sqlite.Value
---@return docmsg.sqlite.Statement? self
---@return docmsg.sqlite.Error? err
function statement:bind(...) end

---@return table<string, any>|false|nil row by column; NULL is absent; false: no more
---@return docmsg.sqlite.Error? err
function statement:step() end

---Ends a reading that did not go to the last row: it would keep the file from being cleaned up.
function statement:reset() end

---Frees it. Closing twice is fine.
function statement:close() end

return sqlite
