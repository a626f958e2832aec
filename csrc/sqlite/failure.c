/* SPDX-License-Identifier: MIT */
#include "sqlite/failure.h"

#include <lauxlib.h>

#define FAILURE_TYPE "docmsg.sqlite.Error"

/* The names of the primary codes that a program tells apart. */
static const char *name_of (int code) {
  switch (code & 0xFF) {
    case SQLITE_BUSY: return "BUSY";
    case SQLITE_CANTOPEN: return "CANTOPEN";
    case SQLITE_CONSTRAINT: return "CONSTRAINT";
    case SQLITE_CORRUPT: return "CORRUPT";
    case SQLITE_FULL: return "FULL";
    case SQLITE_IOERR: return "IOERR";
    case SQLITE_LOCKED: return "LOCKED";
    case SQLITE_MISMATCH: return "MISMATCH";
    case SQLITE_NOMEM: return "NOMEM";
    case SQLITE_NOTADB: return "NOTADB";
    case SQLITE_PERM: return "PERM";
    case SQLITE_READONLY: return "READONLY";
    case SQLITE_TOOBIG: return "TOOBIG";
    default: return "ERROR";
  }
}

int dm_failure_push (lua_State *L, sqlite3 *connection, int code, const char *what) {
  const char *message = connection != NULL ? sqlite3_errmsg(connection) : sqlite3_errstr(code);
  lua_pushnil(L);
  lua_createtable(L, 0, 3);
  lua_pushinteger(L, code);
  lua_setfield(L, -2, "code");
  lua_pushstring(L, name_of(code));
  lua_setfield(L, -2, "name");
  lua_pushfstring(L, "%s: %s", what, message);
  lua_setfield(L, -2, "message");
  luaL_setmetatable(L, FAILURE_TYPE);
  return 2;
}

/* tostring(err) -> "message (NAME)" */
static int failure_tostring (lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_getfield(L, 1, "message");
  lua_getfield(L, 1, "name");
  lua_pushfstring(L, "%s (%s)", luaL_tolstring(L, 2, NULL), luaL_tolstring(L, 3, NULL));
  return 1;
}

void dm_failure_open (lua_State *L) {
  luaL_newmetatable(L, FAILURE_TYPE);
  lua_pushcfunction(L, failure_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pop(L, 1);
}
