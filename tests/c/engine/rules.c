/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "world.h"

static void expect (world *w, int law, bool holds, const char *rule) {
  if (!holds) world_break(w, law, rule);
}

static bool is_active (const epoch *e) {
  return !e->revoked && !e->drained;
}

/* == Law 1 == */

/* How many records of the epoch are settled, up to the first that is not. */
static int count_settled (const epoch *e) {
  int n = 0;
  while (n < e->count && e->records[n].fate == SETTLED) n++;
  return n;
}

/* The end of what is settled from the begin of the epoch on; -1 when that is nothing. */
static int64_t settled_up_to (const epoch *e) {
  int n = count_settled(e);
  return n > 0 ? e->records[n - 1].entry.offset + 1 : e->begin;
}

static int64_t limit_of_commits (const epoch *e) {
  int n = count_settled(e);
  return n < e->count ? e->records[n].entry.offset : settled_up_to(e);
}

static void check_committable (world *w, const epoch *e) {
  int64_t committable = dm_engine_committable(w->engine, e->partition);
  if (e->revoked) {
    expect(w, 5, committable == e->final, "after revoke, what may be committed has changed");
    return;
  }
  expect(w, 1, committable <= limit_of_commits(e), "an unsettled record may be committed");
  expect(w, 1, committable >= settled_up_to(e), "what is settled may not be committed");
}

void rules_check_commit (world *w, epoch *e, int64_t offset) {
  broker_log *log = e->log;
  expect(w, 1, offset >= 0, "what nobody knows was offered as a commit");
  expect(w, 1, offset <= limit_of_commits(e), "a commit passed an unsettled record");
  expect(w, 1, offset > e->offered || (e->recommit && offset == e->offered),
         "a commit went backwards, or came twice");
  expect(w, 1, offset >= log->committed, "a commit went behind an earlier epoch's");
  for (int i = 0; i < LOG_RECORDS && log->records[i].offset < offset; i++)
    expect(w, 1, log->records[i].handled, "what was never handled is committed");
}

/* == Law 2 == */

unsigned key_number (const world *w, const record *r) {
  return w->options.order == DM_ORDER_KEY ? r->source->key : 0;
}

void rules_check_turn (world *w, const record *r) {
  expect(w, 2, w->now >= r->due, "a record ran before its retry was due");
  if (w->options.order == DM_ORDER_NONE) return;
  for (int i = 0; i < r->index; i++) {
    const record *earlier = &r->epoch->records[i];
    if (key_number(w, earlier) == key_number(w, r))
      expect(w, 2, earlier->ran, "a record ran before an earlier one of its key was done");
  }
}

/* == Law 3 == */

/* What the records of an epoch add to the totals. */
static void count (const epoch *e, dm_engine_totals *t) {
  for (int i = 0; i < e->count; i++) {
    const record *r = &e->records[i];
    if (r->fate == SETTLED || r->fate == CANCELLED) continue;
    t->in_flight++;
    t->parked_keys += r->awaits_retry;
    if (r->fate == QUEUED) t->queued++;
    else if (r->fate == DONE) t->done++;
    else t->running++;
    if (!e->revoked && r->entry.admitted_at < t->oldest) t->oldest = r->entry.admitted_at;
  }
  t->partitions += !e->revoked;
}

static void check_totals (world *w) {
  dm_engine_totals is, t = w->counted;
  t.oldest = INT64_MAX;
  for (const epoch *e = w->epochs; e != NULL; e = e->next) count(e, &t);
  dm_engine_stats(w->engine, &is);
  expect(w, 3, is.admitted == is.acked + is.dead + is.skipped + is.cancelled + is.in_flight,
         "a record has no outcome, or two");
  expect(w, 3, is.admitted == t.admitted && is.acked == t.acked && is.dead == t.dead &&
                   is.skipped == t.skipped && is.cancelled == t.cancelled,
         "the outcomes are miscounted");
  expect(w, 3, is.in_flight == t.in_flight && is.queued == t.queued &&
                   is.running == t.running && is.done == t.done,
         "the records in flight are miscounted");
  expect(w, 3, is.retries == t.retries && is.parked_keys == t.parked_keys,
         "the retries are miscounted");
  expect(w, 3, is.bytes == t.bytes, "the bytes are miscounted");
  expect(w, 3, is.oldest == t.oldest, "another record is the oldest");
  expect(w, 3, is.partitions == t.partitions, "the partitions are miscounted");
}

/* == Law 4 == */

static uint64_t span_of (const epoch *e) {
  int lowest = count_settled(e);
  if (lowest == e->count) return 0;
  return (uint64_t)(e->records[e->count - 1].entry.offset - e->records[lowest].entry.offset) + 1;
}

/* Over from the limit on, until half of it is free. */
static bool is_over (bool was, uint64_t amount, uint64_t limit) {
  return was ? amount > limit / 2 : amount >= limit;
}

static void check_flow (world *w, epoch *e) {
  bool held;
  dm_partition_totals totals;
  unsigned holds;
  e->over_admitted = is_over(e->over_admitted, e->in_flight, w->options.max_admitted);
  e->over_span = is_over(e->over_span, span_of(e), w->options.max_span);
  if (!is_active(e)) {
    expect(w, 4, e->revoked || !dm_engine_held(w->engine, e->partition), "a drain holds back");
    return;
  }
  held = e->over_admitted || e->over_span || w->over_bytes;
  holds = (e->over_admitted ? DM_HOLD_ADMITTED : 0u) | (e->over_span ? DM_HOLD_SPAN : 0u) |
          (w->over_bytes ? DM_HOLD_BYTES : 0u);
  expect(w, 4, e->in_flight <= w->options.max_admitted, "too many records are here");
  expect(w, 4, e->told_to_hold == held, "flow did not tell what to hold back");
  expect(w, 4, dm_engine_held(w->engine, e->partition) == held, "held is wrong");
  dm_engine_partition_stats(w->engine, e->partition, &totals);
  expect(w, 4, totals.holds == holds, "the reason for holding back is wrong");
  expect(w, 3, totals.in_flight == e->in_flight, "the records of a partition are miscounted");
}

static epoch *epoch_of (const world *w, int partition) {
  for (epoch *e = w->epochs; e != NULL; e = e->next)
    if (e->partition == partition) return e;
  return NULL;
}

static void take_flow (world *w) {
  dm_flow flow;
  while (mutant_flow(w->mutation, w->engine, &flow)) {
    epoch *e = epoch_of(w, flow.partition);
    bool news = e != NULL && is_active(e) && e->told_to_hold != flow.hold;
    expect(w, 4, news, "flow told what is no news");
    if (e != NULL) e->told_to_hold = flow.hold;
  }
}

static void check_limits (world *w) {
  uint64_t bytes = w->counted.bytes;
  w->over_bytes = is_over(w->over_bytes, bytes, w->options.max_bytes);
  expect(w, 4, bytes < w->options.max_bytes + BYTES_MAX, "too many bytes are here");
  take_flow(w);
  for (epoch *e = w->epochs; e != NULL; e = e->next) check_flow(w, e);
}

void rules_check (world *w) {
  if (w->mutation != MUTATION_NONE || w->step % 4 == 0) {
    check_totals(w);
    for (const epoch *e = w->epochs; e != NULL; e = e->next) check_committable(w, e);
  }
  check_limits(w);
}
