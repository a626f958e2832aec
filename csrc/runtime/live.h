/* SPDX-License-Identifier: MIT */
/* live.h -- what a handler holds of the record that runs: its event and its context. Each is a table
** with the dispatcher's frame at 1, an event also with its data at 2, when they are at hand. Without a
** frame it is released: every use raises.
**
** Threads: the thread that owns L.
*/
#ifndef DM_LIVE_H
#define DM_LIVE_H

#include <lua.h>

/* The places in such a table. */
enum { DM_LIVE_FRAME = 1, DM_LIVE_DATA };

/* Pushes a new one: the frame and the metatable are at those indices.  [-0, +1, m] */
void dm_live_push (lua_State *L, int frame, int metatable);

/* Releases the one at idx, which is not a pseudo-index.  [-0, +0, -] */
void dm_live_release (lua_State *L, int idx);

/* live_index(methods, read) -> __index
**
** index(live, name) -> the data of an event, where they are at hand; else the method of that name, or
** what read(live, name) gives. Raises when the live one is released. */
int dm_live_index_new (lua_State *L);

#endif
