/* SPDX-License-Identifier: MIT */
/* lane_test.c -- the way of works from a group thread to the threads of lanes and back: which keys
** wait for a retry, and that, however the threads come to run, no record of a key runs before the
** one before it was handled. The engine is the real one; handlers are random numbers.
**
** DOCMSG_LANE_SEED begins with another seed, as a failure prints it.
*/
#include "runtime/lane.h"

#include <pthread.h>
#include <string.h>

#include "../check.h"
#include "engine/engine.h"
#include "kafka/clock.h"

enum { LANES = 3, KEYS = 20, RECORDS = 40000, AHEAD = 500, SEEDS = 3 };

/* -- One thread ------------------------------------------------------------------------------- */

static dm_work *new_work (dm_inbox *inbox, uint64_t key, int64_t offset) {
  static dm_work_pool none;
  dm_work *work = dm_work_new(&none, NULL, NULL, inbox);
  CHECK(work != NULL);
  work->entry.key = key;
  work->entry.offset = offset;
  return work;
}

static void push (dm_lane *lane, dm_work *work, uint64_t seen) {
  dm_work_list works = { NULL, NULL, 0 };
  dm_work_list_append(&works, work);
  dm_lane_push(lane, &works, seen);
}

static void free_all (dm_work_list *works) {
  dm_work_pool pool = { { NULL, NULL, 0 } };
  dm_work *work;
  while ((work = dm_work_list_take(works)) != NULL) dm_work_free(&pool, work);
  dm_work_pool_clear(&pool);
}

/* A record is retried while a later one of its key waits in the lane and others, given after the
** retry was known, behind that. */
static void what_was_given_before_a_retry_was_known_does_not_run (void) {
  dm_inbox inbox;
  dm_lane lane;
  dm_work_list taken = { NULL, NULL, 0 }, back = { NULL, NULL, 0 };
  dm_work *retried, *later, *other;
  CHECK(dm_inbox_open(&inbox));
  dm_lane_open(&lane, &inbox);
  push(&lane, new_work(&inbox, 7, 0), 0);
  CHECK(dm_lane_take(&lane, &taken, 0));
  retried = dm_work_list_take(&taken);
  push(&lane, new_work(&inbox, 7, 1), 0);
  dm_lane_block(&lane, retried);
  dm_lane_reply(&lane, retried, 1);
  push(&lane, new_work(&inbox, 8, 2), 1);
  CHECK(dm_lane_take(&lane, &taken, 0));
  later = dm_work_list_take(&taken);
  other = dm_work_list_take(&taken);
  CHECK(!dm_lane_may_run(&lane, later));
  CHECK(dm_lane_may_run(&lane, other));
  dm_lane_reply(&lane, later, 2);
  dm_lane_reply(&lane, other, 2);
  dm_inbox_take(&inbox, &back);
  CHECK(dm_work_list_take(&back) == retried);
  push(&lane, retried, 3);
  CHECK(dm_lane_take(&lane, &taken, 0));
  CHECK(dm_lane_may_run(&lane, retried));
  free_all(&taken);
  free_all(&back);
  dm_lane_close(&lane);
  dm_inbox_close(&inbox);
}

static void a_stopped_lane_gives_nothing (void) {
  dm_inbox inbox;
  dm_lane lane;
  dm_work_list works = { NULL, NULL, 0 };
  CHECK(dm_inbox_open(&inbox));
  dm_lane_open(&lane, &inbox);
  CHECK(!dm_lane_take(&lane, &works, 0));
  push(&lane, new_work(&inbox, 1, 0), 0);
  dm_lane_stop(&lane);
  CHECK(!dm_lane_take(&lane, &works, DM_FOREVER));
  dm_lane_withdraw(&lane, &works);
  CHECK(works.count == 1);
  free_all(&works);
  dm_lane_close(&lane);
  dm_inbox_close(&inbox);
}

/* -- Many threads ----------------------------------------------------------------------------- */

typedef struct world {
  dm_engine *engine;
  dm_inbox inbox;
  dm_lane lanes[LANES];
  uint64_t seen[LANES];        /* replies read */
  dm_work_pool pool;
  uint64_t keys[RECORDS];      /* of each offset */
  int64_t following[RECORDS];  /* the next offset with the same key; RECORDS: none */
  int64_t expected[KEYS];      /* what must run next; each is its lane's thread's alone */
  int partition;
  unsigned seed;
} world;

typedef struct server {
  world *w;
  dm_lane *lane;
  unsigned seed;
  pthread_t thread;
} server;

static unsigned roll (unsigned *seed, unsigned sides) {
  *seed = *seed * 1664525u + 1013904223u;
  return (*seed >> 8) % sides;
}

/* A handler: wants a retry now and then. */
static void handle (server *s, dm_work *work) {
  uint64_t key = work->entry.key;
  CHECK(work->entry.offset == s->w->expected[key]);
  if (roll(&s->seed, 6) == 0) {
    work->verdict = DM_VERDICT_RETRY;
    work->retry_after_ms = roll(&s->seed, 3);
    dm_lane_block(s->lane, work);
    return;
  }
  work->verdict = DM_VERDICT_ACK;
  s->w->expected[key] = s->w->following[work->entry.offset];
}

/* Like dm_handler_serve; now and then a signal interrupts it, and the rest goes back unrun. */
static void *serve (void *arg) {
  server *s = arg;
  dm_work_list works = { NULL, NULL, 0 };
  while (dm_lane_take(s->lane, &works, DM_FOREVER)) {
    bool stop = false;
    dm_work *work;
    while ((work = dm_work_list_take(&works)) != NULL) {
      stop = stop || roll(&s->seed, 200) == 0;
      if (!stop && dm_lane_may_run(s->lane, work)) handle(s, work);
      else {
        work->verdict = DM_VERDICT_UNRUN;
        dm_lane_block(s->lane, work);
      }
      dm_lane_reply(s->lane, work, dm_clock_ms());
    }
    dm_lane_announce(s->lane, dm_clock_ms());
  }
  return NULL;
}

static void take_reply (world *w, dm_work *work, int64_t now) {
  w->seen[work->entry.lane]++;
  switch (work->verdict) {
    case DM_VERDICT_RETRY:
      CHECK(dm_engine_retry(w->engine, &work->entry, now + work->retry_after_ms, now));
      break;
    case DM_VERDICT_UNRUN: CHECK(dm_engine_unrun(w->engine, &work->entry)); break;
    default:
      dm_engine_done(w->engine, &work->entry);
      CHECK(dm_engine_settle(w->engine, &work->entry, DM_OUTCOME_ACK, now));
      dm_work_free(&w->pool, work);
      break;
  }
}

/* Another partition is given up: what no thread has taken comes back. */
static void withdraw (world *w) {
  dm_work_list works = { NULL, NULL, 0 };
  dm_work *work;
  for (int i = 0; i < LANES; i++) dm_lane_withdraw(&w->lanes[i], &works);
  while ((work = dm_work_list_take(&works)) != NULL)
    CHECK(dm_engine_unrun(w->engine, &work->entry));
}

static void hand_out (world *w, int64_t now) {
  for (int i = 0; i < LANES; i++) {
    dm_work_list works = { NULL, NULL, 0 };
    dm_entry *entry;
    int room = dm_lane_room(&w->lanes[i]);
    while (works.count < room && (entry = dm_engine_next(w->engine, i, now)) != NULL)
      dm_work_list_append(&works, (dm_work *)entry);
    if (works.first != NULL) dm_lane_push(&w->lanes[i], &works, w->seen[i]);
  }
}

static void admit (world *w, int64_t offset, int64_t now) {
  dm_work *work = dm_work_new(&w->pool, NULL, NULL, &w->inbox);
  CHECK(work != NULL);
  work->entry.key = w->keys[offset];
  work->entry.offset = offset;
  work->entry.partition = w->partition;
  CHECK(dm_engine_admit(w->engine, &work->entry, now) == DM_ADMITTED);
}

/* The group thread, until all records are settled. */
static void drive (world *w) {
  int64_t offset = 0;
  dm_engine_totals totals;
  do {
    dm_work_list works = { NULL, NULL, 0 };
    dm_work *work;
    int64_t now = dm_clock_ms();
    dm_inbox_take(&w->inbox, &works);
    while ((work = dm_work_list_take(&works)) != NULL) take_reply(w, work, now);
    dm_engine_stats(w->engine, &totals);
    while (offset < RECORDS && offset < (int64_t)totals.acked + AHEAD) admit(w, offset++, now);
    if (roll(&w->seed, 50) == 0) withdraw(w);
    hand_out(w, now);
    dm_inbox_wait(&w->inbox, 1);
  } while (totals.acked < RECORDS);
  CHECK(dm_engine_committable(w->engine, w->partition) == RECORDS);
}

static void make_records (world *w) {
  for (int i = 0; i < KEYS; i++) w->expected[i] = RECORDS;
  for (int64_t i = RECORDS; i-- > 0;) {
    w->keys[i] = roll(&w->seed, KEYS);
    w->following[i] = w->expected[w->keys[i]];
    w->expected[w->keys[i]] = i;
  }
}

static void run_world (unsigned seed) {
  static world w;
  server servers[LANES];
  dm_engine_options options = { .order = DM_ORDER_KEY, .lanes = LANES };
  w = (world){ .seed = seed };
  printf("    seed %u\n", seed);
  fflush(stdout);
  make_records(&w);
  CHECK(dm_inbox_open(&w.inbox));
  CHECK((w.engine = dm_engine_new(&options)) != NULL);
  w.partition = dm_engine_assign(w.engine, -1);
  for (int i = 0; i < LANES; i++) {
    dm_lane_open(&w.lanes[i], &w.inbox);
    servers[i] = (server){ .w = &w, .lane = &w.lanes[i], .seed = seed + (unsigned)i + 1 };
    CHECK(pthread_create(&servers[i].thread, NULL, serve, &servers[i]) == 0);
  }
  drive(&w);
  for (int i = 0; i < LANES; i++) dm_lane_stop(&w.lanes[i]);
  for (int i = 0; i < LANES; i++) CHECK(pthread_join(servers[i].thread, NULL) == 0);
  for (int i = 0; i < LANES; i++) dm_lane_close(&w.lanes[i]);
  dm_work_pool_clear(&w.pool);
  dm_engine_free(w.engine);
  dm_inbox_close(&w.inbox);
}

static void keys_stay_in_order_whatever_the_threads_do (void) {
  const char *given = getenv("DOCMSG_LANE_SEED");
  unsigned first = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)dm_clock_ms();
  for (unsigned i = 0; i < SEEDS; i++) run_world(first + i);
}

int main (void) {
  RUN(what_was_given_before_a_retry_was_known_does_not_run);
  RUN(a_stopped_lane_gives_nothing);
  RUN(keys_stay_in_order_whatever_the_threads_do);
  return 0;
}
