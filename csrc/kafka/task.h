/* SPDX-License-Identifier: MIT */
/* task.h -- a blocking librdkafka call on a thread of its own, so that the calling thread can
** answer Ctrl-C and keep a deadline.
**
** Threads:   start and wait on the thread that owns L; work() on the task's thread, never Lua.
** Ownership: two references, one of each thread; 'arg' is released when both are gone, so an
**            abandoned call keeps its memory until it ends.
** Order:     dm_task_start, dm_task_wait any number of times, dm_task_unref once.
*/
#ifndef DM_TASK_H
#define DM_TASK_H

#include <stdbool.h>

typedef struct dm_task dm_task;

/* Starts work(arg). release(arg) is called once, when nobody needs it. Returns NULL, with arg
** already released, when no thread could be had. */
dm_task *dm_task_start (void (*work) (void *arg), void (*release) (void *arg), void *arg);

/* Waits up to timeout_ms (-1: without end) and tells whether the work has ended. */
bool dm_task_wait (dm_task *task, int timeout_ms);

dm_task *dm_task_ref (dm_task *task);
void dm_task_unref (dm_task *task);

#endif
