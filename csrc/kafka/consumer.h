/* SPDX-License-Identifier: MIT */
/* consumer.h -- the consumer object of docmsg.kafka.
**
** Threads:   the thread that owns L.
** Ownership: the userdata owns its client, see client.h.
*/
#ifndef DM_CONSUMER_H
#define DM_CONSUMER_H

#include <librdkafka/rdkafka.h>
#include <lua.h>

/* Makes the metatables.  [-0, +0, m] */
void dm_consumer_open (lua_State *L);

/* kafka.consumer(options) -> consumer | nil, err.  [-1, +(1|2), e] */
int dm_consumer_lua (lua_State *L);

/* What a transaction must know of the group of the open consumer at arg, as it is now: ask again
** for each commit. The caller destroys it. Raises when the consumer has no group.  [-0, +0, e] */
rd_kafka_consumer_group_metadata_t *dm_consumer_group_metadata (lua_State *L, int arg);

#endif
