/* SPDX-License-Identifier: MIT */
/* module.h -- opens docmsg.sqlite: databases in files, for what a pipeline keeps.
**
** Threads: the thread that owns L; each Lua state opens databases of its own.
*/
#ifndef DM_SQLITE_MODULE_H
#define DM_SQLITE_MODULE_H

#include <lua.h>

/* Pushes the module.  [-0, +1, m] */
__attribute__((visibility("default"))) int luaopen_docmsg_sqlite (lua_State *L);

#endif
