/* SPDX-License-Identifier: MIT */
/* module.h -- the Lua module docmsg.runtime: what runs the consumers of an app (docmsg.runner). */
#ifndef DM_RUNTIME_MODULE_H
#define DM_RUNTIME_MODULE_H

#include <lua.h>

/* Opens docmsg.runtime.  [-0, +1, m] */
__attribute__((visibility("default"))) int luaopen_docmsg_runtime (lua_State *L);

#endif
