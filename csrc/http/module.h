/* SPDX-License-Identifier: MIT */
/* module.h -- opens docmsg.http: servers for others' HTTP clients.
**
** Threads: the thread that owns L.
*/
#ifndef DM_HTTP_MODULE_H
#define DM_HTTP_MODULE_H

#include <lua.h>

/* Pushes the module.  [-0, +1, m] */
__attribute__((visibility("default"))) int luaopen_docmsg_http (lua_State *L);

#endif
