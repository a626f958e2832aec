/* SPDX-License-Identifier: MIT */
/* database.h -- the userdata docmsg.sqlite.Database: a connection to a file.
**
** Threads:   the thread that owns L; the file may be shared by any number of connections.
** Ownership: a database owns its connection. Statements keep their database alive; when it closes,
**            they end with it.
** Order:     sqlite.open, methods, close; closing twice is fine.
*/
#ifndef DM_SQLITE_DATABASE_H
#define DM_SQLITE_DATABASE_H

#include <lua.h>
#include <sqlite3.h>

typedef struct dm_database {
  sqlite3 *connection; /* NULL: closed */
} dm_database;

/* The open database at that index; raises when it is none, or closed.  [-0, +0, v] */
dm_database *dm_database_check (lua_State *L, int index);

/* sqlite.open(path [, busy_ms]) -> database | nil, err.  [-0, +(1|2), v] */
int dm_database_open_lua (lua_State *L);

/* Registers the metatable.  [-0, +0, m] */
void dm_database_open (lua_State *L);

#endif
