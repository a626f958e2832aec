/* SPDX-License-Identifier: MIT */
#include "kafka/interrupt.h"

#include <lauxlib.h>

static lua_State *main_thread (lua_State *L) {
  lua_State *thread;
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  thread = lua_tothread(L, -1);
  lua_pop(L, 1);
  return thread;
}

dm_watch dm_watch_begin (lua_State *L) {
  dm_watch watch = { lua_gethook(L), lua_gethook(main_thread(L)) };
  return watch;
}

bool dm_watch_pending (lua_State *L, const dm_watch *watch) {
  return lua_gethook(L) != watch->own || lua_gethook(main_thread(L)) != watch->main;
}

static int nothing (lua_State *L) {
  (void)L;
  return 0;
}

void dm_watch_yield (lua_State *L, const dm_watch *watch) {
  /* Any call makes Lua run a pending hook of this thread. */
  lua_pushcfunction(L, nothing);
  lua_call(L, 0, 0);
  /* A hook on the main thread alone cannot run in a coroutine: unwind up to it. */
  if (lua_gethook(main_thread(L)) != watch->main) luaL_error(L, "interrupted!");
}

void dm_watch_check (lua_State *L, const dm_watch *watch) {
  if (dm_watch_pending(L, watch)) dm_watch_yield(L, watch);
}
