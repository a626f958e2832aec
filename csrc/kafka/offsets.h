/* SPDX-License-Identifier: MIT */
/* offsets.h -- lists of partitions and offsets between Lua and librdkafka.
**
** Threads:   the thread that owns L.
** Ownership: a list made here lives in a scoped job box (job.h) and dies when the C function that
**            called returns or raises: librdkafka keeps partitions in lists it has seen, and a list
**            that nobody destroys keeps the client from ending.
*/
#ifndef DM_OFFSETS_H
#define DM_OFFSETS_H

#include <librdkafka/rdkafka.h>
#include <lua.h>

/* What the entries of a list may say about the offset. */
typedef enum dm_offset_rule {
  DM_OFFSET_NONE,      /* not looked at: the entries are partitions */
  DM_OFFSET_OPTIONAL,  /* left out means the committed offset; names are allowed */
  DM_OFFSET_POSITION,  /* an offset or a name: "earliest", "latest" */
  DM_OFFSET_NEXT       /* an offset; a message stands for its own offset + 1 */
} dm_offset_rule;

/* Reads the list at idx and pushes a box that holds it; 'what' names it in errors.  [-0, +1, e] */
rd_kafka_topic_partition_list_t *dm_offsets_read (lua_State *L, int idx, const char *what,
                                                  dm_offset_rule rule);

/* Pushes a box for a list that is made elsewhere: store it where this points.  [-0, +1, m] */
rd_kafka_topic_partition_list_t **dm_offsets_box (lua_State *L);

/* Pushes an array of {topic, partition}.  [-0, +1, m] */
void dm_offsets_push_partitions (lua_State *L, const rd_kafka_topic_partition_list_t *list);

/* Pushes an array of {topic, partition, offset?, metadata?, error?}; logical offsets are nil.
** [-0, +1, m] */
void dm_offsets_push (lua_State *L, const rd_kafka_topic_partition_list_t *list);

/* The first error among the entries: pushes nil and it, named; 0 when there is none.
** [-0, +(0|2), m] */
int dm_offsets_error (lua_State *L, const rd_kafka_topic_partition_list_t *list,
                      const char *doing);

/* Sorts the list and raises when it has a partition twice.  [-0, +0, e] */
void dm_offsets_check_unique (lua_State *L, const char *what,
                              rd_kafka_topic_partition_list_t *list);

/* Reads a topic name at idx; raises when empty, over 249 bytes or with a NUL.  [-0, +0, e] */
const char *dm_topic_check (lua_State *L, int idx, const char *what);

/* Reads a partition number at idx, 0 to 2^31-1.  [-0, +0, e] */
int32_t dm_partition_check (lua_State *L, int idx, const char *what);

#endif
