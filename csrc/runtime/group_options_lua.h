/* SPDX-License-Identifier: MIT */
/* group_options_lua.h -- what a new group is to do, from the options of runtime.group.
**
** Threads:   the thread that owns L.
** Ownership: texts stay those of the table that they were read from, a list of topics stays its
**            box's.
*/
#ifndef DM_GROUP_OPTIONS_LUA_H
#define DM_GROUP_OPTIONS_LUA_H

#include <librdkafka/rdkafka.h>
#include <lua.h>
#include <stdbool.h>

#include "runtime/group.h"

/* Reads the options at idx and refuses what is none. Topics, emitter and transactions are the
** caller's to add.  [-0, +0, e] */
dm_group_options dm_group_options_read (lua_State *L, int idx);

/* Do the options at idx ask for exactly-once?  [-0, +0, m] */
bool dm_group_is_exactly_once (lua_State *L, int idx);

/* Reads the names and patterns at idx, a table, and pushes a box with them.  [-0, +1, e] */
rd_kafka_topic_partition_list_t *dm_group_topics_read (lua_State *L, int idx);

#endif
