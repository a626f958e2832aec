/* SPDX-License-Identifier: MIT */
/* host.h -- the Lua module docmsg.host: what the command line, written in Lua, needs from C.
**
** Threads:   the main thread.
** Ownership: none.
** Order:     dm_host_install after dm_interrupt_init; dm_host_finish last.
*/
#ifndef DM_HOST_HOST_H
#define DM_HOST_HOST_H

#include <lua.h>

/* Registers docmsg.host as loaded and replaces os.exit by one that closes the state.
** [-0, +0, m] */
void dm_host_install (lua_State *L);

/* Closes the state and flushes standard output. Returns the exit status: 'status', or 1 when that
** would hide that output was lost. */
int dm_host_finish (lua_State *L, int status);

#endif
