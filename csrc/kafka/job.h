/* SPDX-License-Identifier: MIT */
/* job.h -- C memory that a Lua error must not leak, and that a task may go on using.
**
** A job is a block on the heap held by a userdata. What the block owns is freed by its cleanup:
** when the userdata is collected or ended, and, once it was given to a task, only after the task
** has ended too.
**
** Threads:   the thread that owns L; 'work' alone runs on the task's.
** Ownership: the box owns the block; dm_job_start shares it with the task.
** Order:     push, fill, optionally start and wait, read, end.
*/
#ifndef DM_JOB_H
#define DM_JOB_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "kafka/task.h"

/* Makes the metatable.  [-0, +0, m] */
void dm_job_open (lua_State *L);

/* Pushes a box and returns its zeroed block of 'size' bytes. cleanup(block) frees what the block
** owns, not the block.  [-0, +1, m] */
void *dm_job_push (lua_State *L, size_t size, void (*cleanup) (void *block));

/* The same, and the box ends when the C function that pushed it returns or raises: for what would
** keep a client from closing. It must not be moved on the stack nor removed, only popped.
** [-0, +1, m] */
void *dm_job_push_scoped (lua_State *L, size_t size, void (*cleanup) (void *block));

/* Starts work(block) on a task of its own. Returns the task, borrowed until dm_job_end; NULL when
** no thread could be had.  [-0, +0, -] */
dm_task *dm_job_start (lua_State *L, int idx, void (*work) (void *block));

/* Tells the work of the job at idx that nobody waits for it any more.  [-0, +0, -] */
void dm_job_abandon (lua_State *L, int idx);

/* For work: was its job abandoned? Then it should end soon. */
bool dm_job_abandoned (const void *block);

/* Gives the box's part up at once instead of waiting for the collector.  [-0, +0, -] */
void dm_job_end (lua_State *L, int idx);

#endif
