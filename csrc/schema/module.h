/* SPDX-License-Identifier: MIT */
/* module.h -- the Lua module docmsg.schema.core: what docmsg.schema compiles to. */
#ifndef DM_SCHEMA_MODULE_H
#define DM_SCHEMA_MODULE_H

#include <lua.h>

/* Opens docmsg.schema.core.  [-0, +1, m] */
__attribute__((visibility("default"))) int luaopen_docmsg_schema_core (lua_State *L);

#endif
