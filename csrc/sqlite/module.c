/* SPDX-License-Identifier: MIT */
#include "sqlite/module.h"

#include <lauxlib.h>
#include <sqlite3.h>

#include "sqlite/database.h"
#include "sqlite/failure.h"
#include "sqlite/statement.h"

/* sqlite.version() -> "3.40.1" */
static int version (lua_State *L) {
  lua_pushstring(L, sqlite3_libversion());
  return 1;
}

static const luaL_Reg functions[] = {
  { "blob", dm_blob_lua },
  { "open", dm_database_open_lua },
  { "version", version },
  { NULL, NULL },
};

int luaopen_docmsg_sqlite (lua_State *L) {
  luaL_checkversion(L);
  dm_failure_open(L);
  dm_database_open(L);
  dm_statement_open(L);
  luaL_newlib(L, functions);
  return 1;
}
