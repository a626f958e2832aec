/* SPDX-License-Identifier: MIT */
/* worker.h -- a thread that runs Lua in a state of its own.
**
** Threads:   start, stop and free on the thread that owns the parent state; run(arg) on the worker's.
** Ownership: the worker owns its state from dm_worker_new on.
** Order:     new; start; what ends run(arg) is the caller's; join; free.
*/
#ifndef DM_WORKER_H
#define DM_WORKER_H

#include <stdbool.h>

#include "worker/state.h"

typedef struct dm_worker dm_worker;

/* A worker that will run in 'state', which it owns; NULL: no memory, and the state is the
** caller's. */
dm_worker *dm_worker_new (dm_worker_state *state);

dm_worker_state *dm_worker_state_of (dm_worker *worker);

/* Starts run(arg) on a thread. False: no thread could be had. */
bool dm_worker_start (dm_worker *worker, void (*run) (void *arg), void *arg);

/* Waits up to timeout_ms for run to end. True: it has, and the state may be used and freed. */
bool dm_worker_join (dm_worker *worker, int timeout_ms);

/* Closes the state of a worker that does not run. */
void dm_worker_free (dm_worker *worker);

#endif
