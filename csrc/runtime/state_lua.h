/* SPDX-License-Identifier: MIT */
/* state_lua.h -- docmsg.WorkerState: the Lua state of a worker, as its parent sees it.
**
** Threads:   the thread that owns L; a group lends the state to a worker's thread.
** Ownership: the userdata owns the state, unless a group took it (dm_state_take).
*/
#ifndef DM_STATE_LUA_H
#define DM_STATE_LUA_H

#include <lua.h>

#include "worker/state.h"

/* Makes the metatable.  [-0, +0, m] */
void dm_state_lua_open (lua_State *L);

/* runtime.state { module, settings, memory } -> state | nil, reason: a new state in which
** require(module).boot(settings) has returned a function.  [-1, +(1|2), e] */
int dm_state_lua (lua_State *L);

/* Takes the state at arg from its userdata; raises when it was taken or is closed.  [-0, +0, e] */
dm_worker_state *dm_state_take (lua_State *L, int arg);

#endif
