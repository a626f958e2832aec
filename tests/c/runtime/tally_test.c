/* SPDX-License-Identifier: MIT */
/* tally_test.c -- counts by event type, read while they are written. */
#include "runtime/tally.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "../check.h"

#define RECORDS 200000
#define OTHERS UINT64_C(128) /* types beyond the limit */

static void count (dm_tally *tally, const char *type, dm_tally_outcome outcome, int64_t micros) {
  dm_tally_add(tally, dm_tally_find(tally, type, strlen(type)), outcome, micros);
}

static const dm_tally_sum *find (const dm_tally_sum *sums, int n, const char *name) {
  for (int i = 0; i < n; i++)
    if (strcmp(sums[i].row.name, name) == 0) return &sums[i];
  return NULL;
}

static void counts_by_type_outcome_and_duration (void) {
  dm_tally tally = { 0 };
  dm_tally_sum sums[DM_ROWS_MAX];
  const dm_tally_sum *sum;
  count(&tally, "a", DM_TALLY_ACK, 100);
  count(&tally, "b", DM_TALLY_DEAD, 101);
  count(&tally, "a", DM_TALLY_RETRY, INT64_C(999000000));
  dm_tally_add(&tally, DM_ROWS_OTHER, DM_TALLY_SKIP, 0);
  CHECK(dm_tally_collect(&tally, sums, 0) == 3);
  sum = find(sums, 3, "a");
  CHECK(sum->outcomes[DM_TALLY_ACK] == 1 && sum->outcomes[DM_TALLY_RETRY] == 1);
  CHECK(sum->classes[0] == 1 && sum->classes[DM_TALLY_BOUNDS] == 1);
  CHECK(sum->micros == 999000100);
  CHECK(find(sums, 3, "b")->classes[1] == 1);
  CHECK(find(sums, 3, "other")->outcomes[DM_TALLY_SKIP] == 1);
  dm_tally_close(&tally);
}

static void types_beyond_the_limit_are_others (void) {
  dm_tally tally = { 0 };
  dm_tally_sum sums[DM_ROWS_MAX];
  char name[16];
  for (int i = 0; i < DM_ROWS_NAMED + (int)OTHERS; i++) {
    snprintf(name, sizeof name, "type-%d", i);
    count(&tally, name, DM_TALLY_ACK, 1);
  }
  CHECK(dm_tally_collect(&tally, sums, 0) == DM_ROWS_MAX);
  CHECK(find(sums, DM_ROWS_MAX, "type-0")->outcomes[DM_TALLY_ACK] == 1);
  CHECK(find(sums, DM_ROWS_MAX, "other")->outcomes[DM_TALLY_ACK] == OTHERS);
  dm_tally_close(&tally);
}

static void several_tallies_come_to_one_sum (void) {
  dm_tally one = { 0 }, two = { 0 };
  dm_tally_sum sums[2 * DM_ROWS_MAX];
  int n;
  count(&one, "a", DM_TALLY_ACK, 5);
  count(&two, "b", DM_TALLY_ACK, 6);
  count(&two, "a", DM_TALLY_ACK, 7);
  n = dm_tally_collect(&two, sums, dm_tally_collect(&one, sums, 0));
  CHECK(n == 2);
  CHECK(find(sums, n, "a")->outcomes[DM_TALLY_ACK] == 2 && find(sums, n, "a")->micros == 12);
  dm_tally_close(&one);
  dm_tally_close(&two);
}

static void *write_all (void *arg) {
  static const char *const types[] = { "a", "bb", "ccc" };
  for (int i = 0; i < RECORDS; i++) count(arg, types[i % 3], DM_TALLY_ACK, i % 1000);
  return NULL;
}

static void is_read_while_it_is_written (void) {
  dm_tally tally = { 0 };
  dm_tally_sum sums[DM_ROWS_MAX];
  pthread_t writer;
  uint64_t seen = 0, before = 0;
  CHECK(pthread_create(&writer, NULL, write_all, &tally) == 0);
  while (seen < RECORDS) {
    int n = dm_tally_collect(&tally, sums, 0);
    seen = 0;
    for (int i = 0; i < n; i++) seen += sums[i].outcomes[DM_TALLY_ACK];
    CHECK(seen >= before && seen <= RECORDS);
    before = seen;
  }
  pthread_join(writer, NULL);
  dm_tally_close(&tally);
}

int main (void) {
  RUN(counts_by_type_outcome_and_duration);
  RUN(types_beyond_the_limit_are_others);
  RUN(several_tallies_come_to_one_sum);
  RUN(is_read_while_it_is_written);
  return 0;
}
