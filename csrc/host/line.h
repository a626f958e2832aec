/* SPDX-License-Identifier: MIT */
/* line.h -- reads lines for the REPL and keeps its history file.
**
** Threads:   the main thread.
** Ownership: an editor is a userdata that frees itself.
** Order:     dm_line_register once; then the functions from Lua.
*/
#ifndef DM_HOST_LINE_H
#define DM_HOST_LINE_H

#include <lua.h>

/* Adds 'editor' and 'append' to the table on top (lua/docmsg/meta/host.lua).  [-0, +0, m] */
void dm_line_register (lua_State *L);

#endif
