/* SPDX-License-Identifier: MIT */
/* group_properties_lua.h -- the properties of a new group's consumer: how much is read ahead and
** fetched at once, what the guarantees need, and what the options of runtime.group say.
**
** Threads: the thread that owns L.
*/
#ifndef DM_GROUP_PROPERTIES_LUA_H
#define DM_GROUP_PROPERTIES_LUA_H

#include <lua.h>

/* Pushes the table property -> text for the options at idx, which were checked.  [-0, +1, e] */
void dm_group_properties_push (lua_State *L, int idx);

#endif
