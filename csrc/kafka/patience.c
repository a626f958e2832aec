/* SPDX-License-Identifier: MIT */
#include "kafka/patience.h"

#include <limits.h>

#include "kafka/job.h"

/* The first attempt; a broker that is slower gets twice as long each time. */
#define FIRST_MS 500

dm_patience dm_patience_begin (dm_deadline deadline) {
  return (dm_patience){ deadline, FIRST_MS };
}

int dm_patience_ms (const dm_patience *patience) {
  int left = dm_deadline_left(patience->deadline);
  return left < patience->slice_ms ? left : patience->slice_ms;
}

/* A pause after an attempt that ended at once. */
#define PAUSE_MS 50

/* No usable broker is _TRANSPORT, from newer librdkafka also _ALL_BROKERS_DOWN, and then at once; a
** broker that is slow is _TIMED_OUT. */
bool dm_patience_again (dm_patience *patience, const void *block, rd_kafka_resp_err_t code) {
  bool slow = code == RD_KAFKA_RESP_ERR__TIMED_OUT;
  bool down = code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
  if (!slow && !down && code != RD_KAFKA_RESP_ERR__TRANSPORT) return false;
  if (down) dm_clock_pause(PAUSE_MS);
  if (slow && patience->slice_ms <= INT_MAX / 2) patience->slice_ms *= 2;
  return dm_deadline_left(patience->deadline) > 0 && !dm_job_abandoned(block);
}
