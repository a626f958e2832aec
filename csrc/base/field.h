/* SPDX-License-Identifier: MIT */
/* field.h -- figures as fields of the table on the top of the stack.
**
** Threads: the thread that owns L.
*/
#ifndef DM_FIELD_H
#define DM_FIELD_H

#include <lua.h>
#include <stdint.h>

/* table[name] = value.  [-0, +0, e] */
static inline void dm_field_count (lua_State *L, const char *name, uint64_t value) {
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, name);
}

/* table[name] = so many microseconds, in seconds.  [-0, +0, e] */
static inline void dm_field_seconds (lua_State *L, const char *name, uint64_t micros) {
  lua_pushnumber(L, (lua_Number)micros / 1e6);
  lua_setfield(L, -2, name);
}

#endif
