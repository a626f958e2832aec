/* SPDX-License-Identifier: MIT */
/* protect.h -- pcall, xpcall and the coroutine functions as Lua has them, except that an
** interruption (interrupt.h) passes through: a script's pcall cannot swallow Ctrl-C.
**
** Threads:   the main thread.
** Ownership: none.
** Order:     dm_protect_install after the standard libraries are open and dm_interrupt_init.
*/
#ifndef DM_HOST_PROTECT_H
#define DM_HOST_PROTECT_H

#include <lua.h>

/* Replaces pcall, xpcall, coroutine.resume, coroutine.wrap and coroutine.close.  [-0, +0, m] */
void dm_protect_install (lua_State *L);

#endif
