/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "world.h"

enum { ROUNDS_MAX = 4000 };

/* Allocations fail, or no longer do. */
static void run_short (world *w, const schedule *s, unsigned one_in) {
  if (s->refuse_one_in == NULL) return;
  w->short_of_memory = one_in > 0;
  *s->refuse_one_in = one_in;
}

static void start_anew (world *w, const schedule *s) {
  world_crash(w);
  while (!world_start(w))
    if (s->refuse_one_in == NULL) abort();
}

static broker_log *any_log (world *w) {
  return &w->logs[choose(&w->choices, LOGS)];
}

static unsigned any_lane (world *w) {
  return choose(&w->choices, (unsigned)w->options.lanes);
}

/* Something that seldom happens. */
static void take_rare_step (world *w, const schedule *s) {
  switch (choose(&w->choices, 12)) {
    case 0: start_anew(w, s); break;
    case 1: case 2: step_revoke(w, any_log(w)); break;
    case 3: step_drain(w, any_log(w)); break;
    case 4: case 5: step_recommit(w, any_log(w)); break;
    case 6: step_misplace(w, any_log(w)); break;
    case 7: case 8: step_withdraw(w, any_lane(w)); break;
    default: w->now += choose(&w->choices, 40);
  }
}

static void take_step (world *w, const schedule *s) {
  unsigned choice = choose(&w->choices, 64);
  if (choice < 4) step_assign(w, any_log(w));
  else if (choice < 20) step_admit(w, any_log(w));
  else if (choice < 32) step_next(w, any_lane(w));
  else if (choice < 42) step_work(w, any_lane(w), false);
  else if (choice < 52) step_report(w, any_lane(w));
  else if (choice < 59) step_settle(w, false);
  else if (choice < 61) step_commit(w);
  else if (choice < 62) w->now += choose(&w->choices, 20);
  else take_rare_step(w, s);
}

/* One step, then the rules; false once a law is broken. */
static bool check (world *w) {
  w->step++;
  rules_check(w);
  return w->broken_law == 0;
}

static bool is_complete (const broker_log *log) {
  return log->committed > log->records[LOG_RECORDS - 1].offset;
}

/* A partition that cannot be committed to its end is given up and assigned anew. */
static void serve_log (world *w, broker_log *log) {
  if (log->epoch != NULL && (log->epoch->spoilt || log->epoch->drained)) step_revoke(w, log);
  step_assign(w, log);
  while (check(w) && step_admit(w, log)) continue;
}

static void serve_lane (world *w, unsigned lane) {
  while (step_next(w, lane) && check(w)) continue;
  while (step_work(w, lane, true) && check(w)) continue;
  while (step_report(w, lane) && check(w)) continue;
}

static bool settle_round (world *w) {
  bool complete = true;
  int64_t due = dm_engine_due(w->engine);
  if (due != INT64_MAX && due > w->now) w->now = due;
  for (int i = 0; i < LOGS; i++) serve_log(w, &w->logs[i]);
  for (unsigned i = 0; i < (unsigned)w->options.lanes; i++) serve_lane(w, i);
  while (step_settle(w, true) && check(w)) continue;
  step_commit(w);
  for (int i = 0; i < LOGS; i++) complete = complete && is_complete(&w->logs[i]);
  return complete;
}

/* From now on nothing fails: all that is on the broker is handled and committed. */
static void settle_down (world *w) {
  dm_engine_totals totals;
  int rounds = 0;
  while (check(w) && !settle_round(w))
    if (++rounds == ROUNDS_MAX) world_break(w, 3, "a record is never handled");
  if (w->broken_law != 0) return;
  dm_engine_stats(w->engine, &totals);
  if (totals.in_flight > 0) world_break(w, 3, "a record never comes back");
  if (dm_engine_due(w->engine) != INT64_MAX) world_break(w, 3, "a retry is due, but none waits");
}

int schedule_run (const schedule *s, const char **how) {
  world *w = malloc(sizeof *w);
  int law;
  if (w == NULL) abort();
  world_open(w, s->choices, s->mutation);
  start_anew(w, s);
  run_short(w, s, 3);
  for (unsigned i = 0; i < s->steps && !choices_are_over(&w->choices); i++) {
    take_step(w, s);
    if (!check(w)) break;
  }
  run_short(w, s, 0);
  if (w->broken_law == 0) settle_down(w);
  world_crash(w);
  law = w->broken_law;
  *how = w->how;
  free(w);
  return law;
}
