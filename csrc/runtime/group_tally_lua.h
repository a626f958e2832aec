/* SPDX-License-Identifier: MIT */
/* group_tally_lua.h -- what a group's handlers did and how far its partitions are behind, as tables.
**
** Threads: the thread that owns L.
*/
#ifndef DM_GROUP_TALLY_LUA_H
#define DM_GROUP_TALLY_LUA_H

#include <lua.h>

#include "runtime/group.h"

/* Sets 'types', 'busy' and 'places' of the table on the top, see docmsg.GroupStats.
** [-0, +0, m] */
void dm_group_tally_set (lua_State *L, dm_group *group);

/* Pushes the upper bounds of durations, in seconds.  [-0, +1, m] */
void dm_tally_bounds_push (lua_State *L);

#endif
