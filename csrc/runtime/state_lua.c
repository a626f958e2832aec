/* SPDX-License-Identifier: MIT */
#include "runtime/state_lua.h"

#include <lauxlib.h>

#include "base/metatable.h"
#include "kafka/module.h"
#include "kafka/option.h"
#include "kafka/state.h"

#define STATE_TYPE "docmsg.WorkerState"

static const dm_option options[] = {
  { "memory", DM_OPTION_INTEGER, 0, (lua_Integer)1 << 40 },
  { "module", DM_OPTION_STRING, 0, 0 },
  { "settings", DM_OPTION_ANY, 0, 0 },
  { NULL, DM_OPTION_ANY, 0, 0 },
};

/* Runs in the new state: opens docmsg.kafka there and gives its clients the parent's defaults,
** secrets among them. */
static int take_defaults (lua_State *W) {
  lua_State *L = lua_touserdata(W, 1);
  luaL_requiref(W, "docmsg.kafka", luaopen_docmsg_kafka, 0);
  dm_state_push_table(W, "defaults");
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    dm_value_copy(L, -2, W);
    dm_value_copy(L, -1, W);
    lua_rawset(W, -3);
  }
  return 0;
}

/* Prepares the new state; false after pushing nil and the text of the error. */
static bool prepare (lua_State *L, lua_State *W) {
  int failed;
  dm_state_push_table(L, "defaults");
  dm_value_check(L, -1, DM_VALUE_DEPTH);
  luaL_checkstack(L, 4 * DM_VALUE_DEPTH, NULL);
  lua_pushcfunction(W, take_defaults);
  lua_pushlightuserdata(W, L);
  failed = lua_pcall(W, 1, 0, 0);
  lua_pop(L, 1);
  if (!failed) return true;
  lua_pushnil(L);
  lua_pushstring(L, lua_tostring(W, -1));
  return false;
}

int dm_state_lua (lua_State *L) {
  dm_worker_state **box;
  const char *module;
  lua_settop(L, 1);
  dm_option_check(L, 1, "runtime.state", options);
  module = dm_option_string(L, 1, "module");
  if (module == NULL) return luaL_error(L, "runtime.state: module: a string expected");
  box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, STATE_TYPE);
  *box = dm_worker_state_new(L, (size_t)dm_option_integer(L, 1, "memory", 0));
  if (*box == NULL) return luaL_error(L, "not enough memory");
  if (!prepare(L, (*box)->L)) return 2;
  lua_getfield(L, 1, "settings");
  lua_pushnil(L);
  if (!dm_worker_state_boot(*box, L, -2, module)) return 2; /* nil and the text */
  if (!lua_isfunction((*box)->L, 1))
    return luaL_error(L, "runtime.state: %s.boot returned no function", module);
  lua_pushvalue(L, 2);
  return 1;
}

dm_worker_state *dm_state_take (lua_State *L, int arg) {
  dm_worker_state **box = luaL_checkudata(L, arg, STATE_TYPE), *state = *box;
  if (state == NULL) luaL_error(L, "this state is closed or was given to a group");
  *box = NULL;
  return state;
}

static int state_close (lua_State *L) {
  dm_worker_state **box = luaL_checkudata(L, 1, STATE_TYPE);
  if (*box != NULL) dm_worker_state_free(*box);
  *box = NULL;
  return 0;
}

void dm_state_lua_open (lua_State *L) {
  static const luaL_Reg methods[] = { { "close", state_close }, { NULL, NULL } };
  dm_metatable_new(L, STATE_TYPE);
  lua_pushcfunction(L, state_close);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, state_close);
  lua_setfield(L, -2, "__close");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
