/* SPDX-License-Identifier: MIT */
#include "host/background.h"

#include <lauxlib.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/metatable.h"
#include "kafka/clock.h"
#include "runtime/state_lua.h"
#include "worker/limit.h"
#include "worker/state.h"

#define BACKGROUND_TYPE "docmsg.Background"

#define RUN_MS 30000 /* a run that takes longer is cut off, by the next wake or take */
#define GAP_MS 1000  /* from the end of a run to the next */
#define GRACE_MS 50  /* for a run that is about to end, or to keep what it has just opened */
#define CUT_MS 10    /* between two attempts to cut off a run */

typedef struct {
  dm_worker_state *state; /* the function is at index 1; NULL: closed */
  dm_limit limit;
  int64_t run_ms;         /* what a run may take */
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  /* Under the lock: */
  bool awake, stopped, ended;
  char *text; /* what the newest run has returned and nobody has taken, or NULL */
  size_t length;
} background;

/* -- Its thread ------------------------------------------------------------------------------- */

/* Leaves the text where 'take' finds it. A lack of memory loses it: there will be another. */
static void put (background *bg, const char *text, size_t length) {
  char *copy = malloc(length + 1);
  if (copy == NULL) return;
  memcpy(copy, text, length + 1);
  pthread_mutex_lock(&bg->lock);
  free(bg->text);
  bg->text = copy;
  bg->length = length;
  pthread_mutex_unlock(&bg->lock);
}

/* A run that fails, or returns no string, changes nothing. */
static void run_once (background *bg) {
  lua_State *L = bg->state->L;
  size_t length;
  lua_pushvalue(L, 1);
  dm_limit_begin(&bg->limit, L, (dm_limits){ .timeout_ms = bg->run_ms }, dm_clock_ms());
  int status = lua_pcall(L, 0, 1, 0);
  dm_limit_end(&bg->limit);
  if (status == LUA_OK && lua_type(L, -1) == LUA_TSTRING) {
    const char *text = lua_tolstring(L, -1, &length);
    put(bg, text, length);
  }
  lua_settop(L, 1);
}

/* Waits until it is to run; false: until it is to end. */
static bool wait_for_wake (background *bg) {
  struct timespec gap = dm_clock_in(GAP_MS);
  pthread_mutex_lock(&bg->lock);
  while (!bg->stopped && pthread_cond_timedwait(&bg->changed, &bg->lock, &gap) == 0) {}
  while (!bg->stopped && !bg->awake) pthread_cond_wait(&bg->changed, &bg->lock);
  bg->awake = false;
  bool goes_on = !bg->stopped;
  pthread_mutex_unlock(&bg->lock);
  return goes_on;
}

static void *background_main (void *ud) {
  background *bg = ud;
  dm_limit_enter(&bg->limit);
  do run_once(bg); while (wait_for_wake(bg));
  dm_limit_enter(NULL);
  pthread_mutex_lock(&bg->lock);
  bg->ended = true;
  pthread_cond_broadcast(&bg->changed);
  pthread_mutex_unlock(&bg->lock);
  return NULL;
}

/* -- The main thread's part ------------------------------------------------------------------- */

static background *check_background (lua_State *L) {
  return luaL_checkudata(L, 1, BACKGROUND_TYPE);
}

static void change (background *bg, bool *what) {
  pthread_mutex_lock(&bg->lock);
  *what = true;
  pthread_cond_broadcast(&bg->changed);
  pthread_mutex_unlock(&bg->lock);
}

static bool await_end (background *bg, int timeout_ms) {
  struct timespec until = dm_clock_in(timeout_ms);
  pthread_mutex_lock(&bg->lock);
  while (!bg->ended && pthread_cond_timedwait(&bg->changed, &bg->lock, &until) == 0) {}
  bool ended = bg->ended;
  pthread_mutex_unlock(&bg->lock);
  return ended;
}

/* Cuts off what runs, until it has ended. */
static void join (background *bg) {
  bool ended = await_end(bg, GRACE_MS);
  while (!ended) {
    dm_limit_expire(&bg->limit);
    dm_limit_watch(&bg->limit, dm_clock_ms());
    ended = await_end(bg, CUT_MS);
  }
  pthread_join(bg->thread, NULL);
}

/* background:wake(): the function runs soon, also when it runs now */
static int background_wake (lua_State *L) {
  background *bg = check_background(L);
  if (bg->state == NULL) return 0;
  dm_limit_watch(&bg->limit, dm_clock_ms());
  change(bg, &bg->awake);
  return 0;
}

/* background:take() -> what the newest run has returned, once | nil */
static int background_take (lua_State *L) {
  background *bg = check_background(L);
  if (bg->state == NULL) return 0;
  dm_limit_watch(&bg->limit, dm_clock_ms());
  pthread_mutex_lock(&bg->lock);
  char *text = bg->text;
  size_t length = bg->length;
  bg->text = NULL;
  pthread_mutex_unlock(&bg->lock);
  if (text == NULL) return 0;
  lua_pushlstring(L, text, length);  /* a lack of memory here loses it, at worst */
  free(text);
  return 1;
}

/* The function ends what it has opened. What it says of that interests nobody. */
static void tell_end (background *bg) {
  lua_State *L = bg->state->L;
  lua_pushvalue(L, 1);
  lua_pushboolean(L, 1);
  lua_pcall(L, 1, 0, 0);
  lua_settop(L, 1);
}

/* background:close(): ends what runs */
static int background_close (lua_State *L) {
  background *bg = check_background(L);
  if (bg->state == NULL) return 0;
  change(bg, &bg->stopped);
  join(bg);
  tell_end(bg);
  dm_worker_state_free(bg->state);
  bg->state = NULL;
  free(bg->text);
  pthread_cond_destroy(&bg->changed);
  pthread_mutex_destroy(&bg->lock);
  return 0;
}

static void make_lock (background *bg) {
  pthread_condattr_t monotonic;
  pthread_mutex_init(&bg->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&bg->changed, &monotonic);
  pthread_condattr_destroy(&monotonic);
}

/* background(state [, run_ms]) -> background | nil, reason; runs the state's function, now and when
** it is woken */
static int host_background (lua_State *L) {
  lua_Integer run_ms = luaL_optinteger(L, 2, RUN_MS);
  background *bg = lua_newuserdatauv(L, sizeof *bg, 0);
  memset(bg, 0, sizeof *bg);
  bg->run_ms = run_ms;
  luaL_setmetatable(L, BACKGROUND_TYPE);
  if (!dm_limit_ready()) {
    lua_pushnil(L);
    lua_pushliteral(L, "no real-time signal is free");
    return 2;
  }
  dm_worker_state *state = dm_state_take(L, 1);
  make_lock(bg);
  bg->state = state;
  if (pthread_create(&bg->thread, NULL, background_main, bg) == 0) return 1;
  bg->state = NULL;
  dm_worker_state_free(state);
  lua_pushnil(L);
  lua_pushliteral(L, "no thread could be had");
  return 2;
}

void dm_background_register (lua_State *L) {
  static const luaL_Reg methods[] = {
    { "close", background_close }, { "take", background_take }, { "wake", background_wake },
    { NULL, NULL }
  };
  static const luaL_Reg metamethods[] = {
    { "__close", background_close }, { "__gc", background_close }, { NULL, NULL }
  };
  dm_metatable_new(L, BACKGROUND_TYPE);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_pushcfunction(L, host_background);
  lua_setfield(L, -2, "background");
}
