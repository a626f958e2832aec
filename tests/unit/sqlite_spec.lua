-- SPDX-License-Identifier: MIT
local database = require "docmsg.database"
local program = require "support.program"
local random = require "support.random"
local sqlite = require "docmsg.sqlite"

-- A folder that goes away with its scope.
local function scratch()
  local folder = program.folder()
  return setmetatable({ path = folder .. "/store.db" }, { __close = function() program.remove(folder) end })
end

local function memory(schema)
  return database.open(":memory:", schema)
end

describe("docmsg.sqlite", function()
  it("keeps every value as it was", function()
    local db <close> = memory "CREATE TABLE t (v)"
    local values = {
      0, 1, -1, math.maxinteger, math.mininteger, 0x100000000, 1.5, -0.25, 0x1p-1074, 1e308, "", "a",
      "a\0b", "ü€😀", ("x"):rep(100000), "\xFF\xFE",
    }
    for _, value in ipairs(values) do
      assert.same({ v = value }, db:row("SELECT ? AS v", value))
      assert.equal(math.type(value), math.type(db:row("SELECT ? AS v", value).v))
    end
    assert.same({}, db:row("SELECT ? AS v", nil))
    assert.same({ v = 1, w = 0 }, db:row("SELECT ? AS v, ? AS w", true, false))
    assert.same({ v = "text", w = "blob", x = 0 }, db:row(
      "SELECT typeof(?) AS v, typeof(?) AS w, length(?) AS x", "a", database.blob "a\0b", database.blob ""))
    assert.equal("a\0b", db:row("SELECT ? AS v", database.blob "a\0b").v)
  end)

  it("keeps random bytes and integers of 64 bits in a file", function()
    local folder <close> = scratch()
    local seed = os.time()
    local rng = random.new(seed)
    local kept = {}
    do
      local db <close> = database.open(folder.path, "CREATE TABLE t (id INTEGER PRIMARY KEY, bytes BLOB)")
      for _ = 1, 300 do
        local id, bytes = rng:integer(), rng:text()
        kept[id] = bytes
        db:run("INSERT OR REPLACE INTO t VALUES (?, ?)", id, database.blob(bytes))
      end
    end
    local db <close> = database.open(folder.path)
    for id, bytes in pairs(kept) do
      local row = db:row("SELECT bytes FROM t WHERE id = ?", id)
      assert(row and row.bytes == bytes, ("seed %d: %d"):format(seed, id))
    end
  end)

  it("says what SQLite refuses, by name", function()
    local db <close> = assert(sqlite.open ":memory:")
    assert(db:exec "CREATE TABLE t (v INTEGER PRIMARY KEY)")
    local insert = assert(db:prepare "INSERT INTO t VALUES (?)")
    assert(insert:bind(1))
    assert.is_false(insert:step())
    assert.equal(1, db:changes())
    assert(insert:bind(1))
    local row, err = insert:step()
    assert.is_nil(row)
    assert.equal("CONSTRAINT", err.name)
    assert.matches("UNIQUE constraint failed: t.v %(CONSTRAINT%)$", tostring(err))
    assert(insert:bind(2), "it can be used again")
    assert.is_false(insert:step())
    local statement, wrong = db:prepare "SELEC 1"
    assert.is_nil(statement)
    assert.matches("near \"SELEC\": syntax error %(ERROR%)$", tostring(wrong))
    local none, unopened = sqlite.open "/nowhere/at/all.db"
    assert.is_nil(none)
    assert.equal("CANTOPEN", unopened.name)
    assert.matches("^/nowhere/at/all.db: ", unopened.message)
  end)

  it("refuses misuse", function()
    local db <close> = assert(sqlite.open ":memory:")
    local select = assert(db:prepare "SELECT ? AS v")
    assert.error_matches(function() select:bind() end, "bind: 1 values expected, not 0")
    assert.error_matches(function() select:bind(1, 2) end, "bind: 1 values expected, not 2")
    assert.error_matches(function() select:bind(0 / 0) end, "SQLite has no NaN")
    assert.error_matches(function() select:bind {} end, "nil, a boolean, a number, a string or a blob expected")
    assert.error_matches(function() db:prepare "SELECT 1; SELECT 2" end, "exactly one statement expected")
    assert.error_matches(function() db:prepare "" end, "exactly one statement expected")
    assert.error_matches(function() db:exec "SELECT 1\0" end, "without NUL")
    assert.error_matches(function() sqlite.open(":memory:", -1) end, "milliseconds expected")
    select:close()
    select:close()
    assert.error_matches(function() select:step() end, "this statement is closed")
  end)

  it("ends statements with their database, in any order", function()
    local db = assert(sqlite.open ":memory:")
    local open, closed = assert(db:prepare "SELECT 1 AS v"), assert(db:prepare "SELECT 2 AS v")
    assert.same({ v = 1 }, open:step())
    closed:close()
    db:close()
    db:close()
    assert.error_matches(function() open:step() end, "the database of this statement is closed")
    assert.error_matches(function() db:exec "SELECT 1" end, "this database is closed")
    open:close()
  end)

  it("lets a database go that nobody has, but for its statement", function()
    local select = assert(assert(sqlite.open ":memory:"):prepare "SELECT 7 AS v")
    collectgarbage()
    collectgarbage()
    assert.same({ v = 7 }, select:step())
  end)
end)

describe("docmsg.database", function()
  it("commits what a transaction did, and rolls back one that raises", function()
    local db <close> = memory "CREATE TABLE t (v)"
    local a, b = db:transaction(function(...)
      db:run "INSERT INTO t VALUES (1)"
      db:transaction(function() db:run "INSERT INTO t VALUES (2)" end)
      return ...
    end, "a", nil)
    assert.equal("a", a)
    assert.is_nil(b)
    local thrown = {}
    local ok, err = pcall(db.transaction, db, function()
      db:run "INSERT INTO t VALUES (3)"
      error(thrown)
    end)
    assert.is_false(ok)
    assert.equal(thrown, err)
    assert.same({ { v = 1 }, { v = 2 } }, db:rows "SELECT v FROM t ORDER BY v")
  end)

  it("can be left in the middle of a query", function()
    local db <close> = memory "CREATE TABLE t (v); INSERT INTO t VALUES (1), (2), (3)"
    for row in db:each "SELECT v FROM t ORDER BY v" do
      if row.v == 2 then break end
    end
    db:run "DELETE FROM t"
    assert.is_nil(db:row "SELECT v FROM t")
  end)

  it("waits for another connection, and says BUSY when that takes too long", function()
    local folder <close> = scratch()
    local db <close> = database.open(folder.path, "CREATE TABLE t (v)")
    local other <close> = assert(sqlite.open(folder.path, 10))
    db:transaction(function()
      db:run "INSERT INTO t VALUES (1)"
      local done, err = other:exec "INSERT INTO t VALUES (2)"
      assert.is_nil(done)
      assert.equal("BUSY", err.name)
      local reading = assert(other:prepare "SELECT count(*) AS count FROM t")
      assert.same({ count = 0 }, reading:step(), "who reads does not wait")
      reading:close()
    end)
    assert(other:exec "INSERT INTO t VALUES (2)")
    assert.equal(2, db:row "SELECT count(*) AS count FROM t".count)
  end)

  it("raises the error object", function()
    local db <close> = memory()
    local ok, err = pcall(db.run, db, "INSERT INTO missing VALUES (1)")
    assert.is_false(ok)
    assert.matches("no such table: missing", tostring(err))
  end)
end)
