/* SPDX-License-Identifier: MIT */
/* task_test.c -- tasks: waited for, abandoned, many at once. Its races are for ThreadSanitizer. */
#include "kafka/task.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "check.h"
#include "gate.h"
#include "kafka/clock.h"

enum { MANY = 64, ROUNDS = 20 };

typedef struct errand {
  gate *start;     /* the work waits here, unless NULL */
  gate *end;       /* released is told here; the errand must live so long */
  int result;      /* not atomic on purpose: the task must order it before 'done' */
  atomic_int released;
} errand;

static void work (void *arg) {
  errand *e = arg;
  if (e->start != NULL) gate_pass(e->start);
  e->result = 42;
}

static void release (void *arg) {
  errand *e = arg;
  atomic_fetch_add(&e->released, 1);
  if (e->end != NULL) gate_arrive(e->end);
}

static void a_task_ends_and_its_result_is_seen (void) {
  gate end;
  errand e = { .end = &end };
  gate_init(&end);
  dm_task *task = dm_task_start(work, release, &e);
  CHECK(task != NULL);
  CHECK(dm_task_wait(task, DM_FOREVER));
  CHECK(e.result == 42);
  CHECK(dm_task_wait(task, 0));
  CHECK(dm_task_wait(task, 1000));
  dm_task_unref(task);
  gate_await(&end, 1); /* its thread may still hold it */
  gate_destroy(&end);
}

static void what_it_used_is_released_once (void) {
  gate end;
  errand e = { .end = &end };
  gate_init(&end);
  dm_task *task = dm_task_start(work, release, &e);
  CHECK(dm_task_wait(task, DM_FOREVER));
  dm_task_unref(task);
  gate_await(&end, 1);
  CHECK(atomic_load(&e.released) == 1);
  gate_destroy(&end);
}

static void waiting_ends_at_the_time_limit (void) {
  gate start, end;
  errand e = { .start = &start, .end = &end };
  int64_t before;
  gate_init(&start);
  gate_init(&end);
  dm_task *task = dm_task_start(work, release, &e);
  before = dm_clock_ms();
  CHECK(!dm_task_wait(task, 0));
  CHECK(!dm_task_wait(task, 30));
  CHECK(dm_clock_ms() - before >= 30);
  gate_open(&start);
  CHECK(dm_task_wait(task, DM_FOREVER));
  dm_task_unref(task);
  gate_await(&end, 1);
  gate_destroy(&start);
  gate_destroy(&end);
}

static void an_abandoned_task_keeps_its_memory_until_it_ends (void) {
  gate start, end;
  errand e = { .start = &start, .end = &end };
  gate_init(&start);
  gate_init(&end);
  dm_task *task = dm_task_start(work, release, &e);
  CHECK(!dm_task_wait(task, 1));
  dm_task_unref(task);
  CHECK(atomic_load(&e.released) == 0);
  gate_open(&start);
  gate_await(&end, 1);
  CHECK(e.result == 42);
  gate_destroy(&start);
  gate_destroy(&end);
}

static void each_reference_counts (void) {
  gate end;
  errand e = { .end = &end };
  gate_init(&end);
  dm_task *task = dm_task_start(work, release, &e);
  CHECK(dm_task_ref(task) == task);
  CHECK(dm_task_wait(task, DM_FOREVER));
  dm_task_unref(task);
  CHECK(atomic_load(&e.released) == 0);
  CHECK(dm_task_wait(task, DM_FOREVER));
  dm_task_unref(task);
  gate_await(&end, 1);
  gate_destroy(&end);
}

static void many_run_at_once (void) {
  gate start, end;
  errand errands[MANY] = { 0 };
  dm_task *tasks[MANY];
  gate_init(&start);
  gate_init(&end);
  for (int i = 0; i < MANY; i++) {
    errands[i].start = &start;
    errands[i].end = &end;
    tasks[i] = dm_task_start(work, release, &errands[i]);
    CHECK(tasks[i] != NULL);
  }
  gate_open(&start);
  for (int i = 0; i < MANY; i++) {
    if (i % 2 == 0) CHECK(dm_task_wait(tasks[i], DM_FOREVER) && errands[i].result == 42);
    dm_task_unref(tasks[i]);
  }
  gate_await(&end, MANY);
  for (int i = 0; i < MANY; i++) CHECK(atomic_load(&errands[i].released) == 1);
  gate_destroy(&start);
  gate_destroy(&end);
}

/* The end of the work and the last reference race for the memory. */
static void leaving_and_ending_may_coincide (void) {
  for (int round = 0; round < ROUNDS * MANY; round++) {
    gate start, end;
    errand e = { .start = &start, .end = &end };
    gate_init(&start);
    gate_init(&end);
    dm_task *task = dm_task_start(work, release, &e);
    CHECK(task != NULL);
    gate_open(&start);
    dm_task_wait(task, 0);
    dm_task_unref(task);
    gate_await(&end, 1);
    CHECK(e.result == 42);
    gate_destroy(&start);
    gate_destroy(&end);
  }
}

int main (void) {
  RUN(a_task_ends_and_its_result_is_seen);
  RUN(what_it_used_is_released_once);
  RUN(waiting_ends_at_the_time_limit);
  RUN(an_abandoned_task_keeps_its_memory_until_it_ends);
  RUN(each_reference_counts);
  RUN(many_run_at_once);
  RUN(leaving_and_ending_may_coincide);
  return EXIT_SUCCESS;
}
