/* SPDX-License-Identifier: MIT */
/* group_stats_lua.h -- a group's figures as a Lua table.
**
** Threads: the thread that owns L.
*/
#ifndef DM_GROUP_STATS_LUA_H
#define DM_GROUP_STATS_LUA_H

#include <lua.h>

#include "runtime/group.h"

/* Pushes the table docmsg.GroupStats.  [-0, +1, m] */
void dm_group_stats_push (lua_State *L, dm_group *group);

#endif
