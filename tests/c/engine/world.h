/* SPDX-License-Identifier: MIT */
/* world.h -- a small world around the engine: logs on a broker, lanes with a worker each, and what
** the engine is expected to know of them. The laws of engine/engine.h are checked all the time.
**
** The model is as plain as can be: it looks through all records of an epoch where the engine is
** clever.
**
**   world.c     construction and the end
**   rules.c     what holds between any two calls
**   steps.c     what may happen
**   schedule.c  one life of a world, from its first assignment until all is committed
**   mutant.c    engines that break a law: the checker has to notice
*/
#ifndef DM_TEST_WORLD_H
#define DM_TEST_WORLD_H

#include "choices.h"
#include "mutant.h"

enum { LOGS = 3, LOG_RECORDS = 160, KEYS = 6, LANES_MAX = 3, FIFO_MAX = 1024, BYTES_MAX = 50 };

/* A record on the broker. */
typedef struct log_record {
  int64_t offset;
  unsigned key;
  bool handled;  /* acked, dead or skipped at least once */
} log_record;

typedef enum record_fate {
  QUEUED,    /* also while it waits for its retry */
  HANDED,    /* in the inbox of its lane */
  RAN,       /* in the outbox: not to run again */
  FAILED,    /* in the outbox: to run again */
  UNRUN,     /* in the outbox: did not run */
  DONE,      /* reported as done */
  SETTLED,
  CANCELLED
} record_fate;

/* A record that was read: the caller's. */
typedef struct record {
  dm_entry entry;        /* first */
  struct epoch *epoch;
  int index;             /* in its epoch */
  log_record *source;
  record_fate fate;
  dm_outcome outcome;
  bool settles_at_once;  /* otherwise it is done first */
  bool ran;              /* its handler has returned, and not for a retry */
  bool awaits_retry;
  bool is_trial;         /* handed out for a retry */
  bool closes;           /* its report lets its key go on */
  unsigned attempts;
  int64_t due;
  uint64_t handed_at;    /* step */
} record;

/* What one assignment has read. */
typedef struct epoch {
  struct epoch *next;    /* all that have records here */
  struct broker_log *log;
  int partition;
  int64_t begin;         /* what was committed; -1 */
  int64_t offered;       /* by commit; -1 */
  int64_t final;         /* committable when it was revoked */
  record records[LOG_RECORDS];
  int count;
  bool drained, revoked;
  bool spoilt;           /* a record was cancelled */
  bool recommit;         /* the same offset may be offered again */
  bool over_admitted, over_span, told_to_hold;
  unsigned in_flight;
  uint64_t closed_until[KEYS]; /* the worker runs none of the key that was handed out before */
} epoch;

typedef struct broker_log {
  log_record records[LOG_RECORDS];
  int64_t committed;     /* -1 */
  int position;          /* the next record to read */
  epoch *epoch;          /* NULL: not assigned */
} broker_log;

typedef struct record_fifo {
  record *items[FIFO_MAX];
  unsigned head, tail;
} record_fifo;

typedef struct lane_worker {
  record_fifo inbox;     /* handed out, not looked at */
  record_fifo outbox;    /* seen by the worker, not reported */
} lane_worker;

typedef struct world {
  choices choices;
  mutation mutation;
  dm_engine *engine;
  dm_engine_options options;
  broker_log logs[LOGS];
  lane_worker workers[LANES_MAX];
  epoch *epochs;
  uint64_t step;
  int64_t now;
  bool over_bytes;
  dm_engine_totals counted; /* admitted, retries, outcomes and bytes since the last crash */
  bool short_of_memory;     /* allocations may fail */
  int broken_law;           /* 0: none */
  const char *how;
} world;

/* Makes a world of random size and order, without an engine. */
void world_open (world *w, choices c, mutation m);

/* An engine that knows nothing; false when memory is short. */
bool world_start (world *w);

/* Forgets the engine, and all that was read. */
void world_crash (world *w);

/* Notes that a law does not hold; the first counts. */
void world_break (world *w, int law, const char *how);

/* Forgets a revoked epoch when its last record is back. */
void epoch_leave (world *w, epoch *e);

static inline bool fifo_is_empty (const record_fifo *f) {
  return f->head == f->tail;
}

static inline bool fifo_is_full (const record_fifo *f) {
  return f->tail - f->head == FIFO_MAX;
}

static inline void fifo_push (record_fifo *f, record *r) {
  f->items[f->tail++ % FIFO_MAX] = r;
}

static inline record *fifo_pop (record_fifo *f) {
  return f->items[f->head++ % FIFO_MAX];
}

/* Takes the n-th out of the middle. */
static inline record *fifo_take (record_fifo *f, unsigned n) {
  unsigned at = f->head + n;
  record *r = f->items[at % FIFO_MAX];
  for (; at != f->head; at--) f->items[at % FIFO_MAX] = f->items[(at - 1) % FIFO_MAX];
  f->head++;
  return r;
}

/* == rules.c == */

/* Takes what is to be held back, and checks what holds between any two calls. */
void rules_check (world *w);

/* Checks an offered commit, and what the broker now believes to be handled. */
void rules_check_commit (world *w, epoch *e, int64_t offset);

/* Checks that it is the turn of a record. */
void rules_check_turn (world *w, const record *r);

/* What the record is ordered by, among those of its log. */
unsigned key_number (const world *w, const record *r);

/* == steps.c: false when there was nothing to do == */

bool step_assign (world *w, broker_log *log);
bool step_admit (world *w, broker_log *log);
bool step_misplace (world *w, broker_log *log);
bool step_next (world *w, unsigned lane);
bool step_work (world *w, unsigned lane, bool gently); /* gently: nothing fails */
bool step_report (world *w, unsigned lane);
bool step_withdraw (world *w, unsigned lane);
bool step_settle (world *w, bool gently);
bool step_commit (world *w);
bool step_recommit (world *w, broker_log *log);
bool step_drain (world *w, broker_log *log);
bool step_revoke (world *w, broker_log *log);

/* == schedule.c == */

typedef struct schedule {
  choices choices;
  mutation mutation;
  unsigned steps;
  unsigned *refuse_one_in; /* NULL, or what makes allocations fail while it is not 0 */
} schedule;

/* Lives one life. Returns the number of the law that was broken, or 0; 'how' says more. */
int schedule_run (const schedule *s, const char **how);

#endif
