/* SPDX-License-Identifier: MIT */
/* sent.h -- what became of emitted events: how many of each type the broker has, how many it will
** never have, and how long it took.
**
** Threads:   dm_sent_add and dm_sent_fail on one thread at a time; dm_sent_collect on any, at any
**            time, without locks.
** Ownership: it owns its rows, which stay until it is closed. Headers are borrowed.
** Order:     zeroed; add, fail and collect; dm_sent_close.
*/
#ifndef DM_SENT_H
#define DM_SENT_H

#include <librdkafka/rdkafka.h>

#include "runtime/rows.h"

/* Classes of latencies: each octave of microseconds is divided into eight, up to 134 s, so that a
** class is no wider than an eighth of what it counts. */
#define DM_SENT_STEPS 8
#define DM_SENT_OCTAVES 25
#define DM_SENT_CLASSES (DM_SENT_STEPS * DM_SENT_OCTAVES)

/* Of one event type. */
typedef struct dm_sent_row {
  dm_row row;
  dm_figure sent, failed;
  dm_figure bytes;                    /* of the values of those sent */
  dm_figure micros, most;             /* all latencies, and the longest */
  dm_figure classes[DM_SENT_CLASSES];
} dm_sent_row;

typedef struct dm_sent {
  dm_rows rows;
} dm_sent;

/* The broker has the event with these headers, 'micros' after it was handed to the producer. */
void dm_sent_add (dm_sent *sent, rd_kafka_headers_t *headers, size_t bytes, int64_t micros);

/* The broker will never have it. */
void dm_sent_fail (dm_sent *sent, rd_kafka_headers_t *headers);

/* What rows of one name come to. */
typedef struct dm_sent_sum {
  dm_row row; /* its name, borrowed */
  uint64_t sent, failed, bytes, micros, most;
  uint64_t classes[DM_SENT_CLASSES];
} dm_sent_sum;

/* How many rows there are at least room needed for. */
int dm_sent_count (const dm_sent *sent);

/* Adds at most 'room' of the rows to 'count' sums; returns how many there are now. */
int dm_sent_collect (const dm_sent *sent, dm_sent_sum *sums, int count, int room);

/* The latency in microseconds that the share (0 to 1) of those sent did not exceed, an eighth too
** long at the most, beyond two minutes the longest of all; 0 when none was sent. */
uint64_t dm_sent_quantile (const dm_sent_sum *sum, double share);

void dm_sent_close (dm_sent *sent);

#endif
