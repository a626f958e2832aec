/* SPDX-License-Identifier: MIT */
/* interrupt.h -- turns SIGINT, SIGTERM and a broken output pipe into an error of the running chunk.
**
** Threads:   the main thread owns everything here; a signal that arrives on another thread is
**            handed to it.
** Ownership: borrows the main state from dm_interrupt_init until dm_interrupt_close.
** Order:     init, then any number of protected calls, then close.
**
** The signal handler arms a debug hook on the main state and on the running coroutine; the hook
** raises the interruption, a value of its own that pcall and its kin pass on (protect.h), so that
** it unwinds the whole chunk, runs its <close> variables, and ends in dm_interrupt_call. C code
** that blocks only has to run any Lua function once in a while for the hook to fire. Where nothing of
** that comes about, a second signal ends the process: at once when the first was not heard, and a second
** later when it was, and the program is still closing what it had open.
*/
#ifndef DM_HOST_INTERRUPT_H
#define DM_HOST_INTERRUPT_H

#include <lua.h>

/* Makes the interruption value and installs the signal handlers.  [-0, +0, m] */
void dm_interrupt_init (lua_State *L);

/* From now on a signal ends the process at once: the state is being closed. Returns 0 when that
** was so already. */
int dm_interrupt_close (void);

/* Lua function call(f, ...): calls f so that a signal interrupts it. Returns true and f's results,
** or false, the error value, its traceback (string or nil) and the signal's number (or nil). */
int dm_interrupt_call (lua_State *L);

/* Lua function aside(f, ...): call, for what goes on beside a line that is read: the signal that
** interrupted f ends the reading, too, as if it had come while the line was awaited. */
int dm_interrupt_aside (lua_State *L);

/* 1 when the value at 'index' is the interruption.  [-0, +0, -] */
int dm_interrupt_is (lua_State *L, int index);

/* Raises the interruption again.  [-0, +0, v] */
int dm_interrupt_raise (lua_State *L);

/* Tells which coroutine runs from now on; returns the one that ran before.  [-0, +0, -] */
lua_State *dm_interrupt_switch (lua_State *running);

/* 1 after an interruption was raised in the current call. */
int dm_interrupt_raised (void);

/* Between begin and end a signal is only noted, and a second SIGINT never kills: a line is being
** typed. End returns the signal that came, or 0. */
void dm_interrupt_begin_reading (void);
int dm_interrupt_end_reading (void);

/* While on, SIGINT and SIGTERM raise nothing in the running code, which asks for them with
** dm_interrupt_pending; a second one ends the program. With 'hangup' SIGHUP does not end it
** either: it is asked for with dm_interrupt_take_hangup. Off forgets what came. */
void dm_interrupt_listen (int on, int hangup);

/* 1 when a SIGHUP has come since the last call. */
int dm_interrupt_take_hangup (void);

/* The signal that came and was not raised yet, or 0. */
int dm_interrupt_pending (void);

/* 1 when whoever read standard output or standard error went away. Async-signal-safe. */
int dm_interrupt_is_output_broken (void);

#endif
