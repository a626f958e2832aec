/* SPDX-License-Identifier: MIT */
/* route_lua.h -- the routes of a server, as Lua declares them.
**
** Threads: the thread that owns L.
*/
#ifndef DM_HTTP_ROUTE_LUA_H
#define DM_HTTP_ROUTE_LUA_H

#include <lua.h>

#include "http/server.h"

/* Adds the route in the table at idx; returns its number. Raises when something is wrong in it.
** [-0, +0, e] */
int dm_route_add (lua_State *L, int idx, dm_server *server);

/* Copies the list of strings at idx, which ends with NULL then; the caller frees all of it.
** [-0, +0, e] */
char **dm_route_copy_strings (lua_State *L, int idx);

#endif
