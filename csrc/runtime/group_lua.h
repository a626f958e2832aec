/* SPDX-License-Identifier: MIT */
/* group_lua.h -- docmsg.Group: a member of a consumer group and the workers that run its handlers,
** as Lua sees them.
**
** Threads:   the thread that owns L; lane 0 runs on it, too, when the group has no workers.
** Ownership: the userdata owns the group and its workers; user value 1 is the emitter.
*/
#ifndef DM_GROUP_LUA_H
#define DM_GROUP_LUA_H

#include <lua.h>

/* Makes the metatable.  [-0, +0, m] */
void dm_group_lua_open (lua_State *L);

/* runtime.group(options) -> group | nil, err.  [-1, +(1|2), e] */
int dm_group_lua (lua_State *L);

#endif
