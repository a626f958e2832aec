/* SPDX-License-Identifier: MIT */
/* work_lua.h -- the record that runs, as docmsg.dispatch sees it: a docmsg.Work. There is one for
** each handler; between two records it refers to nothing, and its use raises.
**
** Threads: the thread that owns L.
*/
#ifndef DM_WORK_LUA_H
#define DM_WORK_LUA_H

#include <lua.h>
#include <stdbool.h>

typedef struct dm_handler dm_handler;

/* Makes the metatable docmsg.Work.  [-0, +0, m] */
void dm_work_open (lua_State *L);

/* Pushes the docmsg.Work of the handler, which must outlive it, or end it.  [-0, +1, m] */
void dm_work_push (lua_State *L, dm_handler *handler);

/* Is that a docmsg.Work of a handler, not of a record that is kept?  [-0, +0, -] */
bool dm_work_is (lua_State *L, int idx);

/* The handler of such a docmsg.Work, while a record runs; else NULL.  [-0, +0, -] */
dm_handler *dm_work_handler (lua_State *L, int idx);

/* The docmsg.Work at idx, and those of records that are kept, refer to nothing from now on.
** [-0, +0, -] */
void dm_work_end (lua_State *L, int idx);

#endif
