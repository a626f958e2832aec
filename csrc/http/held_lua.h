/* SPDX-License-Identifier: MIT */
/* held_lua.h -- http.held and http.settle: files of uploads that were stored, and whose fate was open
** when their server ended, see dm_upload_hold.
**
** Threads: the thread that owns L.
*/
#ifndef DM_HTTP_HELD_LUA_H
#define DM_HTTP_HELD_LUA_H

#include <lua.h>

/* http.held(folder) -> { name, ... } | nil, reason: those that are held.  [-0, +(1|2), e] */
int dm_held_lua (lua_State *L);

/* http.settle(path) -> true | nil, reason: it is held no more.  [-0, +(1|2), e] */
int dm_settle_lua (lua_State *L);

#endif
