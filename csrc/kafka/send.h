/* SPDX-License-Identifier: MIT */
/* send.h -- the producer's methods that take records.
**
** Threads: the thread that owns L.
*/
#ifndef DM_SEND_H
#define DM_SEND_H

#include <lua.h>

/* User value of a producer: topic name -> dm_topic as light userdata; [1] is the partitioner. */
#define DM_PRODUCER_TOPICS 2

/* User value of a producer: the box of the block of delivery slots in use. */
#define DM_PRODUCER_BLOCK 3

/* producer:send(record) -> delivery | nil, err.  [-2, +(1|2), e] */
int dm_send_record (lua_State *L);

/* producer:publish(record, timeout) -> report | nil, err.  [-3, +(1|2), e] */
int dm_send_publish (lua_State *L);

/* producer:partitions(topic, timeout) -> count | nil, err.  [-3, +(1|2), e] */
int dm_send_partitions (lua_State *L);

#endif
