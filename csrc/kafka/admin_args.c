/* SPDX-License-Identifier: MIT */
#include "kafka/admin_args.h"

#include <ctype.h>
#include <lauxlib.h>
#include <string.h>

lua_Integer dm_list_check (lua_State *L, int idx, const char *what) {
  lua_Integer n;
  if (!lua_istable(L, idx))
    luaL_error(L, "%s: list expected, got %s", what, luaL_typename(L, idx));
  idx = lua_absindex(L, idx);
  n = (lua_Integer)lua_rawlen(L, idx);
  if (n > 0) return n;
  lua_pushnil(L);
  if (lua_next(L, idx)) luaL_error(L, "%s: list expected, got named fields", what);
  return 0;
}

void dm_once_check (lua_State *L, int seen, const char *what, const char *name) {
  if (lua_getfield(L, seen, name) != LUA_TNIL) luaL_error(L, "%s: '%s' is named twice", what, name);
  lua_pop(L, 1);
  lua_pushboolean(L, 1);
  lua_setfield(L, seen, name);
}

const char *dm_group_check (lua_State *L, int idx, const char *what) {
  size_t len;
  const char *group;
  if (lua_type(L, idx) != LUA_TSTRING)
    luaL_error(L, "%s: group: string expected, got %s", what, luaL_typename(L, idx));
  group = lua_tolstring(L, idx, &len);
  if (len == 0 || len > 255)
    luaL_error(L, "%s: group: a name has 1 to 255 bytes, this one has %I", what, (lua_Integer)len);
  for (size_t i = 0; i < len; i++)
    if (iscntrl((unsigned char)group[i]))
      luaL_error(L, "%s: group: byte %I is a control character", what, (lua_Integer)i + 1);
  return group;
}

static void push_number_text (lua_State *L, int idx, const char *what, const char *key) {
  int exact;
  lua_Integer n = lua_tointegerx(L, idx, &exact);
  if (!exact)
    luaL_error(L, "%s: %s: %s is no integer; give a string to have it as it stands", what, key,
               luaL_tolstring(L, idx, NULL));
  lua_pushfstring(L, "%I", n);
}

static void push_string (lua_State *L, int idx, const char *what, const char *key) {
  size_t len;
  const char *text = lua_tolstring(L, idx, &len);
  if (strlen(text) != len) luaL_error(L, "%s: %s: the value has a NUL byte inside", what, key);
  lua_pushvalue(L, idx);
}

void dm_config_push_text (lua_State *L, int idx, const char *what, const char *key) {
  switch (lua_type(L, idx)) {
    case LUA_TSTRING: push_string(L, idx, what, key); break;
    case LUA_TNUMBER: push_number_text(L, idx, what, key); break;
    case LUA_TBOOLEAN: lua_pushstring(L, lua_toboolean(L, idx) ? "true" : "false"); break;
    default:
      luaL_error(L, "%s: %s: string, integer or boolean expected, got %s", what, key,
                 luaL_typename(L, idx));
  }
}

/* The configuration key at idx. */
static const char *check_key (lua_State *L, int idx, const char *what) {
  size_t len;
  const char *key;
  if (lua_type(L, idx) != LUA_TSTRING)
    luaL_error(L, "%s: the keys are names, got a %s", what, luaL_typename(L, idx));
  key = lua_tolstring(L, idx, &len);
  if (len == 0 || strlen(key) != len)
    luaL_error(L, "%s: a key is empty or has a NUL byte inside", what);
  return key;
}

void dm_config_push_texts (lua_State *L, int idx, const char *what) {
  int type = lua_type(L, idx);
  idx = lua_absindex(L, idx);
  lua_newtable(L);
  if (type == LUA_TNIL || type == LUA_TNONE) return;
  if (type != LUA_TTABLE) luaL_error(L, "%s: table expected, got %s", what, luaL_typename(L, idx));
  for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
    const char *key = check_key(L, -2, what);
    dm_config_push_text(L, lua_gettop(L), what, key);
    lua_setfield(L, -4, key);
  }
}
