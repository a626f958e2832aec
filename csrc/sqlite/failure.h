/* SPDX-License-Identifier: MIT */
/* failure.h -- what SQLite refuses, as error objects: { code, name, message }.
**
** Threads: the thread that owns L.
*/
#ifndef DM_SQLITE_FAILURE_H
#define DM_SQLITE_FAILURE_H

#include <lua.h>
#include <sqlite3.h>

/* Pushes nil and an error object for what the connection did last; 'what' tells what that was.
** A connection that could not be made is NULL.  [-0, +2, m] */
int dm_failure_push (lua_State *L, sqlite3 *connection, int code, const char *what);

/* Registers the metatable.  [-0, +0, m] */
void dm_failure_open (lua_State *L);

#endif
