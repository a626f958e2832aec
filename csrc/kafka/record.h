/* SPDX-License-Identifier: MIT */
/* record.h -- reads the table of a record that is to be sent.
**
** Threads:   the thread that owns L.
** Ownership: everything points into the Lua table, which must stay on the stack.
*/
#ifndef DM_RECORD_H
#define DM_RECORD_H

#include <librdkafka/rdkafka.h>
#include <lua.h>

typedef struct dm_record {
  const char *topic;
  const char *key, *value; /* NULL: null */
  size_t topic_size, key_size, value_size;
  int64_t timestamp;       /* 0: now */
  int32_t partition;       /* RD_KAFKA_PARTITION_UA: the partitioner's choice */
  int headers;             /* how many */
} dm_record;

/* Reads the record at idx. Raises on unknown fields and wrong types.  [-0, +0, e] */
void dm_record_read (lua_State *L, int idx, dm_record *record);

/* Makes the headers from the list at idx, the record's field `headers`; cannot raise, because
** dm_record_read has checked them. The caller owns them.  [-0, +0, -] */
rd_kafka_headers_t *dm_record_headers (lua_State *L, int idx, const dm_record *record);

#endif
