-- SPDX-License-Identifier: MIT
-- A database in a file, for handlers that keep something: SQL with values, rows as tables, and
-- transactions. What SQLite refuses raises, as its error object, so that a handler is run again.
--
--   local db <close> = database.open "data/store.db"
--   db:run("INSERT INTO notes (id, bytes) VALUES (?, ?)", 1, database.blob(bytes))
--   local row = db:row("SELECT count(*) AS count FROM notes")
--   db:transaction(function() … end)
--
-- The file is in WAL mode: readers do not wait for the one who writes. A commit survives the end of the
-- process; that of the machine may take the last ones along. Each Lua state opens its own database.
local sqlite = require "docmsg.sqlite"

local M = {}

M.blob = sqlite.blob

---@class docmsg.Database
---@field private connection docmsg.sqlite.Database
---@field private statements table<string, docmsg.sqlite.Statement> by their SQL
local Database = { __name = "docmsg.Database" }
Database.__index = Database

local SETTINGS <const> = [[
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA foreign_keys = ON;
]]

-- Raises the error object itself.
local function check(result, err)
  if result == nil then error(err, 0) end
  return result
end

---Opens a database, and makes its file when there is none. Raises when that cannot be.
---@param path string
---@param schema? string SQL that makes what is missing
---@return docmsg.Database
function M.open(path, schema)
  local self = setmetatable({ connection = check(sqlite.open(path)), statements = {} }, Database)
  check(self.connection:exec(SETTINGS))
  if schema then self:transaction(function() check(self.connection:exec(schema)) end) end
  return self
end

-- The statement with its values set; compiled at its first use.
local function bound(self, sql, ...)
  local statement = self.statements[sql]
  if not statement then
    statement = check(self.connection:prepare(sql))
    self.statements[sql] = statement
  end
  return check(statement:bind(...))
end

---Runs a statement.
---@param sql string
---@param ... docmsg.sqlite.Value for each "?"
---@return integer changes rows that it inserted, changed or deleted
function Database:run(sql, ...)
  local statement = bound(self, sql, ...)
  while check(statement:step()) do end
  return self.connection:changes()
end

---The first row of a query.
---@param sql string
---@param ... docmsg.sqlite.Value
---@return table<string, any>? row by column; NULL is absent; nil when there is none
function Database:row(sql, ...)
  local statement = bound(self, sql, ...)
  local row = check(statement:step())
  if not row then return nil end
  statement:reset()
  return row
end

---All rows of a query.
---@param sql string
---@param ... docmsg.sqlite.Value
---@return table<string, any>[] rows
function Database:rows(sql, ...)
  local rows = {}
  for row in self:each(sql, ...) do rows[#rows + 1] = row end
  return rows
end

---Iterates over the rows of a query; the same query cannot be used again meanwhile.
---@param sql string
---@param ... docmsg.sqlite.Value
---@return fun(): table<string, any>?
function Database:each(sql, ...)
  local statement = bound(self, sql, ...)
  local over = setmetatable({}, { __close = function() statement:reset() end })
  return function() return check(statement:step()) or nil end, nil, nil, over
end

---Runs a function in a transaction, which nobody else's writing can come between. It is committed when
---the function returns, and rolled back when it raises. One within another is part of it.
---@param body fun(...): ...
---@param ... any for the function
---@return any ... what it returned
function Database:transaction(body, ...)
  local connection = self.connection
  if connection:in_transaction() then return body(...) end
  check(connection:exec "BEGIN IMMEDIATE")
  local _ <close> = setmetatable({}, { __close = function()
    if connection:in_transaction() then check(connection:exec "ROLLBACK") end
  end })
  local results = table.pack(body(...))
  check(connection:exec "COMMIT")
  return table.unpack(results, 1, results.n)
end

---Closes it. Closing twice is fine.
function Database:close()
  self.connection:close()
end

Database.__close = Database.close

return M
