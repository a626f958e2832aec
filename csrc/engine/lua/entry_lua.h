/* SPDX-License-Identifier: MIT */
/* entry_lua.h -- the Lua object docmsg.Entry: a record as the engine knows it.
**
** Threads:   the thread that owns L.
** Ownership: user value 1 is its engine, user value 2 its key. While the engine has the entry, it
**            is anchored in the engine's table of entries, user value 1 of that.
*/
#ifndef DM_ENTRY_LUA_H
#define DM_ENTRY_LUA_H

#include <lua.h>

#include "engine/engine.h"

typedef struct dm_lua_entry {
  dm_entry entry; /* first */
  struct dm_lua_entry *next; /* while a list is being made of them */
} dm_lua_entry;

/* Makes the metatable.  [-0, +0, m] */
void dm_entry_open (lua_State *L);

/* Pushes an entry of the engine at index 'engine', made from the table at 'record', and anchors it;
** raises when a field is wrong.  [-0, +1, e] */
dm_lua_entry *dm_entry_push (lua_State *L, int engine, int record);

/* Pushes an entry that is anchored.  [-0, +1, m] */
void dm_entry_push_anchored (lua_State *L, int engine, const dm_entry *entry);

/* The entry at arg, of the engine at index 'engine' and in one of the states, a set of 1 << state;
** otherwise raises, 'doing' says for what.  [-0, +0, e] */
dm_entry *dm_entry_check (lua_State *L, int engine, int arg, unsigned states, const char *doing);

/* The engine no longer has the entry.  [-0, +0, m] */
void dm_entry_release (lua_State *L, int engine, const dm_entry *entry);

#endif
