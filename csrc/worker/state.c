/* SPDX-License-Identifier: MIT */
#include "worker/state.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>

#include "worker/limit.h"

/* Garbage is collected when there is four times of what was in use: most of that are modules. A
** state that comes near its limit collects at once. */
#define GC_PAUSE 400

/* Refuses a block. Lua collects its garbage and asks once more: the second time it is an error. */
static void *refuse (dm_worker_state *state) {
  if (state->refused) dm_limit_refused(state);
  state->refused = !state->refused;
  return NULL;
}

/* Counts what the state holds; see lua_Alloc. */
static void *allocate (void *ud, void *block, size_t old, size_t size) {
  dm_worker_state *state = ud;
  void *moved;
  if (block == NULL) old = 0; /* it is a type then, no size */
  if (size == 0) {
    dm_pool_resize(&state->pool, block, old, 0);
    state->used -= old;
    return NULL;
  }
  if (state->limit > 0 && size > old && state->used + (size - old) > state->limit)
    return refuse(state);
  moved = dm_pool_resize(&state->pool, block, old, size);
  if (moved == NULL) return size > old ? refuse(state) : NULL;
  if (size > old) state->refused = false;
  state->used += size - old;
  return moved;
}

/* -- Plain values ----------------------------------------------------------------------------- */

void dm_value_check (lua_State *L, int idx, int depth) {
  idx = lua_absindex(L, idx);
  switch (lua_type(L, idx)) {
    case LUA_TNIL: case LUA_TBOOLEAN: case LUA_TNUMBER: case LUA_TSTRING: return;
    case LUA_TTABLE: break;
    default: luaL_error(L, "a %s cannot be given to another state", luaL_typename(L, idx));
  }
  if (depth == 0) luaL_error(L, "a value for another state is nested too deeply, or in a cycle");
  luaL_checkstack(L, 8, NULL);
  for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
    dm_value_check(L, -2, depth - 1);
    dm_value_check(L, -1, depth - 1);
  }
}

static void copy_value (lua_State *from, int idx, lua_State *to);

static void copy_table (lua_State *from, int idx, lua_State *to) {
  luaL_checkstack(to, 4, NULL);
  lua_newtable(to);
  for (lua_pushnil(from); lua_next(from, idx); lua_pop(from, 1)) {
    copy_value(from, lua_absindex(from, -2), to);
    copy_value(from, lua_absindex(from, -1), to);
    lua_rawset(to, -3);
  }
}

static void copy_value (lua_State *from, int idx, lua_State *to) {
  size_t size;
  const char *text;
  switch (lua_type(from, idx)) {
    case LUA_TBOOLEAN: lua_pushboolean(to, lua_toboolean(from, idx)); break;
    case LUA_TNUMBER:
      if (lua_isinteger(from, idx)) lua_pushinteger(to, lua_tointeger(from, idx));
      else lua_pushnumber(to, lua_tonumber(from, idx));
      break;
    case LUA_TSTRING:
      text = lua_tolstring(from, idx, &size);
      lua_pushlstring(to, text, size);
      break;
    case LUA_TTABLE: copy_table(from, idx, to); break;
    default: lua_pushnil(to); break;
  }
}

void dm_value_copy (lua_State *from, int idx, lua_State *to) {
  copy_value(from, lua_absindex(from, idx), to);
}

/* -- States ----------------------------------------------------------------------------------- */

/* Copies package[field], a string, from the parent. */
static void copy_path (lua_State *parent, lua_State *L, const char *field) {
  lua_getglobal(parent, LUA_LOADLIBNAME);
  lua_getfield(parent, -1, field);
  lua_getglobal(L, LUA_LOADLIBNAME);
  lua_pushstring(L, lua_tostring(parent, -1));
  lua_setfield(L, -2, field);
  lua_pop(L, 1);
  lua_pop(parent, 2);
}

/* Lets the state require the C modules that the parent has at hand. */
static void copy_openers (lua_State *parent, lua_State *L) {
  luaL_getsubtable(parent, LUA_REGISTRYINDEX, DM_WORKER_OPENERS);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (lua_pushnil(parent); lua_next(parent, -2); lua_pop(parent, 1)) {
    lua_pushcfunction(L, lua_tocfunction(parent, -1));
    lua_setfield(L, -2, lua_tostring(parent, -2));
  }
  lua_pop(L, 1);
  lua_pop(parent, 1);
}

dm_worker_state *dm_worker_state_new (lua_State *parent, size_t limit) {
  dm_worker_state *state = calloc(1, sizeof *state);
  if (state == NULL) return NULL;
  state->L = lua_newstate(allocate, state);
  if (state->L == NULL) {
    dm_pool_clear(&state->pool);
    free(state);
    return NULL;
  }
  lua_gc(state->L, LUA_GCINC, GC_PAUSE, 0, 0);
  luaL_openlibs(state->L);
  copy_path(parent, state->L, "path");
  copy_path(parent, state->L, "cpath");
  copy_openers(parent, state->L);
  state->limit = limit;
  return state;
}

/* Arguments: the parent state, the index of the value there, the module's name. Returns what the
** module's boot returns. */
static int boot (lua_State *L) {
  lua_State *parent = lua_touserdata(L, 1);
  int idx = (int)lua_tointeger(L, 2);
  lua_getglobal(L, "require");
  lua_pushvalue(L, 3);
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "boot");
  dm_value_copy(parent, idx, L);
  lua_call(L, 1, 1);
  return 1;
}

static int with_traceback (lua_State *L) {
  const char *text = luaL_tolstring(L, 1, NULL);
  if (lua_type(L, 1) == LUA_TSTRING) luaL_traceback(L, L, text, 1);
  return 1;
}

bool dm_worker_state_boot (dm_worker_state *state, lua_State *parent, int idx, const char *module) {
  lua_State *L = state->L;
  size_t size;
  const char *text;
  dm_value_check(parent, idx, DM_VALUE_DEPTH);
  luaL_checkstack(parent, 4 * DM_VALUE_DEPTH, NULL);
  lua_settop(L, 0);
  lua_pushcfunction(L, with_traceback);
  lua_pushcfunction(L, boot);
  lua_pushlightuserdata(L, parent);
  lua_pushinteger(L, lua_absindex(parent, idx));
  lua_pushstring(L, module);
  if (lua_pcall(L, 3, 1, 1) == LUA_OK) {
    lua_remove(L, 1);
    return true;
  }
  text = luaL_tolstring(L, -1, &size);
  lua_pushlstring(parent, text, size);
  lua_settop(L, 0);
  return false;
}

void dm_worker_state_free (dm_worker_state *state) {
  state->limit = 0;
  lua_close(state->L);
  dm_pool_clear(&state->pool);
  free(state);
}

size_t dm_worker_state_allow (dm_worker_state *state, size_t limit) {
  size_t before;
  if (state == NULL) return 0;
  before = state->limit;
  state->limit = limit;
  return before;
}
