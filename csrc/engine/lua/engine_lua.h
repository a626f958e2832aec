/* SPDX-License-Identifier: MIT */
/* engine_lua.h -- the Lua module docmsg.engine: specs drive the engine with their own clock. */
#ifndef DM_ENGINE_LUA_H
#define DM_ENGINE_LUA_H

#include <lua.h>

/* Opens docmsg.engine.  [-0, +1, m] */
__attribute__((visibility("default"))) int luaopen_docmsg_engine (lua_State *L);

#endif
