/* SPDX-License-Identifier: MIT */
/* fetch_lua.h -- http.get.
**
** Threads: the thread that owns L.
*/
#ifndef DM_HTTP_FETCH_LUA_H
#define DM_HTTP_FETCH_LUA_H

#include <lua.h>

/* http.get(address, path [, timeout]) -> body, code | nil, reason.  [-0, +2, e] */
int dm_fetch_lua (lua_State *L);

#endif
