/* SPDX-License-Identifier: MIT */
/* interrupt.h -- how a blocking call learns of Ctrl-C.
**
** A signal handler, the program's or that of plain lua, can do one safe thing: set a debug hook.
** A call that blocks waits in slices and looks whether a hook has appeared since it began; if so
** it lets the hook run, which raises whatever it likes.
**
** Two gaps are left, between Lua's call of a function, or the end of one wait in it, and dm_watch_begin. In
** a coroutine plain lua's hook, which is on the main thread alone, looks as one that was there before. And
** the hook that ends a handler over its limit (worker/limit.h) counts instructions: no call of a C function
** makes it run. Both then raise when the call has ended.
**
** Threads:   the thread that owns L.
*/
#ifndef DM_INTERRUPT_H
#define DM_INTERRUPT_H

#include <lua.h>
#include <stdbool.h>

typedef struct dm_watch {
  lua_Hook own;   /* hook of L when the call began */
  lua_Hook main;  /* hook of the main thread */
} dm_watch;

/* Remembers the hooks in force. A signal may have come between the call of the C function and this:
** a hook as its handler sets it runs, which raises. Hold nothing yet.  [-0, +0, e] */
dm_watch dm_watch_begin (lua_State *L);

/* The same for callers that hold something, or must bring something to its end: false after pushing the
** error, which is to be raised after that.  [-0, +(0|1), -] */
bool dm_watch_try (lua_State *L, dm_watch *watch);

/* Has a signal handler asked for attention since?  [-0, +0, -] */
bool dm_watch_pending (lua_State *L, const dm_watch *watch);

/* Lets the new hook run, which usually raises. Give back what you hold before.  [-0, +0, e] */
void dm_watch_yield (lua_State *L, const dm_watch *watch);

/* Both in one, for callers that hold nothing.  [-0, +0, e] */
void dm_watch_check (lua_State *L, const dm_watch *watch);

#endif
