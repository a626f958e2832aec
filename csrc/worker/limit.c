/* SPDX-License-Identifier: MIT */
#include "worker/limit.h"

#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#include "kafka/clock.h"

/* How many instructions are counted at once. */
#define STEP 1000

/* The run of this thread; the signal's handler reads it, after dm_limit_enter has touched it. */
static _Thread_local dm_limit *current;

/* -- Hooks ------------------------------------------------------------------------------------ */

static void hook_count (lua_State *L, lua_Debug *ar);

/* Keeps where the run is, once. When memory is short there may be no room to find out. */
static void note_stack (lua_State *L, dm_limit *limit) {
  if (limit->stack[0] != '\0' || limit->excess == DM_EXCESS_MEMORY) return;
  luaL_traceback(L, L, NULL, 0);
  strncpy(limit->stack, lua_tostring(L, -1), sizeof limit->stack - 1);
  lua_pop(L, 1);
}

static void hook_raise (lua_State *L, lua_Debug *ar) {
  dm_limit *limit = current;
  (void)ar;
  if (limit == NULL || limit->excess == DM_EXCESS_NONE) {
    lua_sethook(L, hook_count, LUA_MASKCOUNT, STEP); /* a coroutine has outlived the run */
    return;
  }
  note_stack(L, limit);
  lua_pushliteral(L, "the handler is over its limit");
  lua_error(L);
}

/* Replaces L's hook. Async-signal-safe. */
static void set_hook (dm_limit *limit, lua_Hook hook, int count) {
  lua_State *L = limit->L;
  if (!limit->hooked) {
    limit->hook = lua_gethook(L);
    limit->mask = lua_gethookmask(L);
    limit->count = lua_gethookcount(L);
    limit->hooked = 1;
  }
  lua_sethook(L, hook, LUA_MASKCOUNT, count);
}

/* From now on every instruction raises. Async-signal-safe. */
static void cut_off (dm_limit *limit, dm_excess excess) {
  if (limit->excess == DM_EXCESS_NONE) limit->excess = excess;
  set_hook(limit, hook_raise, 1);
}

static void hook_count (lua_State *L, lua_Debug *ar) {
  dm_limit *limit = current;
  if (limit == NULL || limit->began_ms == 0) return;
  if (limit->limits.instructions > 0 && (limit->used += STEP) > limit->limits.instructions)
    cut_off(limit, DM_EXCESS_INSTRUCTIONS);
  if (limit->excess == DM_EXCESS_NONE) return;
  lua_sethook(L, hook_raise, LUA_MASKCOUNT, 1);
  hook_raise(L, ar);
}

/* Gives L its own hook back, unless somebody else has set one meanwhile. */
static void restore_hook (dm_limit *limit) {
  lua_Hook now = lua_gethook(limit->L);
  if (now == hook_raise || now == hook_count)
    lua_sethook(limit->L, limit->hook, limit->mask, limit->count);
  limit->hooked = 0;
}

/* -- The signal ------------------------------------------------------------------------------- */

static int the_signal; /* set once, by install; 0: none is free */

static void on_signal (int number) {
  int saved = errno;
  dm_limit *limit = current;
  (void)number;
  if (limit != NULL) {
    int64_t deadline = atomic_load_explicit(&limit->deadline_ms, memory_order_relaxed);
    /* The run that was late may have ended while the signal was on its way. */
    if (deadline != 0 && dm_clock_ms() > deadline) cut_off(limit, DM_EXCESS_TIME);
  }
  errno = saved;
}

/* Takes the last real-time signal that nobody uses. */
static void install (void) {
  struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART }, before;
  for (int number = SIGRTMAX; number >= SIGRTMIN && the_signal == 0; number--) {
    if (sigaction(number, NULL, &before) != 0 || before.sa_handler != SIG_DFL) continue;
    if (sigaction(number, &action, NULL) == 0) the_signal = number;
  }
}

bool dm_limit_ready (void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, install);
  return the_signal != 0;
}

/* -- A run ------------------------------------------------------------------------------------ */

/* A thread that was started by one that blocks signals would stay deaf. */
static void listen_to_signal (void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, the_signal);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

dm_limit *dm_limit_enter (dm_limit *limit) {
  dm_limit *before = current;
  if (limit != NULL && !pthread_equal(atomic_load(&limit->thread), pthread_self())) {
    listen_to_signal();
    atomic_store(&limit->thread, pthread_self());
  }
  current = limit;
  return before;
}

static int64_t deadline_of (const dm_limit *limit) {
  int64_t timeout = limit->limits.timeout_ms;
  return timeout > 0 ? atomic_load_explicit(&limit->began_ms, memory_order_relaxed) + timeout : 0;
}

void dm_limit_begin (dm_limit *limit, lua_State *L, dm_limits limits, int64_t now_ms) {
  limit->L = L;
  limit->limits = limits;
  limit->stack[0] = '\0';
  atomic_store_explicit(&limit->began_ms, now_ms, memory_order_relaxed);
  if (limits.instructions > 0) {
    limit->used = 0;
    set_hook(limit, hook_count, STEP);
  }
  atomic_store_explicit(&limit->deadline_ms, deadline_of(limit), memory_order_release);
}

void dm_limit_change (dm_limit *limit, dm_limits limits) {
  bool counted = limit->limits.instructions > 0;
  limit->limits = limits;
  if (limits.instructions > 0 && !counted && limit->excess == DM_EXCESS_NONE) {
    limit->used = 0;
    set_hook(limit, hook_count, STEP);
  }
  atomic_store_explicit(&limit->deadline_ms, deadline_of(limit), memory_order_release);
}

dm_excess dm_limit_end (dm_limit *limit) {
  dm_excess excess;
  atomic_store_explicit(&limit->deadline_ms, 0, memory_order_relaxed);
  atomic_signal_fence(memory_order_seq_cst); /* the signal's handler does nothing from here on */
  atomic_store_explicit(&limit->began_ms, 0, memory_order_relaxed);
  if (limit->hooked) restore_hook(limit);
  excess = (dm_excess)limit->excess;
  limit->excess = DM_EXCESS_NONE;
  return excess;
}

bool dm_limit_is_over (void) {
  return current != NULL && current->excess != DM_EXCESS_NONE;
}

void dm_limit_refused (const void *allocator) {
  dm_limit *limit = current;
  void *ud;
  if (limit == NULL || limit->began_ms == 0) return;
  lua_getallocf(limit->L, &ud);
  if (ud == allocator) cut_off(limit, DM_EXCESS_MEMORY);
}

/* -- Coroutines ------------------------------------------------------------------------------- */

/* coroutine.create or coroutine.wrap, which is upvalue 1; wrap's function has the coroutine as its
** own upvalue 1. */
static int make_coroutine (lua_State *L) {
  lua_State *co;
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 1);
  co = lua_tothread(L, -1);
  if (co == NULL && lua_getupvalue(L, -1, 1) != NULL) {
    co = lua_tothread(L, -1);
    lua_pop(L, 1);
  }
  if (co != NULL) lua_sethook(co, hook_count, LUA_MASKCOUNT, STEP);
  return 1;
}

void dm_limit_coroutines (lua_State *L) {
  static const char *const names[] = { "create", "wrap" };
  lua_getglobal(L, LUA_COLIBNAME);
  for (int i = 0; i < 2; i++) {
    lua_getfield(L, -1, names[i]);
    if (lua_tocfunction(L, -1) == make_coroutine) lua_pop(L, 1);
    else {
      lua_pushcclosure(L, make_coroutine, 1);
      lua_setfield(L, -2, names[i]);
    }
  }
  lua_pop(L, 1);
}

/* -- The watchdog ----------------------------------------------------------------------------- */

void dm_limit_watch (dm_limit *limit, int64_t now_ms) {
  int64_t deadline = atomic_load_explicit(&limit->deadline_ms, memory_order_acquire);
  if (deadline != 0 && now_ms > deadline && the_signal != 0)
    pthread_kill(atomic_load(&limit->thread), the_signal);
}

/* A run that ends meanwhile has no deadline any more, and the exchange fails. */
void dm_limit_expire (dm_limit *limit) {
  int64_t deadline = atomic_load(&limit->deadline_ms), began = atomic_load(&limit->began_ms);
  if (deadline != 0 && began != 0 && began < deadline)
    atomic_compare_exchange_strong(&limit->deadline_ms, &deadline, began);
}

double dm_limit_late (const dm_limit *limit, int64_t now_ms) {
  int64_t deadline = atomic_load(&limit->deadline_ms);
  int64_t began = atomic_load(&limit->began_ms);
  if (deadline == 0 || began == 0 || now_ms <= deadline || deadline <= began) return 0;
  if (atomic_load(&limit->deadline_ms) != deadline) return 0; /* another run has begun */
  return (double)(now_ms - began) / (double)(deadline - began);
}
