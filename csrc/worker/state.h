/* SPDX-License-Identifier: MIT */
/* state.h -- Lua states of workers: made, loaded and closed on the thread that owns the parent
** state, lent to one worker thread in between. Only plain values cross from state to state.
**
** Threads:   dm_worker_state_* on the parent's thread, while no other thread uses the state.
** Ownership: the caller owns what dm_worker_state_new returns.
** Order:     new; boot; lend L to a thread and get it back; free.
*/
#ifndef DM_WORKER_STATE_H
#define DM_WORKER_STATE_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "worker/pool.h"

/* Registry table of a parent state: module name -> C function that opens it in a worker's state. */
#define DM_WORKER_OPENERS "docmsg.worker.openers"

typedef struct dm_worker_state {
  lua_State *L;
  dm_pool pool;      /* where they are */
  size_t used;       /* bytes that L holds */
  size_t limit;      /* the most it may hold; 0: no limit */
  bool refused;      /* the last block that was asked for; Lua collects garbage and asks again */
} dm_worker_state;

/* A state with the standard libraries that searches modules where 'parent' does, and finds the same
** C modules. NULL: no memory.  [-0, +0, m] */
dm_worker_state *dm_worker_state_new (lua_State *parent, size_t limit);

/* Requires 'module' in the state and calls its function 'boot' with a copy of the plain value at
** idx of 'parent'. What it returns stays on the state's stack, alone. False after pushing the text
** of the error on 'parent'. Raises when the value is not plain.  [-0, +(0|1), e] */
bool dm_worker_state_boot (dm_worker_state *state, lua_State *parent, int idx, const char *module);

void dm_worker_state_free (dm_worker_state *state);

/* Sets the most that the state may hold and returns what it was; NULL has no limit.  [-0, +0, -] */
size_t dm_worker_state_allow (dm_worker_state *state, size_t limit);

/* How deep the tables of a plain value may be nested. */
#define DM_VALUE_DEPTH 16

/* Raises unless the value at idx is plain: nil, a boolean, a number, a string or a table of such that
** is nested at most 'depth' times.  [-0, +0, e] */
void dm_value_check (lua_State *L, int idx, int depth);

/* Pushes on 'to' a copy of the plain value at idx of 'from', where there is room on the stack for
** its walk. Raises on 'to' alone.  [-0, +0, -] on 'from', [-0, +1, m] on 'to' */
void dm_value_copy (lua_State *from, int idx, lua_State *to);

#endif
