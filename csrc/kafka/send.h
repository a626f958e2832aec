/* SPDX-License-Identifier: MIT */
/* send.h -- the producer's methods that take records.
**
** Threads: the thread that owns L.
*/
#ifndef DM_SEND_H
#define DM_SEND_H

#include <lua.h>
#include <stdbool.h>

#include "kafka/producer.h"
#include "kafka/record.h"

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

/* producer:lines(record, file, options) -> count | nil, err, count.  [-4, +(1|3), e] */
int dm_send_lines (lua_State *L);

/* producer:failed() -> count, err of those that `lines` has sent.  [-1, +(1|2), e] */
int dm_send_failed (lua_State *L);

/* -- For send_lines.c; the producer is at index 1, the record at 2 ---------------------------- */

/* The topic of that name; NULL when librdkafka refuses the name.  [-0, +0, e] */
dm_topic *dm_send_topic (lua_State *L, dm_producer *producer, const char *name, size_t size);

/* Pushes nil and the error of such a name.  [-0, +2, m] */
int dm_send_refused (lua_State *L, const char *name);

/* Counts so many sends, and serves reports now and then. True: handlers wait to be called. */
bool dm_send_serve (dm_producer *producer, unsigned sends);

/* Gives librdkafka the record, whose report goes to 'slot'; NULL: it was expected. False after
** pushing nil and an error.  [-0, +(0|2), e] */
bool dm_send_take (lua_State *L, dm_producer *producer, const dm_topic *topic,
                   const dm_record *record, dm_slot *slot);

#endif
