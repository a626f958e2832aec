/* SPDX-License-Identifier: MIT */
#include "sqlite/database.h"

#include <lauxlib.h>
#include <limits.h>
#include <string.h>

#include "base/metatable.h"
#include "sqlite/failure.h"
#include "sqlite/statement.h"

#define DATABASE_TYPE "docmsg.sqlite.Database"

#define BUSY_MS 5000
#define FLAGS (SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX)

dm_database *dm_database_check (lua_State *L, int index) {
  dm_database *database = luaL_checkudata(L, index, DATABASE_TYPE);
  if (database->connection == NULL) luaL_error(L, "this database is closed");
  return database;
}

/* Text for SQLite, which would not see what comes after a NUL. */
static const char *check_text (lua_State *L, int index) {
  size_t length;
  const char *text = luaL_checklstring(L, index, &length);
  luaL_argcheck(L, strlen(text) == length, index, "a text without NUL expected");
  return text;
}

int dm_database_open_lua (lua_State *L) {
  const char *path = check_text(L, 1);
  lua_Integer busy_ms = luaL_optinteger(L, 2, BUSY_MS);
  dm_database *database;
  int code;
  luaL_argcheck(L, busy_ms >= 0 && busy_ms <= INT_MAX, 2, "milliseconds expected");
  database = lua_newuserdatauv(L, sizeof *database, 0);
  database->connection = NULL;
  luaL_setmetatable(L, DATABASE_TYPE);
  code = sqlite3_open_v2(path, &database->connection, FLAGS, NULL);
  if (code == SQLITE_OK) {
    sqlite3_extended_result_codes(database->connection, 1);
    code = sqlite3_busy_timeout(database->connection, (int)busy_ms);
  }
  return code == SQLITE_OK ? 1 : dm_failure_push(L, database->connection, code, path);
}

/* database:exec(sql) -> true | nil, err: runs statements that give no rows */
static int database_exec (lua_State *L) {
  const dm_database *database = dm_database_check(L, 1);
  const char *sql = check_text(L, 2);
  int code = sqlite3_exec(database->connection, sql, NULL, NULL, NULL);
  if (code != SQLITE_OK) return dm_failure_push(L, database->connection, code, "exec");
  lua_pushboolean(L, 1);
  return 1;
}

/* database:prepare(sql) -> statement | nil, err */
static int database_prepare (lua_State *L) {
  dm_database *database = dm_database_check(L, 1);
  return dm_statement_new(L, database, check_text(L, 2));
}

/* database:changes() -> rows that the last statement inserted, changed or deleted */
static int database_changes (lua_State *L) {
  lua_pushinteger(L, sqlite3_changes64(dm_database_check(L, 1)->connection));
  return 1;
}

/* database:in_transaction() -> boolean */
static int database_in_transaction (lua_State *L) {
  lua_pushboolean(L, !sqlite3_get_autocommit(dm_database_check(L, 1)->connection));
  return 1;
}

/* A transaction that is open is rolled back. */
static int database_close (lua_State *L) {
  dm_database *database = luaL_checkudata(L, 1, DATABASE_TYPE);
  sqlite3 *connection = database->connection;
  sqlite3_stmt *statement;
  if (connection == NULL) return 0;
  database->connection = NULL;
  while ((statement = sqlite3_next_stmt(connection, NULL)) != NULL) sqlite3_finalize(statement);
  sqlite3_close(connection); /* cannot be busy without statements */
  return 0;
}

void dm_database_open (lua_State *L) {
  static const luaL_Reg methods[] = {
    { "changes", database_changes }, { "close", database_close }, { "exec", database_exec },
    { "in_transaction", database_in_transaction }, { "prepare", database_prepare }, { NULL, NULL },
  };
  static const luaL_Reg metamethods[] = {
    { "__close", database_close }, { "__gc", database_close }, { NULL, NULL },
  };
  dm_metatable_new(L, DATABASE_TYPE);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
