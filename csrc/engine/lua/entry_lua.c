/* SPDX-License-Identifier: MIT */
#include "engine/lua/entry_lua.h"

#include <lauxlib.h>
#include <string.h>

#include "base/metatable.h"

#define ENTRY_TYPE "docmsg.Entry"
#define OWNER 1
#define KEY 2
#define ENTRIES 1 /* user value of an engine */

static const char *const state_names[] = { "free", "queued", "running", "done" };

/* == Made from a table == */

/* FNV-1a: short keys, and nothing depends on its quality. */
static uint64_t hash (const char *bytes, size_t size) {
  uint64_t h = 0xCBF29CE484222325u;
  for (size_t i = 0; i < size; i++) h = (h ^ (unsigned char)bytes[i]) * 0x100000001B3u;
  return h;
}

/* The integer in a field of the table at idx, within min..max. */
static lua_Integer check_field (lua_State *L, int idx, const char *name, lua_Integer min,
                                lua_Integer max) {
  int exact;
  lua_Integer value;
  lua_getfield(L, idx, name);
  value = lua_tointegerx(L, -1, &exact);
  if (lua_type(L, -1) != LUA_TNUMBER || !exact)
    luaL_error(L, "engine:admit: %s: integer expected, got %s", name, luaL_typename(L, -1));
  if (value < min || value > max)
    luaL_error(L, "engine:admit: %s: %I is not within %I..%I", name, value, min, max);
  lua_pop(L, 1);
  return value;
}

/* Pushes the key; returns its hash. */
static uint64_t push_key (lua_State *L, int idx) {
  size_t size;
  const char *bytes;
  switch (lua_getfield(L, idx, "key")) {
    case LUA_TNIL: return 0;
    case LUA_TSTRING:
      bytes = lua_tolstring(L, -1, &size);
      return hash(bytes, size);
    default:
      if (lua_isinteger(L, -1)) return (uint64_t)lua_tointeger(L, -1);
      return (uint64_t)luaL_error(L, "engine:admit: key: string or integer expected, got %s",
                                  luaL_typename(L, -1));
  }
}

static uint32_t bytes_of (lua_State *L, int idx) {
  lua_Integer bytes = 0;
  if (lua_getfield(L, idx, "bytes") != LUA_TNIL)
    bytes = check_field(L, idx, "bytes", 0, UINT32_MAX);
  lua_pop(L, 1);
  return (uint32_t)bytes;
}

dm_lua_entry *dm_entry_push (lua_State *L, int engine, int record) {
  dm_lua_entry *e = lua_newuserdatauv(L, sizeof *e, 2);
  memset(e, 0, sizeof *e);
  luaL_setmetatable(L, ENTRY_TYPE);
  lua_pushvalue(L, engine);
  lua_setiuservalue(L, -2, OWNER);
  e->entry.key = push_key(L, record);
  lua_setiuservalue(L, -2, KEY);
  e->entry.partition = (int32_t)check_field(L, record, "partition", 0, INT32_MAX);
  e->entry.offset = check_field(L, record, "offset", 0, INT64_MAX - 1);
  e->entry.bytes = bytes_of(L, record);
  lua_getiuservalue(L, engine, ENTRIES);
  lua_pushvalue(L, -2);
  lua_rawsetp(L, -2, e);
  lua_pop(L, 1);
  return e;
}

void dm_entry_push_anchored (lua_State *L, int engine, const dm_entry *entry) {
  lua_getiuservalue(L, engine, ENTRIES);
  lua_rawgetp(L, -1, entry);
  lua_remove(L, -2);
}

void dm_entry_release (lua_State *L, int engine, const dm_entry *entry) {
  lua_getiuservalue(L, engine, ENTRIES);
  lua_pushnil(L);
  lua_rawsetp(L, -2, entry);
  lua_pop(L, 1);
}

/* == Used == */

static dm_lua_entry *check (lua_State *L, int arg) {
  return luaL_checkudata(L, arg, ENTRY_TYPE);
}

dm_entry *dm_entry_check (lua_State *L, int engine, int arg, unsigned states, const char *doing) {
  dm_entry *entry = &check(L, arg)->entry;
  lua_getiuservalue(L, arg, OWNER);
  luaL_argcheck(L, lua_rawequal(L, -1, engine), arg, "the record is another engine's");
  lua_pop(L, 1);
  if ((states >> entry->state & 1) == 0)
    luaL_argerror(L, arg, lua_pushfstring(L, "a record that is %s cannot be %s",
                                          state_names[entry->state], doing));
  return entry;
}

/* Pushes a field of the engine's; false: there is no such field. */
static int push_field (lua_State *L, const dm_entry *entry, const char *name) {
  if (strcmp(name, "offset") == 0) lua_pushinteger(L, entry->offset);
  else if (strcmp(name, "partition") == 0) lua_pushinteger(L, entry->partition);
  else if (strcmp(name, "attempt") == 0) lua_pushinteger(L, entry->attempt);
  else if (strcmp(name, "lane") == 0) lua_pushinteger(L, entry->lane);
  else if (strcmp(name, "bytes") == 0) lua_pushinteger(L, entry->bytes);
  else if (strcmp(name, "admitted_at") == 0) lua_pushinteger(L, entry->admitted_at);
  else if (strcmp(name, "state") == 0) lua_pushstring(L, state_names[entry->state]);
  else return 0;
  return 1;
}

static int entry_index (lua_State *L) {
  const dm_entry *entry = &check(L, 1)->entry;
  const char *name = luaL_checkstring(L, 2);
  if (push_field(L, entry, name)) return 1;
  if (strcmp(name, "key") != 0) return luaL_error(L, "%s has no field '%s'", ENTRY_TYPE, name);
  lua_getiuservalue(L, 1, KEY);
  return 1;
}

static int entry_tostring (lua_State *L) {
  const dm_entry *entry = &check(L, 1)->entry;
  lua_pushfstring(L, "%s (partition %d, offset %I, %s)", ENTRY_TYPE, (int)entry->partition,
                  (LUAI_UACINT)entry->offset, state_names[entry->state]);
  return 1;
}

void dm_entry_open (lua_State *L) {
  dm_metatable_new(L, ENTRY_TYPE);
  lua_pushcfunction(L, entry_index);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, entry_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pop(L, 1);
}
