/* SPDX-License-Identifier: MIT */
/* server_lua.h -- docmsg.http.Server.
**
** Threads: the thread that owns L.
*/
#ifndef DM_HTTP_SERVER_LUA_H
#define DM_HTTP_SERVER_LUA_H

#include <lua.h>

/* http.server{...} -> server | nil, reason.  [-1, +(1|2), e] */
int dm_server_lua (lua_State *L);

/* http.status{...} -> server | nil, reason: one of pages alone, which is started.  [-1, +(1|2), e] */
int dm_status_lua (lua_State *L);

/* Registers the metatable.  [-0, +0, m] */
void dm_server_lua_open (lua_State *L);

#endif
