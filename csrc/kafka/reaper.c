/* SPDX-License-Identifier: MIT */
#include "kafka/reaper.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "kafka/clock.h"
#include "kafka/task.h"

/* How long calls that were left, as by Ctrl-C, hold up the end of a state. */
#define HELD_MS 500

/* Counts that burials add to, also after the reaper is gone. */
typedef struct tally {
  atomic_llong lost;
  atomic_int held;  /* burials that wait for a call to leave their rk */
  atomic_int refs;
} tally;

struct dm_reaper {
  tally *tally;
  dm_task **tasks; /* burials that may not have ended; a reference each */
  size_t count, room;
};

typedef struct burial {
  dm_grave grave;
  tally *tally;
} burial;

static void tally_unref (tally *t) {
  if (atomic_fetch_sub(&t->refs, 1) == 1) free(t);
}

dm_reaper *dm_reaper_new (void) {
  dm_reaper *reaper = calloc(1, sizeof *reaper);
  if (reaper == NULL) return NULL;
  reaper->tally = calloc(1, sizeof *reaper->tally);
  if (reaper->tally == NULL) {
    free(reaper);
    return NULL;
  }
  atomic_init(&reaper->tally->refs, 1);
  return reaper;
}

/* The records of a producer that have no report yet; events that wait would count, too. */
static int queued_records (rd_kafka_t *rk) {
  if (rd_kafka_type(rk) != RD_KAFKA_PRODUCER) return 0;
  rd_kafka_poll(rk, 0);
  return rd_kafka_outq_len(rk);
}

/* Destroying a producer drops what is queued without a report: send, count the rest, purge. */
static void drain (const burial *b) {
  rd_kafka_t *rk = b->grave.rk;
  if (rd_kafka_type(rk) != RD_KAFKA_PRODUCER) return;
  rd_kafka_flush(rk, b->grave.flush_ms);
  atomic_fetch_add(&b->tally->lost, queued_records(rk));
  rd_kafka_purge(rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_flush(rk, 1000);
}

/* Waits for the call that is still inside rk. What is queued counts as lost meanwhile: nobody may
** wait for the end of it. */
static void await_pending (const burial *b) {
  int queued;
  if (b->grave.pending == NULL) return;
  queued = queued_records(b->grave.rk);
  atomic_fetch_add(&b->tally->lost, queued);
  atomic_fetch_add(&b->tally->held, 1);
  dm_task_wait(b->grave.pending, DM_FOREVER);
  atomic_fetch_sub(&b->tally->held, 1);
  atomic_fetch_sub(&b->tally->lost, queued);
  dm_task_unref(b->grave.pending);
}

static void bury (void *ud) {
  burial *b = ud;
  await_pending(b);
  drain(b);
  rd_kafka_destroy_flags(b->grave.rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  if (b->grave.release != NULL) b->grave.release(b->grave.arg);
}

static void burial_free (void *ud) {
  burial *b = ud;
  tally_unref(b->tally);
  free(b);
}

/* Forgets the burials that have ended and makes room for one more. */
static bool make_room (dm_reaper *reaper) {
  size_t kept = 0;
  for (size_t i = 0; i < reaper->count; i++) {
    if (dm_task_wait(reaper->tasks[i], 0)) dm_task_unref(reaper->tasks[i]);
    else reaper->tasks[kept++] = reaper->tasks[i];
  }
  reaper->count = kept;
  if (reaper->count == reaper->room) {
    size_t room = reaper->room * 2 + 8;
    dm_task **tasks = realloc(reaper->tasks, room * sizeof *tasks);
    if (tasks == NULL) return false;
    reaper->tasks = tasks;
    reaper->room = room;
  }
  return true;
}

static void bury_here (dm_grave grave, tally *t) {
  burial b = { grave, t };
  bury(&b);
}

dm_task *dm_reaper_bury (dm_reaper *reaper, dm_grave grave) {
  burial *b = malloc(sizeof *b);
  dm_task *task = NULL;
  if (b != NULL && make_room(reaper)) {
    *b = (burial){ grave, reaper->tally };
    atomic_fetch_add(&reaper->tally->refs, 1);
    task = dm_task_start(bury, burial_free, b);
  }
  else free(b);
  if (task == NULL) {
    bury_here(grave, reaper->tally);
    return NULL;
  }
  reaper->tasks[reaper->count++] = dm_task_ref(task);
  return task;
}

/* How many burials go on. */
static int unended_burials (const dm_reaper *reaper) {
  int count = 0;
  for (size_t i = 0; i < reaper->count; i++) count += !dm_task_wait(reaper->tasks[i], 0);
  return count;
}

/* Waits for a burial. False: it goes on at the deadline, or all that go on are held by calls, which
** end at their own time-outs. */
static bool await_burial (const dm_reaper *reaper, dm_task *task, dm_deadline deadline,
                          dm_deadline held) {
  while (!dm_task_wait(task, dm_deadline_slice(deadline))) {
    if (dm_deadline_left(deadline) == 0) return false;
    if (dm_deadline_left(held) == 0 && unended_burials(reaper) == atomic_load(&reaper->tally->held))
      return false;
  }
  return true;
}

int dm_reaper_settle (dm_reaper *reaper, int timeout_ms) {
  dm_deadline deadline = dm_deadline_in(timeout_ms), held = dm_deadline_in(HELD_MS);
  int unended = 0;
  for (size_t i = 0; i < reaper->count; i++)
    unended += !await_burial(reaper, reaper->tasks[i], deadline, held);
  return unended;
}

int64_t dm_reaper_join (dm_reaper *reaper, int timeout_ms, int *unended) {
  int64_t lost;
  *unended = dm_reaper_settle(reaper, timeout_ms);
  for (size_t i = 0; i < reaper->count; i++) dm_task_unref(reaper->tasks[i]);
  lost = atomic_load(&reaper->tally->lost);
  tally_unref(reaper->tally);
  free(reaper->tasks);
  free(reaper);
  return lost;
}
