/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define UNTIL_REPORTED UINT64_MAX

/* == Partitions == */

static int position_of (const broker_log *log, int64_t offset) {
  int i = 0;
  while (i < LOG_RECORDS && log->records[i].offset < offset) i++;
  return i;
}

bool step_assign (world *w, broker_log *log) {
  epoch *e;
  int partition;
  if (log->epoch != NULL) return false;
  partition = dm_engine_assign(w->engine, log->committed);
  if (partition == -1) {
    if (!w->short_of_memory) world_break(w, 3, "assign is short of memory");
    return false;
  }
  for (e = w->epochs; e != NULL; e = e->next)
    if (e->partition == partition) world_break(w, 5, "a partition's number is not free yet");
  while ((e = calloc(1, sizeof *e)) == NULL) continue; /* the model's memory may be refused, too */
  e->next = w->epochs;
  e->log = log;
  e->partition = partition;
  e->begin = log->committed;
  e->offered = -1;
  w->epochs = log->epoch = e;
  log->position = position_of(log, log->committed);
  return true;
}

typedef struct dropping {
  world *w;
  epoch *e;
} dropping;

static void drop (void *arg, dm_entry *entry) {
  const dropping *d = arg;
  record *r = (record *)entry;
  if (r->epoch != d->e || r->fate != QUEUED)
    world_break(d->w, 5, "a record was dropped that is not the partition's, or handed out");
  r->fate = CANCELLED;
  r->awaits_retry = false;
  r->epoch->in_flight--;
  d->w->counted.bytes -= r->entry.bytes;
  d->w->counted.cancelled++;
}

static void check_dropped (world *w, const epoch *e) {
  for (int i = 0; i < e->count; i++)
    if (e->records[i].fate == QUEUED) world_break(w, 5, "a queued record was not dropped");
}

bool step_drain (world *w, broker_log *log) {
  epoch *e = log->epoch;
  dropping d = { w, e };
  if (e == NULL) return false;
  dm_engine_drain(w->engine, e->partition, drop, &d);
  e->drained = true;
  check_dropped(w, e);
  return true;
}

bool step_revoke (world *w, broker_log *log) {
  epoch *e = log->epoch;
  dropping d = { w, e };
  if (e == NULL) return false;
  mutant_revoke(w->mutation, w->engine, e->partition, drop, &d);
  check_dropped(w, e);
  e->drained = e->revoked = true;
  e->final = dm_engine_committable(w->engine, e->partition);
  log->epoch = NULL;
  epoch_leave(w, e);
  return true;
}

/* == Records come == */

static record read_record (world *w, epoch *e, log_record *source) {
  return (record){
    .entry = { .offset = source->offset, .key = source->key, .partition = e->partition,
               .bytes = choose(&w->choices, BYTES_MAX),
               .attempt = 99, .trial = true }, /* as an earlier record may have left it */
    .epoch = e,
    .source = source,
    .index = e->count,
  };
}

static void note_admitted (world *w, const record *r) {
  r->epoch->count++;
  r->epoch->in_flight++;
  r->epoch->log->position++;
  w->counted.admitted++;
  w->counted.bytes += r->entry.bytes;
}

bool step_admit (world *w, broker_log *log) {
  epoch *e = log->epoch;
  record *r;
  dm_admission admission;
  if (e == NULL || e->drained || e->told_to_hold || log->position == LOG_RECORDS) return false;
  r = &e->records[e->count];
  *r = read_record(w, e, &log->records[log->position]);
  admission = mutant_admit(w->mutation, w->engine, &r->entry, w->now);
  if (admission == DM_ADMITTED) {
    note_admitted(w, r);
    return true;
  }
  if (admission != DM_NO_MEMORY || !w->short_of_memory)
    world_break(w, 3, "a record was refused");
  return false;
}

/* Offers a record that must be refused: the newest again, or the first of the log. */
bool step_misplace (world *w, broker_log *log) {
  epoch *e = log->epoch;
  record r;
  dm_admission admission;
  if (e == NULL || (e->count == 0 && log->records[0].offset >= e->begin)) return false;
  r = read_record(w, e, e->count > 0 && chance(&w->choices, 2) ? e->records[e->count - 1].source
                                                               : &log->records[0]);
  admission = dm_engine_admit(w->engine, &r.entry, w->now);
  if (admission == (e->drained ? DM_NOT_ASSIGNED : DM_OUT_OF_ORDER)) return true;
  world_break(w, 5, "a record was taken that is out of order, or of a drained partition");
  return false;
}

/* == Records run == */

/* There was no record for that lane: what will say when there is one? */
static void check_nothing (world *w, unsigned lane) {
  if (w->short_of_memory) return;
  if (dm_engine_ready(w->engine, (int)lane)) world_break(w, 3, "ready is wrong: next had nothing");
  if (dm_engine_due(w->engine) <= w->now) world_break(w, 3, "due is in the past after next");
}

bool step_next (world *w, unsigned lane) {
  record_fifo *inbox = &w->workers[lane].inbox;
  record *r;
  bool ready;
  if (fifo_is_full(inbox)) return false;
  ready = dm_engine_ready(w->engine, (int)lane) || dm_engine_due(w->engine) <= w->now;
  r = (record *)dm_engine_next(w->engine, (int)lane, w->now);
  if (r == NULL) {
    check_nothing(w, lane);
    return false;
  }
  if (!ready) world_break(w, 3, "ready is wrong: there was a record");
  if (r->fate != QUEUED || r->epoch->drained)
    world_break(w, 5, "a record was handed out twice, or after the end of its partition");
  if (r->entry.attempt != ++r->attempts) world_break(w, 2, "the attempts are miscounted");
  r->is_trial = r->awaits_retry;
  r->awaits_retry = false;
  r->fate = HANDED;
  r->handed_at = w->step;
  fifo_push(inbox, r);
  return true;
}

/* The worker decides; what follows of the key has to wait for a failure's report. */
static void decide (world *w, record *r, bool gently) {
  unsigned fortune = gently ? 0 : choose(&w->choices, 20);
  r->fate = fortune < 15 ? RAN : fortune < 19 ? FAILED : UNRUN;
  r->closes = r->fate != RAN;
  if (r->closes) r->epoch->closed_until[key_number(w, r)] = UNTIL_REPORTED;
  if (r->fate == UNRUN) return;
  if (!r->epoch->revoked) rules_check_turn(w, r);
  r->ran = r->fate == RAN;
  r->outcome = gently ? DM_OUTCOME_ACK : (dm_outcome)choose(&w->choices, 3);
  r->settles_at_once = chance(&w->choices, 3);
}

bool step_work (world *w, unsigned lane, bool gently) {
  lane_worker *worker = &w->workers[lane];
  record *r;
  bool ordered = w->options.order != DM_ORDER_NONE;
  if (fifo_is_empty(&worker->inbox) || fifo_is_full(&worker->outbox)) return false;
  r = fifo_pop(&worker->inbox);
  if (ordered && r->handed_at < r->epoch->closed_until[key_number(w, r)]) {
    r->fate = UNRUN;
    r->closes = false;
  }
  else decide(w, r, gently);
  fifo_push(&worker->outbox, r);
  return true;
}

/* == Records go == */

/* The record is ours again. */
static void leave (world *w, record *r, record_fate fate) {
  epoch *e = r->epoch;
  if (fate == CANCELLED) {
    w->counted.cancelled++;
    e->spoilt = true;
  }
  r->fate = fate;
  w->counted.bytes -= r->entry.bytes;
  e->in_flight--;
  epoch_leave(w, e);
}

static void settle (world *w, record *r) {
  uint64_t *counts[] = { &w->counted.acked, &w->counted.dead, &w->counted.skipped };
  bool late = r->epoch->revoked;
  if (mutant_settle(w->mutation, w->engine, &r->entry, r->outcome, w->now) == late)
    world_break(w, 5, "settle took a late record, or refused one");
  if (late || r->outcome == DM_OUTCOME_CANCELLED) {
    leave(w, r, CANCELLED);
    return;
  }
  r->source->handled = true;
  ++*counts[r->outcome];
  leave(w, r, SETTLED);
}

/* A record that did not end: it waits again, or its partition is over. */
static void come_back (world *w, record *r, bool welcome) {
  if (welcome == r->epoch->drained) world_break(w, 5, "a record of a drained partition runs again");
  if (r->closes) r->epoch->closed_until[key_number(w, r)] = w->step;
  if (!welcome) {
    leave(w, r, CANCELLED);
    return;
  }
  r->fate = QUEUED;
}

static void report_failure (world *w, record *r) {
  bool welcome;
  r->due = w->now + choose(&w->choices, 30);
  welcome = mutant_retry(w->mutation, w->engine, &r->entry, r->due, w->now);
  r->awaits_retry = welcome;
  w->counted.retries += welcome;
  come_back(w, r, welcome);
}

static void report_unrun (world *w, record *r) {
  bool welcome = dm_engine_unrun(w->engine, &r->entry);
  if (welcome) r->attempts--;
  r->awaits_retry = welcome && r->is_trial;
  come_back(w, r, welcome);
}

/* Reports need not come in the order in which the records ran. */
bool step_report (world *w, unsigned lane) {
  record_fifo *outbox = &w->workers[lane].outbox;
  unsigned count = outbox->tail - outbox->head, choice = 0;
  record *r;
  if (count == 0) return false;
  if (chance(&w->choices, 3)) choice = choose(&w->choices, count < 256 ? count : 256);
  r = fifo_take(outbox, choice);
  if (r->fate == FAILED) report_failure(w, r);
  else if (r->fate == UNRUN) report_unrun(w, r);
  else if (r->settles_at_once) settle(w, r);
  else {
    dm_engine_done(w->engine, &r->entry);
    r->fate = DONE;
  }
  return true;
}

/* What the worker has not looked at is taken back, before it has reported what came earlier. */
bool step_withdraw (world *w, unsigned lane) {
  record_fifo *inbox = &w->workers[lane].inbox;
  if (fifo_is_empty(inbox)) return false;
  while (!fifo_is_empty(inbox)) {
    record *r = fifo_pop(inbox);
    r->closes = false;
    report_unrun(w, r);
  }
  return true;
}

/* The record that is done after 'skip' others, or the last one; NULL: none is done. */
static record *find_done (const world *w, unsigned skip) {
  record *found = NULL;
  for (epoch *e = w->epochs; e != NULL; e = e->next) {
    for (int i = 0; i < e->count; i++) {
      if (e->records[i].fate != DONE) continue;
      found = &e->records[i];
      if (skip-- == 0) return found;
    }
  }
  return found;
}

/* Any record that is done, whatever the order. */
bool step_settle (world *w, bool gently) {
  record *r = find_done(w, gently ? 0 : choose(&w->choices, 16));
  if (r == NULL) return false;
  if (!gently && chance(&w->choices, 60)) r->outcome = DM_OUTCOME_CANCELLED;
  settle(w, r);
  return true;
}

/* == Commits == */

bool step_commit (world *w) {
  dm_commit commit;
  bool any = false;
  while (mutant_commit(w->mutation, w->engine, &commit)) {
    epoch *e = w->epochs;
    while (e != NULL && (e->partition != commit.partition || e->revoked)) e = e->next;
    if (e == NULL) {
      world_break(w, 5, "a commit was offered for a revoked partition");
      return true;
    }
    rules_check_commit(w, e, commit.offset);
    e->offered = e->log->committed = commit.offset;
    e->recommit = false;
    any = true;
  }
  return any;
}

/* A commit did not succeed. */
bool step_recommit (world *w, broker_log *log) {
  if (log->epoch == NULL) return false;
  dm_engine_recommit(w->engine, log->epoch->partition);
  log->epoch->recommit = true;
  return true;
}
