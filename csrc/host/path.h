/* SPDX-License-Identifier: MIT */
/* path.h -- where the program finds its own Lua, scripts and modules.
**
** Threads:   the main thread.
** Ownership: nothing is kept; results are Lua strings.
** Order:     dm_path_setup once, after the libraries are open and before anything is required.
**
** The build tree and the installed tree look alike: <prefix>/bin/docmsg-lua beside
** <prefix>/share/docmsg-lua/{lua,scripts}.
*/
#ifndef DM_HOST_PATH_H
#define DM_HOST_PATH_H

#include <lua.h>

/* Pushes the folder that holds 'lua' and 'scripts'.  [-0, +1, m] */
void dm_path_push_share (lua_State *L);

/* Puts our folders at the head of package.path and package.cpath; what LUA_PATH and LUA_CPATH
** named follows, or, with 'ignore_environment', what Lua was built with.  [-0, +0, e] */
void dm_path_setup (lua_State *L, int ignore_environment);

#endif
