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

/* Answers that come at once and pass: newer librdkafkas' for no usable broker, and those of brokers
** that are not, or not yet, the group's coordinator. */
static bool is_passing (rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
         code == RD_KAFKA_RESP_ERR_NOT_COORDINATOR ||
         code == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE ||
         code == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
}

/* No usable broker is also _TRANSPORT; a broker that is slow is _TIMED_OUT. */
bool dm_patience_again (dm_patience *patience, const void *block, rd_kafka_resp_err_t code) {
  bool slow = code == RD_KAFKA_RESP_ERR__TIMED_OUT;
  bool passing = is_passing(code);
  if (!slow && !passing && code != RD_KAFKA_RESP_ERR__TRANSPORT) return false;
  if (passing) dm_clock_pause(PAUSE_MS);
  if (slow && patience->slice_ms <= INT_MAX / 2) patience->slice_ms *= 2;
  return dm_deadline_left(patience->deadline) > 0 && !dm_job_abandoned(block);
}
