/* SPDX-License-Identifier: MIT */
/* statement.h -- the userdata docmsg.sqlite.Statement, and what marks bytes as a blob.
**
** Values: nil is NULL, an integer has 64 bits, a float is REAL, true and false are 1 and 0, a string
** is TEXT, whatever its bytes, and sqlite.blob(bytes) a BLOB. TEXT and BLOB come back as strings.
**
** Threads:   the thread that owns L.
** Ownership: a statement owns its sqlite3_stmt while its database is open, and keeps the database's
**            userdata in its user value.
** Order:     database:prepare; bind, step until false, reset: any number of times; close.
*/
#ifndef DM_SQLITE_STATEMENT_H
#define DM_SQLITE_STATEMENT_H

#include "sqlite/database.h"

/* Makes a statement of the database at stack index 1.  [-0, +(1|2), m] */
int dm_statement_new (lua_State *L, dm_database *database, const char *sql);

/* sqlite.blob(bytes) -> blob.  [-0, +1, v] */
int dm_blob_lua (lua_State *L);

/* Registers the metatables.  [-0, +0, m] */
void dm_statement_open (lua_State *L);

#endif
