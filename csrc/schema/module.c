/* SPDX-License-Identifier: MIT */
#include "schema/module.h"

#include "schema/read.h"
#include "schema/utf8.h"
#include "schema/walk.h"

/* Pushes the function, which runs the program at 5 with the constants at 6. */
static void push_function (lua_State *L, lua_CFunction function) {
  lua_pushvalue(L, 5);
  lua_pushvalue(L, 6);
  lua_pushvalue(L, 3);
  lua_pushvalue(L, 4);
  lua_pushcclosure(L, function, 4);
}

/* compile(nodes, helpers [, parse, array]) -> check, encode, decode; see walk.h and read.h */
static int core_compile (lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 4);
  dm_program_push(L, 1, 2);
  push_function(L, dm_walk_check);
  push_function(L, dm_walk_encode);
  push_function(L, dm_read_decode);
  return 3;
}

/* has_control(text) -> boolean: is there a byte that Lua's pattern %c finds? */
static int core_has_control (lua_State *L) {
  size_t size;
  const char *text = luaL_checklstring(L, 1, &size);
  lua_pushboolean(L, (dm_bytes_kinds(text, size) & DM_BYTES_CONTROL) != 0);
  return 1;
}

/* invalid_utf8(text) -> the place of the first byte that is not UTF-8, or nil */
static int core_invalid_utf8 (lua_State *L) {
  size_t size;
  const char *text = luaL_checklstring(L, 1, &size);
  size_t at = dm_utf8_invalid(text, size);
  if (at == size) return 0;
  lua_pushinteger(L, (lua_Integer)at + 1);
  return 1;
}

/* write_float(number) -> the JSON of a finite number */
static int core_write_float (lua_State *L) {
  dm_text text;
  lua_Number number = luaL_checknumber(L, 1);
  dm_text_open(&text, L, 1);
  dm_text_put_float(&text, number);
  lua_pushlstring(L, text.at, text.size);
  return 1;
}

static const luaL_Reg functions[] = {
  { "compile", core_compile },
  { "has_control", core_has_control },
  { "invalid_utf8", core_invalid_utf8 },
  { "reader", dm_read_new },
  { "write_float", core_write_float },
  { NULL, NULL },
};

int luaopen_docmsg_schema_core (lua_State *L) {
  luaL_checkversion(L);
  luaL_newlib(L, functions);
  return 1;
}
