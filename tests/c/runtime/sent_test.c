/* SPDX-License-Identifier: MIT */
/* sent_test.c -- emitted events counted by type, and the latencies of a share of them, read while
** they are counted. */
#include "runtime/sent.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../check.h"

enum { EVENTS = 100000 };

/* Headers of an event of that type; NULL: of none. */
static rd_kafka_headers_t *headers_of (const char *type) {
  rd_kafka_headers_t *headers = rd_kafka_headers_new(2);
  CHECK(rd_kafka_header_add(headers, "ce_id", -1, "1", -1) == RD_KAFKA_RESP_ERR_NO_ERROR);
  if (type != NULL)
    CHECK(rd_kafka_header_add(headers, "ce_type", -1, type, -1) == RD_KAFKA_RESP_ERR_NO_ERROR);
  return headers;
}

static void add (dm_sent *sent, const char *type, size_t bytes, int64_t micros) {
  rd_kafka_headers_t *headers = headers_of(type);
  dm_sent_add(sent, headers, bytes, micros);
  rd_kafka_headers_destroy(headers);
}

static void fail (dm_sent *sent, const char *type) {
  rd_kafka_headers_t *headers = headers_of(type);
  dm_sent_fail(sent, headers);
  rd_kafka_headers_destroy(headers);
}

static const dm_sent_sum *find (const dm_sent_sum *sums, int count, const char *name) {
  for (int i = 0; i < count; i++)
    if (strcmp(sums[i].row.name, name) == 0) return &sums[i];
  return NULL;
}

static void counts_by_type (void) {
  dm_sent one = { 0 }, two = { 0 };
  dm_sent_sum sums[4];
  const dm_sent_sum *sum;
  int count;
  add(&one, "a", 10, 100);
  add(&two, "a", 5, 300);
  fail(&two, "b");
  add(&one, NULL, 1, -1);
  dm_sent_add(&one, NULL, 1, 2);
  CHECK(dm_sent_count(&one) == 2 && dm_sent_count(&two) == 2);
  count = dm_sent_collect(&two, sums, dm_sent_collect(&one, sums, 0, 4), 4);
  CHECK(count == 3);
  sum = find(sums, count, "a");
  CHECK(sum->sent == 2 && sum->failed == 0 && sum->bytes == 15);
  CHECK(sum->micros == 400 && sum->most == 300);
  sum = find(sums, count, "b");
  CHECK(sum->sent == 0 && sum->failed == 1 && dm_sent_quantile(sum, 0.5) == 0);
  sum = find(sums, count, "other");
  CHECK(sum->sent == 2 && sum->bytes == 2 && sum->most == 2);
  dm_sent_close(&one);
  dm_sent_close(&two);
}

static void makes_no_more_sums_than_there_is_room_for (void) {
  dm_sent sent = { 0 };
  dm_sent_sum sums[2];
  add(&sent, "a", 1, 1);
  add(&sent, "b", 1, 1);
  add(&sent, "c", 1, 1);
  CHECK(dm_sent_collect(&sent, sums, 0, 2) == 2);
  CHECK(dm_sent_collect(&sent, sums, 2, 2) == 2 && sums[0].sent == 2);
  dm_sent_close(&sent);
}

static int compare (const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

/* Against the sorted latencies, from one microsecond to beyond the last class. */
static void quantiles_are_an_eighth_too_long_at_the_most (void) {
  static const double shares[] = { 0, 0.01, 0.5, 0.95, 0.99, 1 };
  static int64_t latencies[5000];
  uint64_t seed = 42;
  for (int round = 1; round <= 40; round++) {
    dm_sent sent = { 0 };
    dm_sent_sum sum;
    int n = round * 125;
    for (int i = 0; i < n; i++) {
      seed = seed * UINT64_C(6364136223846793005) + 1;
      latencies[i] = (int64_t)(seed >> 20) >> (seed >> 59) % 30;
      latencies[i] %= INT64_C(1) << (round % 27);
      add(&sent, "t", 1, latencies[i]);
    }
    qsort(latencies, (size_t)n, sizeof *latencies, compare);
    CHECK(dm_sent_collect(&sent, &sum, 0, 1) == 1);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
      int rank = (int)(shares[i] * n + 0.999999);
      uint64_t right = (uint64_t)latencies[rank > 0 ? rank - 1 : 0];
      uint64_t told = dm_sent_quantile(&sum, shares[i]);
      CHECK(told >= right && told <= right + right / 8 + 1);
    }
    CHECK(dm_sent_quantile(&sum, 1) == (uint64_t)latencies[n - 1]);
    dm_sent_close(&sent);
  }
}

static void what_is_longer_than_every_class_is_told_as_the_longest (void) {
  dm_sent sent = { 0 };
  dm_sent_sum sum;
  add(&sent, "t", 1, INT64_C(400000000));
  CHECK(dm_sent_collect(&sent, &sum, 0, 1) == 1);
  CHECK(dm_sent_quantile(&sum, 0.5) == UINT64_C(400000000));
  dm_sent_close(&sent);
}

static void *count_all (void *arg) {
  static const char *const types[] = { "a", "bb", "ccc" };
  rd_kafka_headers_t *headers[3];
  for (int i = 0; i < 3; i++) headers[i] = headers_of(types[i]);
  for (int i = 0; i < EVENTS; i++) dm_sent_add(arg, headers[i % 3], 7, i % 1000);
  for (int i = 0; i < 3; i++) rd_kafka_headers_destroy(headers[i]);
  return NULL;
}

static void is_read_while_it_is_counted (void) {
  dm_sent sent = { 0 };
  dm_sent_sum sums[3];
  pthread_t writer;
  uint64_t seen = 0, before = 0;
  CHECK(pthread_create(&writer, NULL, count_all, &sent) == 0);
  while (seen < EVENTS) {
    int count = dm_sent_collect(&sent, sums, 0, 3);
    seen = 0;
    for (int i = 0; i < count; i++) seen += sums[i].sent;
    CHECK(seen >= before && seen <= EVENTS);
    before = seen;
  }
  pthread_join(writer, NULL);
  dm_sent_close(&sent);
}

int main (void) {
  RUN(counts_by_type);
  RUN(makes_no_more_sums_than_there_is_room_for);
  RUN(quantiles_are_an_eighth_too_long_at_the_most);
  RUN(what_is_longer_than_every_class_is_told_as_the_longest);
  RUN(is_read_while_it_is_counted);
  return 0;
}
