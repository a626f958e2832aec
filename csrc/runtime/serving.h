/* SPDX-License-Identifier: MIT */
/* serving.h -- what runs the handlers of one lane: a worker, which is a thread of its own with a
** state of its own, or the calling thread.
**
** Threads:   the thread that owns the parent state.
** Ownership: a serving owns its handler and its thread; the lane is the group's.
** Order:     zeroed; dm_serving_open; dm_serving_start for a worker; what stops the lane is the
**            caller's; dm_serving_join; dm_serving_close.
*/
#ifndef DM_SERVING_H
#define DM_SERVING_H

#include "kafka/task.h"
#include "runtime/handler.h"

typedef struct dm_serving {
  dm_handler handler;
  dm_task *worker;  /* NULL: the calling thread serves */
  bool open;
} dm_serving;

/* The caller has set the handler's lane, emitter, by and give_up. False: no memory. */
bool dm_serving_open (dm_serving *serving);

/* Starts the worker. False: no thread could be had. */
bool dm_serving_start (dm_serving *serving);

/* Waits up to timeout_ms for the worker to end, when there is one. */
bool dm_serving_join (dm_serving *serving, int timeout_ms);

/* Frees what does not run. */
void dm_serving_close (dm_serving *serving);

#endif
