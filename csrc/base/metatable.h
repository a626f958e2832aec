/* SPDX-License-Identifier: MIT */
/* metatable.h -- the metatables of our userdata.
**
** Threads: the thread that owns L.
*/
#ifndef DM_METATABLE_H
#define DM_METATABLE_H

#include <lauxlib.h>

/* As luaL_newmetatable, for a userdata. getmetatable does not give it to scripts: a table that had it
** would be collected, or called, as what it is not.  [-0, +1, m] */
static inline int dm_metatable_new (lua_State *L, const char *type) {
  int fresh = luaL_newmetatable(L, type);
  if (fresh) {
    lua_pushstring(L, type);
    lua_setfield(L, -2, "__metatable");
  }
  return fresh;
}

#endif
