/* SPDX-License-Identifier: MIT */
/* work_lua.h -- the record that runs, as docmsg.dispatch sees it: a docmsg.Work. There is one for
** each handler; between two records it refers to nothing, and its use raises.
**
** Threads: the thread that owns L.
*/
#ifndef DM_WORK_LUA_H
#define DM_WORK_LUA_H

#include <lua.h>

typedef struct dm_handler dm_handler;

/* User value of a docmsg.Work that is not of a kept record: topic name -> outlet, a light userdata. */
#define DM_WORK_OUTLETS 1

/* Makes the metatable docmsg.Work.  [-0, +0, m] */
void dm_work_open (lua_State *L);

/* Pushes the docmsg.Work of the handler, which must outlive it, or end it.  [-0, +1, m] */
void dm_work_push (lua_State *L, dm_handler *handler);

/* Pushes the metatable docmsg.Work.  [-0, +1, -] */
void dm_work_metatable_push (lua_State *L);

/* The handler of the docmsg.Work at idx, while it runs a record; NULL: it runs none, or that is something
** else, or of a record that is kept. 'metatable' is where docmsg.Work is, an upvalue.  [-0, +0, -] */
dm_handler *dm_work_running (lua_State *L, int idx, int metatable);

/* The docmsg.Work at idx, and those of records that are kept, refer to nothing from now on.
** [-0, +0, -] */
void dm_work_end (lua_State *L, int idx);

#endif
