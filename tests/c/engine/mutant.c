/* SPDX-License-Identifier: MIT */
#include "mutant.h"

#include <stddef.h>

static const struct { int law; const char *name; } mutations[MUTATIONS] = {
  [MUTATION_NONE] = { 0, "none" },
  [COMMIT_OVER_A_GAP] = { 1, "commit over a gap" },
  [COMMIT_BACKWARDS] = { 1, "commit backwards" },
  [CONFUSE_KEYS] = { 2, "confuse keys" },
  [RETRY_TOO_EARLY] = { 2, "retry too early" },
  [FORGET_A_RECORD] = { 3, "forget a record" },
  [HOLD_NOTHING_BACK] = { 4, "hold nothing back" },
  [BELIEVE_LATE_RESULTS] = { 5, "believe late results" },
};

int mutation_law (mutation m) {
  return mutations[m].law;
}

const char *mutation_name (mutation m) {
  return mutations[m].name;
}

dm_admission mutant_admit (mutation m, dm_engine *e, dm_entry *entry, int64_t now) {
  if (m == CONFUSE_KEYS) entry->key = (uint64_t)entry->offset;
  return dm_engine_admit(e, entry, now);
}

bool mutant_settle (mutation m, dm_engine *e, dm_entry *entry, dm_outcome outcome, int64_t now) {
  if (m == FORGET_A_RECORD && entry->offset % 7 == 0) return true;
  return dm_engine_settle(e, entry, outcome, now);
}

bool mutant_retry (mutation m, dm_engine *e, dm_entry *entry, int64_t due, int64_t now) {
  return dm_engine_retry(e, entry, m == RETRY_TOO_EARLY ? now : due, now);
}

bool mutant_commit (mutation m, dm_engine *e, dm_commit *out) {
  dm_partition_totals totals;
  if (!dm_engine_commit(e, out)) return false;
  dm_engine_partition_stats(e, out->partition, &totals);
  if (m == COMMIT_OVER_A_GAP) out->offset = totals.newest + 1;
  if (m == COMMIT_BACKWARDS && out->offset % 5 == 0) out->offset -= 5;
  return true;
}

bool mutant_flow (mutation m, dm_engine *e, dm_flow *out) {
  bool any;
  do any = dm_engine_flow(e, out);
  while (any && m == HOLD_NOTHING_BACK);
  return any;
}

void mutant_revoke (mutation m, dm_engine *e, int partition, dm_engine_drop drop, void *arg) {
  if (m == BELIEVE_LATE_RESULTS) dm_engine_drain(e, partition, drop, arg);
  else dm_engine_revoke(e, partition, drop, arg);
}
