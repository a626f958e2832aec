/* SPDX-License-Identifier: MIT */
/* engine.h -- the settlement engine: decides which record runs next, what may be committed, when
** to retry and when to hold back. A state machine that knows no Kafka, no Lua, no threads and no
** clock: time is an argument, in milliseconds since any moment.
**
** Threads:   one at a time; nothing is locked.
** Ownership: the caller's record embeds a dm_entry. It is the engine's from an admission that
**            returned DM_ADMITTED until settle, or until retry or unrun returned false, or until
**            drain or revoke gave it to 'drop'. Between next and that moment the caller looks after
**            it, but keeps it where it is.
** Order:     assign a partition; admit its records in the order of their offsets; for each that
**            next hands out exactly one of
**              done, then settle   the handler returned; later, its emits were delivered
**              settle              there is nothing to wait for
**              retry               the handler failed and is to run again
**              unrun               the handler did not run
**            drain (optional) and revoke end a partition.
**
** A lane runs its records one after the other, in the order next gave them. With DM_ORDER_KEY and
** DM_ORDER_PARTITION next does not wait between records of one key: a lane may be handed a whole
** batch. So when one of them is to be retried, or was not run, the lane runs none of the same key
** that it was handed before that was reported here: they all go back by unrun. A failure that ends
** its record holds nothing back, so it is the lane that has to know whether there is a retry. What
** a lane has not begun may be taken from it and go back, too. The order of the reports does not
** matter.
**
** Laws, whatever the order of calls:
**   1. what commit offers is at most the lowest unsettled offset of the epoch, and never less than
**      what it offered before;
**   2. the records of a key run in the order of their offsets, each after the one before it was
**      done or settled, however often it was retried;
**   3. each admitted record ends in one outcome:
**      admitted = acked + dead + skipped + cancelled + in_flight;
**   4. a caller that obeys flow has at most max_admitted records of a partition here, max_bytes in
**      all, and one record more than max_span offsets;
**   5. after revoke, nothing that is reported changes what may be committed.
**
** Each call costs O(1), amortised; retry and next O(log n) in the keys that wait for a retry; drain
** and revoke are linear in what is queued. Nothing is allocated for a record, only when more of
** them, or more of the keys that wait, are here than ever before.
*/
#ifndef DM_ENGINE_H
#define DM_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct dm_engine dm_engine;

/* What must run one after the other. */
typedef enum dm_order {
  DM_ORDER_KEY,        /* records of one partition with the same key */
  DM_ORDER_PARTITION,  /* records of one partition */
  DM_ORDER_NONE        /* nothing: any lane takes the oldest record */
} dm_order;

typedef enum dm_outcome {
  DM_OUTCOME_ACK,
  DM_OUTCOME_DEAD,      /* its dead letter is written */
  DM_OUTCOME_SKIP,
  DM_OUTCOME_CANCELLED  /* cut off: it was not handled, no commit may pass it in this epoch */
} dm_outcome;

typedef enum dm_admission {
  DM_ADMITTED,
  DM_NO_MEMORY,     /* nothing has changed */
  DM_NOT_ASSIGNED,  /* the partition is drained or revoked */
  DM_OUT_OF_ORDER   /* the offset is not above the newest, or below what was committed */
} dm_admission;

/* Zero stands for the default. */
typedef struct dm_engine_options {
  dm_order order;
  int lanes;              /* 1 to DM_LANES_MAX; 1 */
  uint32_t max_admitted;  /* records of a partition, not settled; 10,000 */
  uint32_t max_span;      /* offsets from a partition's lowest unsettled to its newest; 100,000 */
  uint64_t max_bytes;     /* of all records, not settled; 32 MiB */
} dm_engine_options;

#define DM_LANES_MAX 1024

typedef enum dm_entry_state {
  DM_ENTRY_FREE,     /* the caller's */
  DM_ENTRY_QUEUED,
  DM_ENTRY_RUNNING,  /* handed out */
  DM_ENTRY_DONE      /* ran, not settled */
} dm_entry_state;

/* A record as the engine knows it: the first member of the caller's. */
typedef struct dm_entry {
  /* set by the caller before it is admitted */
  int64_t offset;
  uint64_t key;         /* a hash, for DM_ORDER_KEY; equal ones only serialise more. Of a record
                           without a key: anything, such as a hash of its offset */
  int32_t partition;    /* as assign returned it */
  uint32_t bytes;
  /* for the caller to read */
  int64_t admitted_at;
  uint32_t attempt;     /* 1 when handed out for the first time */
  uint16_t lane;        /* once handed out */
  uint8_t state;        /* dm_entry_state */
  /* the engine's own */
  bool trial;           /* a retry: its key waits for it */
  uint32_t place;       /* in the ring of its partition */
  uint32_t turn;        /* counts what its lane was handed */
  struct dm_entry *prev, *next; /* in a queue, which has no prev, or in what its lane holds */
} dm_entry;

/* An engine; NULL when memory is short. */
dm_engine *dm_engine_new (const dm_engine_options *options);

/* Frees the engine. Records that are still here are the caller's, untouched. */
void dm_engine_free (dm_engine *e);

/* == Partitions == */

/* Begins an epoch of a partition that is to be read from 'committed', -1 when that is not known;
** after a reset to an earlier offset it is not. It may be held back from the start: ask flow.
** Returns its number, -1 when memory is short. Numbers are small; that of a revoked partition is
** given again once it is idle. */
int dm_engine_assign (dm_engine *e, int64_t committed);

/* Gives a record that will never run back to the caller. The engine must not be called in it. */
typedef void (*dm_engine_drop) (void *arg, dm_entry *entry);

/* Optional, before revoke: what is queued or waits for a retry comes back through 'drop', as
** cancelled; nothing more is admitted, handed out or retried. Records that were handed out still
** settle, and what may be committed still grows up to the first that was dropped. */
void dm_engine_drain (dm_engine *e, int partition, dm_engine_drop drop, void *arg);

/* Ends the epoch, after a drain. Take the commits before: now none is offered any more. Records
** that were handed out are late: they come back as cancelled, whatever became of them. */
void dm_engine_revoke (dm_engine *e, int partition, dm_engine_drop drop, void *arg);

/* Is the partition revoked, with none of its records handed out? Then the next assign may give its
** number away: ask after revoke and after each late record. */
bool dm_engine_idle (const dm_engine *e, int partition);

/* == Records == */

/* Takes a record. A partition that is held back takes it, too. */
dm_admission dm_engine_admit (dm_engine *e, dm_entry *entry, int64_t now);

/* Hands out the next record for that lane and counts its attempt. NULL: there is none now, or, when
** the lane is still ready, memory is too short for a record that may have to be retried. */
dm_entry *dm_engine_next (dm_engine *e, int lane, int64_t now);

/* Might next have something for that lane? Also true while all of it waits for a retry, but not
** for longer than until next has looked. */
bool dm_engine_ready (const dm_engine *e, int lane);

/* The handler returned and its emits are with the producer, in order: the key may go on. */
void dm_engine_done (dm_engine *e, dm_entry *entry);

/* Ends the record, which is handed out or done. False: it is late and counts as cancelled. */
bool dm_engine_settle (dm_engine *e, dm_entry *entry, dm_outcome outcome, int64_t now);

/* The record, which is handed out, and its key wait until 'due'. Then it is handed out alone: the
** others of its key follow when it is done or settled. False: it is late or its partition drained;
** it counts as cancelled and is the caller's. */
bool dm_engine_retry (dm_engine *e, dm_entry *entry, int64_t due, int64_t now);

/* The record was handed out, but not run: it takes its place before the later ones of its key again
** and its attempt is not counted. False: as for retry. */
bool dm_engine_unrun (dm_engine *e, dm_entry *entry);

/* When next should be called because a retry is due; INT64_MAX when none waits for the time. */
int64_t dm_engine_due (const dm_engine *e);

/* == Commits == */

/* An offset in Kafka's sense: that of the next record to read. */
typedef struct dm_commit {
  int partition;
  int64_t offset;
} dm_commit;

/* Takes one partition whose committable offset has grown since it was taken. False: none has. */
bool dm_engine_commit (dm_engine *e, dm_commit *out);

/* A commit that was taken did not succeed: the partition's is offered again, as it then is. */
void dm_engine_recommit (dm_engine *e, int partition);

/* What may be committed; of a revoked partition, what could be at its end. -1: nothing is known. */
int64_t dm_engine_committable (const dm_engine *e, int partition);

/* == Holding back == */

typedef struct dm_flow {
  int partition;
  bool hold;
} dm_flow;

/* Why a partition is held back: a limit was reached and less than half of it is free. */
enum {
  DM_HOLD_ADMITTED = 1,
  DM_HOLD_SPAN = 2,
  DM_HOLD_BYTES = 4  /* holds all of them */
};

/* Takes one partition that is to be held back from now on, or no longer. False: none is. */
bool dm_engine_flow (dm_engine *e, dm_flow *out);

/* Is the partition to be held back? */
bool dm_engine_held (const dm_engine *e, int partition);

/* == Statistics == */

typedef struct dm_engine_totals {
  uint64_t admitted, acked, dead, skipped, cancelled; /* since the engine was made */
  uint64_t retries;
  uint64_t in_flight;       /* not yet back with the caller: queued + running + done */
  uint64_t queued, running, done;
  uint64_t bytes;           /* of those in flight */
  uint64_t parked_keys;     /* keys whose oldest record waits for a retry */
  int partitions;           /* assigned or drained */
  int held;                 /* of those, held back; for more than one reason, perhaps: */
  int held_admitted, held_span, held_bytes;
  int64_t oldest;           /* when the oldest unsettled record was admitted; INT64_MAX: none */
} dm_engine_totals;

typedef struct dm_partition_totals {
  int64_t lowest;           /* lowest unsettled offset; -1: all are settled */
  int64_t newest;           /* newest admitted offset; before the first, committed - 1 */
  int64_t oldest;           /* when the oldest unsettled record was admitted; INT64_MAX: none */
  uint32_t in_flight;
  unsigned holds;           /* DM_HOLD_* */
} dm_partition_totals;

/* Linear in the partitions. */
void dm_engine_stats (const dm_engine *e, dm_engine_totals *out);

void dm_engine_partition_stats (const dm_engine *e, int partition, dm_partition_totals *out);

#endif
