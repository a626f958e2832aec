/* SPDX-License-Identifier: MIT */
#include "host/protect.h"

#include <lauxlib.h>
#include <lualib.h>

#include "host/interrupt.h"

/* == pcall, xpcall == */

/* Leaves false and the error value on top. */
static int return_failure (lua_State *L) {
  lua_pushboolean(L, 0);
  lua_insert(L, -2);
  return 2;
}

static int finish_pcall (lua_State *L, int status, lua_KContext unused) {
  (void)unused;
  if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L);
  if (dm_interrupt_is(L, -1)) return lua_error(L);
  return return_failure(L);
}

static int protect_pcall (lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushboolean(L, 1);
  lua_insert(L, 1);
  int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, finish_pcall);
  return finish_pcall(L, status, 0);
}

/* The message handler may have turned the interruption into something else. */
static int finish_xpcall (lua_State *L, int status, lua_KContext unused) {
  (void)unused;
  if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L) - 2;
  if (dm_interrupt_raised()) return dm_interrupt_raise(L);
  return return_failure(L);
}

static int protect_xpcall (lua_State *L) {
  int arguments = lua_gettop(L) - 2;
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_pushboolean(L, 1);
  lua_pushvalue(L, 1);
  lua_rotate(L, 3, 2);  /* 1: f, 2: handler, 3: true, 4: f, then its arguments */
  int status = lua_pcallk(L, arguments, LUA_MULTRET, 2, 0, finish_xpcall);
  return finish_xpcall(L, status, 0);
}

/* == coroutines == */

static lua_State *check_coroutine (lua_State *L, int index) {
  lua_State *co = lua_tothread(L, index);
  luaL_argexpected(L, co != NULL, index, "thread");
  return co;
}

/* Why 'co' cannot be resumed, or NULL. */
static const char *why_not_resumable (lua_State *L, lua_State *co) {
  if (co == L) return "cannot resume non-suspended coroutine";
  if (lua_status(co) == LUA_YIELD) return NULL;
  lua_Debug ar;
  if (lua_status(co) != LUA_OK || (lua_getstack(co, 0, &ar) == 0 && lua_gettop(co) == 0))
    return "cannot resume dead coroutine";
  return lua_getstack(co, 0, &ar) ? "cannot resume non-suspended coroutine" : NULL;
}

/* Moves the arguments over, runs 'co', moves its results or its error back. Returns how many
** results, or -1 with the error value on top. */
static int resume (lua_State *L, lua_State *co, int arguments) {
  const char *reason = why_not_resumable(L, co);
  if (reason == NULL && !lua_checkstack(co, arguments)) reason = "too many arguments to resume";
  if (reason != NULL) {
    lua_pushstring(L, reason);
    return -1;
  }
  lua_xmove(L, co, arguments);
  int results;
  lua_State *before = dm_interrupt_switch(co);
  int status = lua_resume(co, L, arguments, &results);
  dm_interrupt_switch(before);
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_xmove(co, L, 1);
    return -1;
  }
  if (!lua_checkstack(L, results + 1)) {
    lua_pop(co, results);
    lua_pushliteral(L, "too many results to resume");
    return -1;
  }
  lua_xmove(co, L, results);
  return results;
}

static int protect_resume (lua_State *L) {
  lua_State *co = check_coroutine(L, 1);
  int results = resume(L, co, lua_gettop(L) - 1);
  if (results < 0) {
    if (dm_interrupt_is(L, -1)) return lua_error(L);
    return return_failure(L);
  }
  lua_pushboolean(L, 1);
  lua_insert(L, -(results + 1));
  return results + 1;
}

/* Runs the <close> variables of 'co', which are Lua code of 'co'. Returns its status. */
static int close_coroutine (lua_State *co) {
  lua_State *before = dm_interrupt_switch(co);
  int status = lua_resetthread(co);
  dm_interrupt_switch(before);
  return status;
}

/* The function that coroutine.wrap returns. Upvalue 1: the coroutine. */
static int resume_wrapped (lua_State *L) {
  lua_State *co = lua_tothread(L, lua_upvalueindex(1));
  int results = resume(L, co, lua_gettop(L));
  if (results >= 0) return results;
  int status = lua_status(co);
  if (status != LUA_OK && status != LUA_YIELD) {
    close_coroutine(co);
    lua_xmove(co, L, 1);
  }
  if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

static int protect_wrap (lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  lua_pushcclosure(L, resume_wrapped, 1);
  return 1;
}

static int is_closable (lua_State *L, lua_State *co) {
  lua_Debug ar;
  if (co == L) return 0;
  return lua_status(co) != LUA_OK || lua_getstack(co, 0, &ar) == 0;
}

static int protect_close (lua_State *L) {
  lua_State *co = check_coroutine(L, 1);
  if (!is_closable(L, co))
    return luaL_error(L, "cannot close a %s coroutine", co == L ? "running" : "normal");
  if (close_coroutine(co) == LUA_OK) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_xmove(co, L, 1);
  if (dm_interrupt_is(L, -1) && dm_interrupt_raised()) return lua_error(L);
  return return_failure(L);
}

void dm_protect_install (lua_State *L) {
  static const luaL_Reg base[] = {
    { "pcall", protect_pcall }, { "xpcall", protect_xpcall }, { NULL, NULL }
  };
  static const luaL_Reg coroutine[] = {
    { "resume", protect_resume }, { "wrap", protect_wrap }, { "close", protect_close },
    { NULL, NULL }
  };
  lua_pushglobaltable(L);
  luaL_setfuncs(L, base, 0);
  lua_getglobal(L, LUA_COLIBNAME);
  luaL_setfuncs(L, coroutine, 0);
  lua_pop(L, 2);
}
