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

static dm_watch note (lua_State *L) {
  dm_watch watch = { lua_gethook(L), lua_gethook(main_thread(L)) };
  return watch;
}

static int nothing (lua_State *L) {
  (void)L;
  return 0;
}

/* Any call makes Lua run a pending hook of this thread. */
static void call_nothing (lua_State *L) {
  lua_pushcfunction(L, nothing);
  lua_call(L, 0, 0);
}

/* Is the hook of L one as signal handlers set them: to run at the next instruction, call or return? Those
** of debuggers and profilers, which count more or nothing, shall not run in the middle of a function of C. */
static bool is_urgent (lua_State *L) {
  return lua_gethook(L) != NULL && (lua_gethookmask(L) & LUA_MASKCOUNT) && lua_gethookcount(L) == 1;
}

dm_watch dm_watch_begin (lua_State *L) {
  dm_watch watch = note(L);
  while (is_urgent(L)) {
    call_nothing(L);
    if (!dm_watch_pending(L, &watch)) break;
    watch = note(L); /* the hook has set another one, or none */
  }
  return watch;
}

static int begin_protected (lua_State *L) {
  dm_watch *watch = lua_touserdata(L, 1);
  *watch = dm_watch_begin(L);
  return 0;
}

bool dm_watch_try (lua_State *L, dm_watch *watch) {
  lua_pushcfunction(L, begin_protected);
  lua_pushlightuserdata(L, watch);
  if (lua_pcall(L, 1, 0, 0) == LUA_OK) return true;
  *watch = note(L);
  return false;
}

bool dm_watch_pending (lua_State *L, const dm_watch *watch) {
  return lua_gethook(L) != watch->own || lua_gethook(main_thread(L)) != watch->main;
}

void dm_watch_yield (lua_State *L, const dm_watch *watch) {
  call_nothing(L);
  /* A hook on the main thread alone cannot run in a coroutine: unwind up to it. */
  if (lua_gethook(main_thread(L)) != watch->main) luaL_error(L, "interrupted!");
}

void dm_watch_check (lua_State *L, const dm_watch *watch) {
  if (dm_watch_pending(L, watch)) dm_watch_yield(L, watch);
}
