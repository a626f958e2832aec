/* SPDX-License-Identifier: MIT */
#include "runtime/live.h"

#include <lauxlib.h>
#include <stdbool.h>

/* The upvalues of __index. */
enum { DATA = 1, METHODS, READ };

void dm_live_push (lua_State *L, int frame, int metatable) {
  lua_createtable(L, DM_LIVE_DATA, 0);
  lua_pushvalue(L, frame);
  lua_rawseti(L, -2, DM_LIVE_FRAME);
  lua_pushvalue(L, metatable);
  lua_setmetatable(L, -2);
}

void dm_live_release (lua_State *L, int idx) {
  lua_pushnil(L);
  lua_rawseti(L, idx, DM_LIVE_FRAME);
  lua_pushnil(L);
  lua_rawseti(L, idx, DM_LIVE_DATA);
}

/* The level is that of whoever uses the live one, by a method that may be a function of C. */
static int raise_released (lua_State *L, int level) {
  luaL_where(L, level);
  if (lua_rawlen(L, -1) == 0) luaL_where(L, level + 1);
  lua_pushliteral(L, "event released: it can be used only until its handler has returned");
  lua_concat(L, 2);
  return lua_error(L);
}

static bool is_frame (lua_State *L, int key) {
  return lua_isinteger(L, key) && lua_tointeger(L, key) == DM_LIVE_FRAME;
}

static int live_index (lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  if (lua_rawequal(L, 2, lua_upvalueindex(DATA)) && lua_rawgeti(L, 1, DM_LIVE_DATA) != LUA_TNIL)
    return 1;
  lua_settop(L, 2);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(METHODS)) != LUA_TNIL) return 1;
  if (is_frame(L, 2)) return raise_released(L, 2); /* a method looks for it */
  if (lua_rawgeti(L, 1, DM_LIVE_FRAME) == LUA_TNIL) return raise_released(L, 1);
  lua_settop(L, 2);
  lua_pushvalue(L, lua_upvalueindex(READ));
  lua_insert(L, 1);
  lua_call(L, 2, 1);
  return 1;
}

int dm_live_index_new (lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  lua_pushliteral(L, "data");
  lua_insert(L, 1);
  lua_pushcclosure(L, live_index, 3);
  return 1;
}
