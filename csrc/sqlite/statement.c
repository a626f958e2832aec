/* SPDX-License-Identifier: MIT */
#include "sqlite/statement.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "base/metatable.h"
#include "sqlite/failure.h"

#define STATEMENT_TYPE "docmsg.sqlite.Statement"
#define BLOB_TYPE "docmsg.sqlite.Blob"

typedef struct statement_box {
  sqlite3_stmt *statement; /* NULL: closed; gone when its database has closed */
  dm_database *database;   /* kept by the user value */
} statement_box;

static sqlite3_stmt *check_statement (lua_State *L) {
  statement_box *box = luaL_checkudata(L, 1, STATEMENT_TYPE);
  if (box->statement == NULL) luaL_error(L, "this statement is closed");
  if (box->database->connection == NULL) luaL_error(L, "the database of this statement is closed");
  return box->statement;
}

static int fail (lua_State *L, sqlite3_stmt *statement, int code) {
  return dm_failure_push(L, sqlite3_db_handle(statement), code, sqlite3_sql(statement));
}

/* What follows a statement may only be blank: a second one would never run. */
static int is_blank (const char *rest) {
  return rest[strspn(rest, " \t\r\n;")] == '\0';
}

int dm_statement_new (lua_State *L, dm_database *database, const char *sql) {
  const char *rest;
  statement_box *box = lua_newuserdatauv(L, sizeof *box, 1);
  int code;
  *box = (statement_box){ .database = database };
  luaL_setmetatable(L, STATEMENT_TYPE);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  code = sqlite3_prepare_v3(database->connection, sql, -1, SQLITE_PREPARE_PERSISTENT,
                            &box->statement, &rest);
  if (code != SQLITE_OK) return dm_failure_push(L, database->connection, code, sql);
  if (box->statement == NULL || !is_blank(rest))
    return luaL_error(L, "prepare: exactly one statement expected");
  return 1;
}

/* -- Values ------------------------------------------------------------------------------------ */

/* The bytes of the blob at that index, NULL when it is none. They live as long as it does. */
static const char *test_blob (lua_State *L, int index, size_t *length) {
  const char *bytes;
  if (luaL_testudata(L, index, BLOB_TYPE) == NULL) return NULL;
  lua_getiuservalue(L, index, 1);
  bytes = lua_tolstring(L, -1, length);
  lua_pop(L, 1);
  return bytes;
}

static int bind_number (lua_State *L, sqlite3_stmt *statement, int place, int index) {
  if (lua_isinteger(L, index))
    return sqlite3_bind_int64(statement, place, lua_tointeger(L, index));
  luaL_argcheck(L, !isnan(lua_tonumber(L, index)), index, "SQLite has no NaN: it would be NULL");
  return sqlite3_bind_double(statement, place, lua_tonumber(L, index));
}

/* SQLite takes copies. */
static int bind_value (lua_State *L, sqlite3_stmt *statement, int place, int index) {
  size_t length;
  const char *bytes;
  switch (lua_type(L, index)) {
    case LUA_TNIL: return sqlite3_bind_null(statement, place);
    case LUA_TBOOLEAN: return sqlite3_bind_int(statement, place, lua_toboolean(L, index));
    case LUA_TNUMBER: return bind_number(L, statement, place, index);
    case LUA_TSTRING:
      bytes = lua_tolstring(L, index, &length);
      return sqlite3_bind_text64(statement, place, bytes, length, SQLITE_TRANSIENT, SQLITE_UTF8);
    default:
      bytes = test_blob(L, index, &length);
      if (bytes == NULL)
        return luaL_argerror(L, index, "nil, a boolean, a number, a string or a blob expected");
      return sqlite3_bind_blob64(statement, place, bytes, length, SQLITE_TRANSIENT);
  }
}

static void push_column (lua_State *L, sqlite3_stmt *statement, int column) {
  const void *bytes;
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER: lua_pushinteger(L, sqlite3_column_int64(statement, column)); break;
    case SQLITE_FLOAT: lua_pushnumber(L, sqlite3_column_double(statement, column)); break;
    case SQLITE_NULL: lua_pushnil(L); break;
    default: /* TEXT and BLOB; an empty blob has no address */
      bytes = sqlite3_column_blob(statement, column);
      lua_pushlstring(L, bytes != NULL ? bytes : "", (size_t)sqlite3_column_bytes(statement, column));
  }
}

/* -- Methods ----------------------------------------------------------------------------------- */

/* statement:bind(...) -> statement | nil, err: values for all of its parameters, in order */
static int statement_bind (lua_State *L) {
  sqlite3_stmt *statement = check_statement(L);
  int count = lua_gettop(L) - 1, expected = sqlite3_bind_parameter_count(statement);
  if (count != expected)
    return luaL_error(L, "bind: %d values expected, not %d", expected, count);
  sqlite3_reset(statement); /* tells again what the last step told */
  for (int i = 1; i <= count; i++) {
    int code = bind_value(L, statement, i, i + 1);
    if (code != SQLITE_OK) return fail(L, statement, code);
  }
  lua_settop(L, 1);
  return 1;
}

/* statement:step() -> row | false | nil, err: false when there is none, or no more */
static int statement_step (lua_State *L) {
  sqlite3_stmt *statement = check_statement(L);
  int code = sqlite3_step(statement), columns;
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement);
    lua_pushboolean(L, 0);
    return 1;
  }
  if (code != SQLITE_ROW) {
    int pushed = fail(L, statement, code);
    sqlite3_reset(statement);
    return pushed;
  }
  columns = sqlite3_column_count(statement);
  lua_createtable(L, 0, columns);
  for (int i = 0; i < columns; i++) {
    push_column(L, statement, i);
    lua_setfield(L, -2, sqlite3_column_name(statement, i));
  }
  return 1;
}

/* statement:reset(): ends a reading that did not go to the last row */
static int statement_reset (lua_State *L) {
  sqlite3_reset(check_statement(L)); /* tells again what the last step told */
  return 0;
}

static int statement_close (lua_State *L) {
  statement_box *box = luaL_checkudata(L, 1, STATEMENT_TYPE);
  sqlite3_stmt *statement = box->statement;
  box->statement = NULL;
  if (statement != NULL && box->database->connection != NULL) sqlite3_finalize(statement);
  return 0;
}

int dm_blob_lua (lua_State *L) {
  luaL_checktype(L, 1, LUA_TSTRING);
  lua_newuserdatauv(L, 0, 1);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  luaL_setmetatable(L, BLOB_TYPE);
  return 1;
}

void dm_statement_open (lua_State *L) {
  static const luaL_Reg methods[] = {
    { "bind", statement_bind }, { "close", statement_close }, { "reset", statement_reset },
    { "step", statement_step }, { NULL, NULL },
  };
  static const luaL_Reg metamethods[] = {
    { "__close", statement_close }, { "__gc", statement_close }, { NULL, NULL },
  };
  dm_metatable_new(L, STATEMENT_TYPE);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  dm_metatable_new(L, BLOB_TYPE);
  lua_pop(L, 2);
}
