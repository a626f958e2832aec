/* SPDX-License-Identifier: MIT */
#include "runtime/script.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "runtime/module.h"
#include "runtime/work_lua.h"

/* Refers to the function on the top of L's stack, which is popped, and to a docmsg.Work. */
static void refer (lua_State *L, dm_script *script, dm_handler *handler) {
  script->dispatch = luaL_ref(L, LUA_REGISTRYINDEX);
  dm_work_push(L, handler);
  script->box = luaL_ref(L, LUA_REGISTRYINDEX);
}

static dm_script *script_alloc (lua_State *L, dm_limits limits) {
  dm_script *script = calloc(1, sizeof *script);
  if (script == NULL) return NULL;
  *script = (dm_script){
    .L = L, .dispatch = LUA_NOREF, .box = LUA_NOREF, .limits = limits,
  };
  return script;
}

dm_script *dm_script_new (lua_State *L, dm_handler *handler, dm_limits limits) {
  dm_script *script = script_alloc(L, limits);
  if (script == NULL) luaL_error(L, "not enough memory");
  refer(L, script, handler);
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD); /* L may be a coroutine that ends */
  script->L = lua_tothread(L, -1);
  lua_pop(L, 1);
  return script;
}

/* Runs in the worker's state: the function, the script, the handler. */
static int refer_in_state (lua_State *W) {
  dm_script *script = lua_touserdata(W, 2);
  dm_handler *handler = lua_touserdata(W, 3);
  lua_settop(W, 1);
  luaL_requiref(W, "docmsg.runtime", luaopen_docmsg_runtime, 0);
  lua_pop(W, 1);
  dm_limit_coroutines(W);
  refer(W, script, handler);
  return 0;
}

dm_script *dm_script_of_state (lua_State *L, dm_worker_state *state, dm_handler *handler,
                               dm_limits limits) {
  lua_State *W = state->L;
  dm_script *script = script_alloc(W, limits);
  if (script != NULL) {
    script->state = state;
    lua_pushcfunction(W, refer_in_state);
    lua_insert(W, 1);
    lua_pushlightuserdata(W, script);
    lua_pushlightuserdata(W, handler);
    if (lua_pcall(W, 3, 0, 0) == LUA_OK) return script;
  }
  lua_pushstring(L, script != NULL ? lua_tostring(W, -1) : "not enough memory");
  free(script);
  dm_worker_state_free(state);
  return NULL;
}

void dm_script_free (dm_script *script) {
  if (script->state != NULL) dm_worker_state_free(script->state);
  else {
    lua_rawgeti(script->L, LUA_REGISTRYINDEX, script->box);
    dm_work_end(script->L, -1);
    lua_pop(script->L, 1);
    luaL_unref(script->L, LUA_REGISTRYINDEX, script->dispatch);
    luaL_unref(script->L, LUA_REGISTRYINDEX, script->box);
  }
  free(script);
}
