/* SPDX-License-Identifier: MIT */
/* notes_lua.h -- what the threads of the runtime have to say, as Lua values. */
#ifndef DM_NOTES_LUA_H
#define DM_NOTES_LUA_H

#include <lua.h>

#include "kafka/feed.h"

/* Takes all notes and pushes them: { {level = "info"|"warn"|"error", message}, ... }.
** [-0, +1, e] */
void dm_notes_push (lua_State *L, dm_feed *feed);

#endif
