/* SPDX-License-Identifier: MIT */
/* outbox.h -- the events that the handler of one record emitted, in order, until they are produced
** or dropped.
**
** Threads:   one owner at a time: the lane's thread; with exactly-once that of the group and of its
**            transactions, too.
** Ownership: an outbox owns its emits, and their headers until librdkafka takes them.
*/
#ifndef DM_OUTBOX_H
#define DM_OUTBOX_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What one record may emit. */
#define DM_EMITS_MAX 10000
#define DM_EMIT_BYTES_MAX ((size_t)16 << 20)

typedef struct dm_outlet dm_outlet;
typedef struct dm_work dm_work;

typedef struct dm_emit {
  dm_outlet *outlet;             /* the topic, see emitter.h */
  rd_kafka_headers_t *headers;   /* NULL: librdkafka has them */
  dm_work *work;                 /* exactly-once: that emitted it */
  int64_t micros;                /* exactly-once: how long its delivery took */
  size_t at;                     /* of its key, then its value, in the bytes */
  size_t key_size, value_size;
  int64_t timestamp;             /* ms; 0: now */
  int32_t partition;
  bool has_key, has_value;
} dm_emit;

typedef struct dm_outbox {
  dm_emit *emits;
  size_t count, room;
  char *bytes;
  size_t used, size;
  bool packed;                   /* all of it is one block: nothing can be added */
} dm_outbox;

/* An empty one, or NULL. */
dm_outbox *dm_outbox_new (void);
void dm_outbox_free (dm_outbox *outbox);

/* Drops all emits; keeps a moderate amount of memory for the next record. */
void dm_outbox_clear (dm_outbox *outbox);

/* Adds an emit; 'emit' says all but its place, key and value are copied (NULL: null), the headers
** are taken. False: no memory, and the headers are the caller's. */
bool dm_outbox_add (dm_outbox *outbox, const dm_emit *emit, const char *key, const char *value);

/* Moves the emits to an outbox of their exact size, which waits for its transaction, and leaves this
** one empty. NULL: no memory, and nothing has changed. */
dm_outbox *dm_outbox_pack (dm_outbox *outbox);

/* The key and the value of an emit; NULL: null. Valid until the outbox changes. */
const char *dm_emit_key (const dm_outbox *outbox, const dm_emit *emit);
const char *dm_emit_value (const dm_outbox *outbox, const dm_emit *emit);

/* Produces a copy of the emit with that client and its handle of the emit's topic; librdkafka takes
** the headers when it succeeds. 'opaque' comes back with the delivery report. */
rd_kafka_resp_err_t dm_emit_produce (const dm_outbox *outbox, dm_emit *emit, rd_kafka_t *rk,
                                     rd_kafka_topic_t *rkt, void *opaque);

#endif
