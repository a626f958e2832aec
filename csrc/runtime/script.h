/* SPDX-License-Identifier: MIT */
/* script.h -- the loaded handlers of one lane: a Lua state with the function that docmsg.dispatch has
** made in it, and the limits of a run. A reload gives a lane another one.
**
** Threads:   new and free on the thread that owns the parent state, while no other thread uses the
**            script; one lane's thread in between.
** Ownership: a script owns two registry references in L, and the worker's state when it has one.
*/
#ifndef DM_SCRIPT_H
#define DM_SCRIPT_H

#include "worker/limit.h"
#include "worker/state.h"

typedef struct dm_handler dm_handler;

typedef struct dm_script {
  lua_State *L;
  dm_worker_state *state;  /* L's; NULL: L is the calling state */
  int dispatch, box;       /* references in the registry */
  dm_limits limits;
  struct dm_script *next;  /* among those that were replaced */
} dm_script;

/* A script of the calling state, for the function on the top of the stack, which is popped.
** [-1, +0, e] */
dm_script *dm_script_new (lua_State *L, dm_handler *handler, dm_limits limits);

/* A script of a worker's state, which it owns from now on, for the function that is alone on that
** state's stack. NULL after pushing the text of an error on L, and the state is closed.
** [-0, +(0|1), m] */
dm_script *dm_script_of_state (lua_State *L, dm_worker_state *state, dm_handler *handler,
                               dm_limits limits);

void dm_script_free (dm_script *script);

#endif
