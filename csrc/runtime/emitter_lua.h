/* SPDX-License-Identifier: MIT */
/* emitter_lua.h -- docmsg.Emitter: the producer of a process's groups, as Lua sees it.
**
** Threads:   the thread that owns L.
** Ownership: the userdata owns the emitter; groups keep the userdata alive.
*/
#ifndef DM_EMITTER_LUA_H
#define DM_EMITTER_LUA_H

#include <lua.h>

#include "runtime/emitter.h"

/* Makes the metatable.  [-0, +0, m] */
void dm_emitter_lua_open (lua_State *L);

/* runtime.emitter(options) -> emitter | nil, err.  [-1, +(1|2), e] */
int dm_emitter_lua (lua_State *L);

/* The open emitter at arg, for one more group; raises when it is closed.  [-0, +0, e] */
dm_emitter *dm_emitter_borrow (lua_State *L, int arg);

/* A group that borrowed the emitter at idx has ended.  [-0, +0, -] */
void dm_emitter_return (lua_State *L, int idx);

#endif
