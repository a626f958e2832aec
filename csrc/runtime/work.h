/* SPDX-License-Identifier: MIT */
/* work.h -- a consumed record on its way through the runtime: from the partition's queue through a
** handler and the delivery of what it emitted to its outcome.
**
** Threads:   one owner at a time. The group thread makes, settles and frees a work; between
**            dm_lane_push and the inbox it is the lane's. 'pending' and 'error' alone are shared,
**            with the producer thread.
** Ownership: a work owns its message, its failure and its outbox.
** Order:     dm_work_new; the engine's admit and next; a lane; the inbox (handled); the inbox again
**            when the last delivery report comes later; settled; dm_work_free.
*/
#ifndef DM_WORK_H
#define DM_WORK_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"

typedef struct dm_inbox dm_inbox;
typedef struct dm_outbox dm_outbox;
typedef struct dm_seat dm_seat;

/* What a handler made of a record; the first four are numbered as docmsg.dispatch does. */
typedef enum dm_verdict {
  DM_VERDICT_ACK,
  DM_VERDICT_RETRY,
  DM_VERDICT_DEAD,
  DM_VERDICT_SKIP,
  DM_VERDICT_UNRUN,    /* never began: an earlier record of its key is to be retried */
  DM_VERDICT_CANCELLED /* cut off by a shutdown */
} dm_verdict;

typedef enum dm_stage {
  DM_STAGE_LANE,      /* with a lane */
  DM_STAGE_EMITTING,  /* its emits are with the producer, or wait for a transaction */
  DM_STAGE_DEAD       /* the same of its dead letter */
} dm_stage;

/* Why a record is retried or dead. */
typedef struct dm_failure {
  char reason[16];   /* a docmsg-reason, see dead_letter.h */
  char *message;     /* never NULL */
  char *stack;       /* may be NULL */
} dm_failure;

typedef struct dm_work {
  dm_entry entry;             /* first: the engine's part */
  struct dm_work *next;       /* in the list of a lane, an inbox, a seat or a transaction */
  struct dm_work *after, **link; /* among the unsettled works of its seat */
  rd_kafka_message_t *message;
  dm_seat *seat;              /* the partition's assignment it came with */
  dm_inbox *inbox;            /* its group's */
  dm_outbox *outbox;          /* exactly-once: what it emitted, or its dead letter; else NULL */
  bool suspect;               /* exactly-once: produce its emits apart from others */
  dm_failure *failure;        /* RETRY, DEAD */
  int64_t retry_after_ms;     /* RETRY */
  uint32_t attempts;          /* RETRY: how often it may run in all */
  uint32_t type;              /* row of its event type in the lane's tally */
  uint64_t seen;              /* replies of its lane that were read when it was given to it */
  dm_verdict verdict;
  dm_stage stage;
  bool letter;                /* what is with the emitter is its dead letter */
  atomic_int pending;         /* delivery reports to come, and 1 until its handling was noticed */
  atomic_int error;           /* the first permanent failure among them, an rd_kafka_resp_err_t */
} dm_work;

/* Added to 'pending' by a group that ends before the reports are in: the last of them frees the
** work, which has lost its message by then. */
#define DM_ORPHAN (1 << 30)

/* A list of works, first in, first out. Zeroed: empty. */
typedef struct dm_work_list {
  dm_work *first, *last;
  int count;
} dm_work_list;

void dm_work_list_append (dm_work_list *list, dm_work *work);

/* Moves all of 'from' behind 'list'. */
void dm_work_list_move (dm_work_list *list, dm_work_list *from);

/* The first, taken out, or NULL. */
dm_work *dm_work_list_take (dm_work_list *list);

/* Works that are in use no more, kept for the next records. Zeroed: empty. One thread's. */
typedef struct dm_work_pool {
  dm_work_list free;
} dm_work_pool;

/* A work for the message, which it owns from now on; NULL: no memory, and the message is the
** caller's. */
dm_work *dm_work_new (dm_work_pool *pool, rd_kafka_message_t *message, dm_seat *seat,
                      dm_inbox *inbox);

void dm_work_free (dm_work_pool *pool, dm_work *work);

/* Gives up a work whose delivery reports are not in, see DM_ORPHAN. False: the last one has just
** come in, and the work is or will be in the inbox. */
bool dm_work_orphan (dm_work *work);

void dm_work_pool_clear (dm_work_pool *pool);

/* Notes why the work failed; messages over 1 KiB and stacks over 2 KiB are cut, at a whole UTF-8
** character. 'stack' may be NULL. */
void dm_work_fail (dm_work *work, const char *reason, const char *message, size_t length,
                   const char *stack);

/* The failure of its last attempt makes it dead: reason "exhausted". */
void dm_work_exhaust (dm_work *work);

/* Forgets the failure. */
void dm_work_forgive (dm_work *work);

/* What the engine is told when the verdict is ACK, SKIP or CANCELLED. */
dm_outcome dm_work_outcome (const dm_work *work);

/* Notes the failure of one of its deliveries; the first one counts. */
void dm_work_error (dm_work *work, rd_kafka_resp_err_t error);

#endif
