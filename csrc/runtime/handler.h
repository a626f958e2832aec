/* SPDX-License-Identifier: MIT */
/* handler.h -- runs works of a lane through the Lua function that docmsg.dispatch has made, and
** sends what they emitted, or leaves it with them.
**
** The function is called with a docmsg.Work (work_lua.h) and returns
**   verdict, reason, message, after_ms, stack, attempts, type
** where verdict is 0 ack, 1 retry, 2 dead, 3 skip, attempts how often the record may be handled in
** all, and type the event's, when it is one that the group handles. When it is ended by a limit, it
** is called again for the same record with
**   work, "timeout" or "memory", message, stack
** and says what becomes of it, without running anything of the record.
**
** A record for a batch handler is kept: verdict 4, and then the milliseconds that the batch may wait
** and how many records it takes. Verdict 5 asks for the batch to run first, and for the same record
** to come again afterwards. The function is then called with
**   work, "batch"                                  to run what is kept
**   work, "settle", i [, reason, message, stack]   for the verdict of the i-th kept record; with a
**                                                  reason the batch was ended by a limit
**   work, "forget"                                 nothing is kept any more
**
** Threads:   serve and give_back on the lane's thread, which uses the script's L; the rest on the
**            thread that owns the parent state, open and close while nothing serves.
** Ownership: the handler owns its outbox and the scripts it is given; works stay the lane's.
** Order:     dm_handler_open; _load; _serve any number of times; _close. _load and _sweep any time.
*/
#ifndef DM_HANDLER_H
#define DM_HANDLER_H

#include <lua.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "runtime/emitter.h"
#include "runtime/envelope.h"
#include "runtime/lane.h"
#include "runtime/script.h"

struct dm_handler {
  dm_script *script;           /* that runs works; the lane's thread's, once that runs */
  unsigned loaded;             /* scripts that it was given to use */
  _Atomic(dm_script *) coming; /* that will, from the next work on; or NULL */
  _Atomic(dm_script *) replaced;
  atomic_uint taken;           /* scripts that have come, and replaced another */
  lua_State *caller;           /* the coroutine that serves; NULL: the script's L */
  int thrown;                  /* the caller's slot for an error that is not the function's own; 0: none */
  dm_lane *lane;
  dm_emitter *emitter;
  dm_emitting by;              /* who the emits are from; borrowed */
  const atomic_bool *give_up;  /* works must not wait for the producer any more */
  bool keeps_emits;            /* exactly-once: they stay with their work */
  dm_outbox *outbox;
  dm_work_list held;           /* a batch that has not run, in the order of the lane */
  int64_t batch_at;            /* when it must, in milliseconds */
  int batch_max;
  unsigned batch;              /* batches that have run, or gone back: what was kept for them is over */
  int answer;                  /* the function's last verdict, 4 and 5 included */
  dm_work *work;               /* the one that runs, or NULL */
  int64_t began_ms;            /* when it began */
  dm_cause cause;              /* what is known of the record that runs */
  bool cause_read;
};

/* The caller has set lane, emitter, by, give_up and keeps_emits. False: no memory. */
bool dm_handler_open (dm_handler *handler);
void dm_handler_close (dm_handler *handler);

/* Gives the handler a script that runs all works from the next one on. */
void dm_handler_load (dm_handler *handler, dm_script *script);

/* Frees the scripts that were replaced. True: the newest one is in use. */
bool dm_handler_sweep (dm_handler *handler);

/* Asks whether to stop; 'now_ms' is of dm_clock_ms. */
typedef bool dm_interrupted (void *arg, int64_t now_ms);

/* Waits for works up to timeout_ms (-1: without end) and runs what there is. Returns how many were
** run; -1: the lane is stopped or the wait is over. With 'interrupted' it looks before each work
** whether to stop, and the rest goes back unrun.  [-0, +0, -] */
int dm_handler_serve (dm_handler *handler, int timeout_ms, dm_interrupted *interrupted, void *arg);

/* Sends back unrun what waits for its batch. Only on the thread that serves, which runs in L now.
** [-0, +0, -] */
void dm_handler_give_back (dm_handler *handler, lua_State *L);

/* What is known of the record that runs; read at first use. */
const dm_cause *dm_handler_cause (dm_handler *handler);

#endif
