/* SPDX-License-Identifier: MIT */
/* limit.h -- ends Lua code that runs for too long or needs too much memory.
**
** A run that keeps its limits costs two stores: nothing counts its instructions. A watchdog, on
** another thread, compares the deadline with the clock and signals the thread that is late; the
** signal's handler sets a hook that raises an error at every instruction until the run has ended,
** so that no pcall can swallow it. Coroutines that were made after dm_limit_coroutines look whether
** it is time every 1,000 instructions. Code that is inside a C function for good, or in a
** finalizer, cannot be ended: dm_limit_late tells. This guards against accidents, not against
** hostile scripts.
**
** Threads:   dm_limit_watch, _expire and _late on the watchdog's, the rest on the thread that runs L.
** Ownership: none; L must outlive the run.
** Order:     dm_limit_ready once a process; enter; begin, end for each run; leave.
*/
#ifndef DM_LIMIT_H
#define DM_LIMIT_H

#include <lua.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What a run may need; 0: no limit. */
typedef struct dm_limits {
  int64_t timeout_ms;
  int64_t instructions; /* of the Lua machine, to a thousand or so */
} dm_limits;

typedef enum dm_excess {
  DM_EXCESS_NONE,
  DM_EXCESS_TIME,
  DM_EXCESS_INSTRUCTIONS,
  DM_EXCESS_MEMORY
} dm_excess;

/* The most of a traceback that is kept. */
#define DM_LIMIT_STACK 2048

typedef struct dm_limit {
  /* Read by the watchdog: */
  _Atomic pthread_t thread;
  _Atomic int64_t began_ms;       /* when the run began; 0: there is none */
  _Atomic int64_t deadline_ms;    /* when it must have ended; 0: there is none, or no limit */
  /* The running thread's: */
  lua_State *L;
  dm_limits limits;               /* of this run */
  int64_t used;                   /* instructions counted */
  volatile sig_atomic_t excess;   /* a dm_excess */
  volatile sig_atomic_t hooked;   /* L's hook was replaced by ours; it was: */
  lua_Hook hook;
  int mask, count;
  char stack[DM_LIMIT_STACK];     /* where the run was when it was first cut off, or "" */
} dm_limit;

/* Installs the signal's handler. False: no real-time signal is free. */
bool dm_limit_ready (void);

/* From now on runs of this thread are 'limit's; returns what was before. NULL ends that. */
dm_limit *dm_limit_enter (dm_limit *limit);

/* Begins a run of L at now_ms; set limit->L to end in coroutines what L waits for. */
void dm_limit_begin (dm_limit *limit, lua_State *L, dm_limits limits, int64_t now_ms);

/* Other limits for the run, which count from its beginning. */
void dm_limit_change (dm_limit *limit, dm_limits limits);

/* Ends the run and tells which limit it has exceeded. Its L has the hook that it had before. */
dm_excess dm_limit_end (dm_limit *limit);

/* Has the run of this thread exceeded a limit? Code that ends without another instruction of Lua may have
** caught what the limit raised. */
bool dm_limit_is_over (void);

/* The allocator of L's state has refused what the running code needs. */
void dm_limit_refused (const void *allocator);

/* Lets the coroutines that Lua code makes in this state from now on be ended: they run slower than
** without it. Once is enough.  [-0, +0, m] */
void dm_limit_coroutines (lua_State *L);

/* Signals the thread when its run is late. */
void dm_limit_watch (dm_limit *limit, int64_t now_ms);

/* Makes the run late, if there is one with a time limit: the next dm_limit_watch ends it. */
void dm_limit_expire (dm_limit *limit);

/* How many times its time the run has taken, when it is late; else 0. */
double dm_limit_late (const dm_limit *limit, int64_t now_ms);

#endif
