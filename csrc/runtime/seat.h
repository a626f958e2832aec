/* SPDX-License-Identifier: MIT */
/* seat.h -- a partition that a group member holds: its own queue, its number in the engine, and
** what was committed for it.
**
** A partition's queue is detached from the consumer's: holding the partition back is not reading
** the queue, which keeps what was fetched (a pause would throw it away).
**
** Threads:   the group thread; 'leaving' may be read by lanes.
** Ownership: a seat owns its queue until it is vacated, and lives until no work refers to it.
*/
#ifndef DM_SEAT_H
#define DM_SEAT_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/inbox.h"

struct dm_seat {
  dm_seat *next;
  char *topic;
  int32_t partition;
  int number;               /* in the engine */
  rd_kafka_queue_t *queue;  /* NULL: vacated */
  atomic_bool leaving;      /* works that were not begun shall not begin */
  bool held;                /* the engine wants no more records for now */
  dm_work *works;           /* that the engine knows, by 'after' */
  dm_work_list settled;     /* exactly-once: what waits for its transaction, oldest first */
  dm_work_list later;       /* exactly-once: used while works come back from a transaction */
  bool dropped;             /* exactly-once: 'settled' was dropped, and nothing may be committed */
  int64_t committed;        /* by the broker's word; -1: not known */
  int64_t wanted;           /* to be committed; -1: nothing yet */
  int64_t lag_end;          /* the newest known end offset; -1 */
};

/* A seat for the partition, whose queue is detached and wakes the inbox. NULL: no memory. */
dm_seat *dm_seat_new (rd_kafka_t *rk, const rd_kafka_topic_partition_t *place, int number,
                      dm_inbox *inbox);

/* Gives the queue back: the partition is not held any more. */
void dm_seat_vacate (dm_seat *seat);
void dm_seat_free (dm_seat *seat);

/* Is the partition in the list? NULL has all of them. */
bool dm_seat_is_in (const dm_seat *seat, const rd_kafka_topic_partition_list_t *list);

/* Enters the work among those of its seat, or takes it out. */
void dm_seat_link (dm_work *work);
void dm_seat_unlink (dm_work *work);

#endif
