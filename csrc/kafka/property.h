/* SPDX-License-Identifier: MIT */
/* property.h -- librdkafka's configuration properties, as this very librdkafka describes them: the
** one table behind validation, nearest names, the environment and the documentation.
**
** Threads:   the thread that owns L.
** Ownership: a Lua table in the state, made at first use.
*/
#ifndef DM_PROPERTY_H
#define DM_PROPERTY_H

#include <lua.h>
#include <stdbool.h>

typedef enum dm_scope {
  DM_SCOPE_ADMIN,
  DM_SCOPE_CONSUMER,
  DM_SCOPE_PRODUCER
} dm_scope;

/* Pushes the table name -> {name, alias_of, scope, type, range, default, deprecated,
** description}, whose array part lists the same entries in librdkafka's order.  [-0, +1, e] */
void dm_property_push_all (lua_State *L);

/* Pushes the value at idx as librdkafka's text for that property. Raises when the property is
** unknown, not ours to set, or the value malformed; never shows a secret. 'what' names the table
** it stands in.  [-0, +1, e] */
void dm_property_push_text (lua_State *L, int idx, const char *what, const char *name);

/* Does this librdkafka have the property?  [-0, +0, e] */
bool dm_property_is_known (lua_State *L, const char *name);

/* Does a known property apply to clients of that kind?  [-0, +0, e] */
int dm_property_applies (lua_State *L, const char *name, dm_scope scope);

/* Are these two names of one known property?  [-0, +0, e] */
bool dm_property_is_same (lua_State *L, const char *name, const char *other);

/* Must the value of this property never be shown? */
int dm_property_is_secret (const char *name);

/* kafka.properties().  [-0, +1, e] */
int dm_property_list_lua (lua_State *L);

#endif
