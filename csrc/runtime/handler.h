/* SPDX-License-Identifier: MIT */
/* handler.h -- runs works of a lane through the Lua function that docmsg.dispatch has made, and
** sends what they emitted.
**
** The function is called with a docmsg.Work (work_lua.h) and returns
**   verdict, reason, message, after_ms, stack, attempts
** where verdict is 0 ack, 1 retry, 2 dead, 3 skip, and attempts how often the record may be handled
** in all.
**
** Threads:   the lane's thread, which owns L.
** Ownership: the handler owns its outbox and two registry references in L; works stay the lane's.
** Order:     dm_handler_open; dm_handler_serve any number of times; dm_handler_close.
*/
#ifndef DM_HANDLER_H
#define DM_HANDLER_H

#include <lua.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "runtime/emitter.h"
#include "runtime/envelope.h"
#include "runtime/lane.h"

typedef struct dm_handler {
  lua_State *L;
  dm_lane *lane;
  dm_emitter *emitter;
  dm_emitting by;              /* who the emits are from; borrowed */
  const atomic_bool *give_up;  /* works must not wait for the producer any more */
  dm_outbox *outbox;
  int dispatch, box;           /* references in the registry */
  dm_work *work;               /* the one that runs, or NULL */
  int64_t began_ms;            /* when it began */
  dm_cause cause;              /* what is known of the record that runs */
  bool cause_read;
} dm_handler;

/* Makes a handler that calls the function on the top of the stack, which is popped. The caller has
** set lane, emitter, by and give_up.  [-1, +0, e] */
void dm_handler_open (lua_State *L, dm_handler *handler);
void dm_handler_close (dm_handler *handler);

/* Waits for works up to timeout_ms (-1: without end) and runs what there is. Returns how many were
** run; -1: the lane is stopped or the wait is over. With 'interrupted' it looks before each work
** whether to stop, and the rest goes back unrun.  [-0, +0, -] */
int dm_handler_serve (dm_handler *handler, int timeout_ms, bool (*interrupted) (void *arg),
                      void *arg);

/* What is known of the record that runs; read at first use. */
const dm_cause *dm_handler_cause (dm_handler *handler);

#endif
