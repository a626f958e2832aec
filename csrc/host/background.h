/* SPDX-License-Identifier: MIT */
/* background.h -- a Lua function that runs on a thread of its own, in a state of its own, each time
** that it is woken: for answers of the network that nobody waits for. At the end it is called once
** more, with true, on the main thread.
**
** Threads:   the Lua functions on the main thread; the function itself on its own.
** Ownership: a background owns the state that it was given, and its thread; it ends with its
**            userdata.
** Order:     dm_background_register once; background, then wake and take any number of times, which
**            also cut off a run that takes too long; close.
*/
#ifndef DM_HOST_BACKGROUND_H
#define DM_HOST_BACKGROUND_H

#include <lua.h>

/* Adds 'background' to the table on top (lua/docmsg/meta/host.lua).  [-0, +0, m] */
void dm_background_register (lua_State *L);

#endif
