/* SPDX-License-Identifier: MIT */
/* What the settlement engine costs by itself: pairs of an admission and a settlement, with handing
** out and done between them, per second of CPU time on one core.
** usage: bench-engine [PAIRS]        (5,000,000)
** Prints a line of JSON: rates in millions of pairs a second, ratios of the cost of a pair. */
#include <stdbool.h>
#include <stdlib.h>

#include "engine/engine.h"
#include "measure.h"

enum { PARTITIONS = 8, LANES = 2, BATCH = 256, PENDING = 2048, POOL = 4096, BEHIND = 100000,
       BACKLOG = 1000000 };

typedef struct bench {
  dm_engine *engine;
  dm_entry *pool;              /* used in turn */
  uint32_t pool_size;
  uint64_t admitted, settled;
  uint64_t keys;
  uint64_t retry_one_in;       /* 0: never */
  int partitions[PARTITIONS];
  int partition_count;
  int64_t offsets[PARTITIONS];
} bench;

static void fail (const char *what) {
  fprintf(stderr, "bench-engine: %s\n", what);
  exit(1);
}

/* The finalizer of SplitMix64: as good a hash as any. */
static uint64_t hash (uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
  x = (x ^ x >> 27) * 0x94D049BB133111EBu;
  return x ^ x >> 31;
}

static void open_bench (bench *b, int partitions, uint64_t keys, uint32_t pool_size) {
  dm_engine_options options = { .lanes = LANES, .max_admitted = UINT32_MAX,
                                .max_span = UINT32_MAX, .max_bytes = UINT64_MAX };
  *b = (bench){ .engine = dm_engine_new(&options), .keys = keys, .pool_size = pool_size,
                .pool = calloc(pool_size, sizeof *b->pool), .partition_count = partitions };
  if (b->engine == NULL || b->pool == NULL) fail("not enough memory");
  for (int i = 0; i < partitions; i++) b->partitions[i] = dm_engine_assign(b->engine, 0);
}

static void close_bench (bench *b) {
  dm_engine_free(b->engine);
  free(b->pool);
}

static void admit (bench *b) {
  uint64_t n = b->admitted++;
  dm_entry *entry = &b->pool[n % b->pool_size];
  uint64_t p = n % (uint64_t)b->partition_count;
  entry->partition = b->partitions[p];
  entry->offset = b->offsets[p]++;
  entry->key = hash(hash(n) % b->keys);
  entry->bytes = 250;
  if (dm_engine_admit(b->engine, entry, (int64_t)n) != DM_ADMITTED) fail("a record was refused");
}

static bool is_to_fail (const bench *b, const dm_entry *entry) {
  return b->retry_one_in > 0 && entry->attempt == 1 &&
         hash((uint64_t)entry->offset) % b->retry_one_in == 0;
}

/* A worker's run over what a lane has; what fails is due again at once. */
static void run_lane (bench *b, int lane, bool settle) {
  dm_entry *entry;
  int64_t now = (int64_t)b->admitted;
  while ((entry = dm_engine_next(b->engine, lane, now)) != NULL) {
    if (is_to_fail(b, entry)) {
      dm_engine_retry(b->engine, entry, now, now);
      continue;
    }
    dm_engine_done(b->engine, entry);
    if (settle) dm_engine_settle(b->engine, entry, DM_OUTCOME_ACK, now);
  }
}

/* Reports come in the order of admission, some thousand records later. */
static void settle_pending (bench *b) {
  for (; b->admitted - b->settled > PENDING; b->settled++)
    dm_engine_settle(b->engine, &b->pool[b->settled % b->pool_size], DM_OUTCOME_ACK, 0);
}

static void run_batch (bench *b, bool pending) {
  dm_commit commit;
  for (int i = 0; i < BATCH; i++) admit(b);
  for (int lane = 0; lane < LANES; lane++) run_lane(b, lane, !pending);
  if (pending) settle_pending(b);
  while (dm_engine_commit(b->engine, &commit)) continue;
}

/* CPU seconds a pair. */
static double run_pairs (bench *b, uint64_t pairs, bool pending) {
  measure start = measure_now();
  for (uint64_t i = 0; i < pairs; i += BATCH) run_batch(b, pending);
  return (measure_now().cpu - start.cpu) / (double)pairs;
}

static double rate (uint64_t pairs, uint64_t keys, uint64_t retry_one_in) {
  bench b;
  double cost;
  open_bench(&b, PARTITIONS, keys, POOL);
  b.retry_one_in = retry_one_in;
  run_pairs(&b, pairs / 10, true);
  cost = run_pairs(&b, pairs, true);
  close_bench(&b);
  return 1 / cost / 1e6;
}

/* The cost of a pair in one partition; 'stuck': while its first record never settles, and BEHIND
** settled ones are behind it. */
static double cost_behind (uint64_t pairs, bool is_stuck) {
  double cost = 0;
  uint64_t rounds = pairs / BEHIND + 1;
  for (uint64_t i = 0; i < rounds; i++) {
    bench b;
    dm_entry stuck = { 0 };
    open_bench(&b, 1, 1000, POOL);
    if (is_stuck) {
      stuck.partition = b.partitions[0];
      stuck.offset = b.offsets[0]++;
      dm_engine_admit(b.engine, &stuck, 0);
      dm_engine_next(b.engine, 0, 0);
    }
    run_pairs(&b, BEHIND, false);
    cost += run_pairs(&b, BEHIND, false) / (double)rounds;
    close_bench(&b);
  }
  return cost;
}

/* The cost of a pair while so many others are queued before it. */
static double cost_with_backlog (uint64_t pairs, uint32_t backlog) {
  bench b;
  measure start;
  double cpu;
  open_bench(&b, PARTITIONS, 1000, backlog + BATCH);
  for (uint32_t i = 0; i < backlog; i++) admit(&b);
  start = measure_now();
  for (uint64_t i = 0; i < pairs; i++) {
    dm_entry *entry = dm_engine_next(b.engine, 0, 0);
    if (entry == NULL) entry = dm_engine_next(b.engine, 1, 0);
    dm_engine_done(b.engine, entry);
    dm_engine_settle(b.engine, entry, DM_OUTCOME_ACK, 0);
    admit(&b);
  }
  cpu = measure_now().cpu - start.cpu;
  close_bench(&b);
  return cpu / (double)pairs;
}

int main (int argc, char **argv) {
  uint64_t pairs = argc > 1 ? strtoull(argv[1], NULL, 10) : 5000000;
  double thousand = rate(pairs, 1000, 0), million = rate(pairs, 1000000, 0);
  double retried = rate(pairs, 1000000, 10);
  double stuck = cost_behind(pairs, true) / cost_behind(pairs, false);
  double backlog = cost_with_backlog(pairs, BACKLOG) / cost_with_backlog(pairs, BACKLOG / 1000);
  printf("{\"keys_1000\":%.2f,\"keys_1000000\":%.2f,\"retries\":%.2f,\"stuck\":%.2f,"
         "\"backlog\":%.2f}\n", thousand, million, retried, stuck, backlog);
  return 0;
}
