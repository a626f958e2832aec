/* SPDX-License-Identifier: MIT */
/* engine_parts.h -- what the files of the engine share; for nobody else.
**
**   engine.c       construction; a record comes, and goes
**   lane.c         what runs next: lanes, and the keys that are out of turn
**   partition.c    epochs; what may be committed, who is held back
**   statistics.c   what is where
**   ring.c, keys.c, timers.c, fifo.h   their containers
*/
#ifndef DM_ENGINE_PARTS_H
#define DM_ENGINE_PARTS_H

#include "engine/fifo.h"
#include "engine/keys.h"
#include "engine/ring.h"
#include "engine/timers.h"

typedef enum dm_partition_state {
  DM_PARTITION_FREE,
  DM_PARTITION_ASSIGNED,
  DM_PARTITION_DRAINED,
  DM_PARTITION_REVOKED
} dm_partition_state;

/* Partitions about which there is something to take. */
typedef enum dm_news {
  DM_NEWS_COMMIT,
  DM_NEWS_FLOW
} dm_news;

typedef struct dm_partition {
  dm_ring ring;
  int64_t lowest;       /* of the ring, unless it is empty */
  int64_t newest;
  int64_t committable;
  uint32_t in_flight;
  uint8_t state;        /* dm_partition_state */
  uint8_t holds;        /* DM_HOLD_ADMITTED and DM_HOLD_SPAN */
  bool commit_changed;
  bool told_to_hold;
  bool listed[2];       /* by dm_news: is in that list, also after it has become free */
  int32_t next[2];
} dm_partition;

/* A list of partition numbers. */
typedef struct dm_news_list {
  int32_t head, tail;   /* -1: none */
} dm_news_list;

/* With DM_ORDER_NONE, the queues of the first lane serve all. */
typedef struct dm_lane {
  dm_fifo queue;              /* never handed out, oldest first */
  dm_key_list ready, closing; /* keys that are out of turn */
  bool turn;                  /* whose it is: that of 'ready', or of 'queue' */
  dm_entry *first, *last;     /* what it holds, in the order it was handed out */
  uint32_t handed;            /* records, modulo 2^32 */
} dm_lane;

struct dm_engine {
  dm_engine_options options;
  dm_lane *lanes;
  dm_keys keys;
  dm_timers timers;
  uint32_t parked;            /* keys with a retry that waits */
  dm_partition *partitions;
  int partition_count;
  dm_news_list news[2];       /* by dm_news */
  bool bytes_held;
  uint64_t bytes;
  uint64_t in_flight;
  uint32_t running, done;
  uint64_t admitted, retries;
  uint64_t outcomes[DM_OUTCOME_CANCELLED + 1];
};

static inline dm_partition *dm_partition_of (const dm_engine *e, const dm_entry *entry) {
  return &e->partitions[entry->partition];
}

/* == lane.c == */

/* Queues a new record. */
void dm_lane_queue (dm_engine *e, dm_entry *entry);

/* The record, which was handed out, has run to its end. */
void dm_lane_finish (dm_engine *e, dm_entry *entry);

/* Gives all records of a partition that are not handed out to 'drop', given up. */
void dm_lane_drop (dm_engine *e, int partition, dm_engine_drop drop, void *arg);

/* == partition.c == */

/* Takes the record into its partition; false when memory is short. */
bool dm_partition_admit (dm_engine *e, dm_partition *p, dm_entry *entry);

/* Moves what may be committed past a settled record, as far as those before it allow. */
void dm_partition_settle (dm_engine *e, dm_partition *p, const dm_entry *entry);

/* After a record has gone: frees what it held back, and the partition when it was the last. */
void dm_partition_leave (dm_engine *e, dm_partition *p);

/* == engine.c == */

/* The record goes, not handled: cancelled, and an obstacle to commits. */
void dm_engine_give_up (dm_engine *e, dm_entry *entry);

#endif
