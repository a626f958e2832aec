/* SPDX-License-Identifier: MIT */
/* transactor_lua.h -- the options of a group's transactional producer, from Lua.
**
** Threads:   the thread that owns L.
** Ownership: the caller owns the conf.
*/
#ifndef DM_TRANSACTOR_LUA_H
#define DM_TRANSACTOR_LUA_H

#include <librdkafka/rdkafka.h>
#include <lua.h>

/* The conf for the option `transactions` of the group's options at idx, a table. NULL: nil and an
** error were pushed.  [-0, +(0|2), e] */
rd_kafka_conf_t *dm_transactor_conf (lua_State *L, int idx, const char *what);

#endif
