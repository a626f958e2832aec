/* SPDX-License-Identifier: MIT */
/* status_lua.h -- the userdata docmsg.http.Status.
**
** Threads: the thread that owns L.
*/
#ifndef DM_HTTP_STATUS_LUA_H
#define DM_HTTP_STATUS_LUA_H

#include <lua.h>

/* http.status{...} -> status | nil, reason.  [-1, +(1|2), e] */
int dm_status_lua (lua_State *L);

/* Registers the metatable.  [-0, +0, m] */
void dm_status_lua_open (lua_State *L);

#endif
