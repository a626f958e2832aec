/* SPDX-License-Identifier: MIT */
/* mutant.h -- the engine as the model calls it: as it is, or with one law broken on purpose. */
#ifndef DM_TEST_MUTANT_H
#define DM_TEST_MUTANT_H

#include "engine/engine.h"

typedef enum mutation {
  MUTATION_NONE,
  COMMIT_OVER_A_GAP,
  COMMIT_BACKWARDS,
  CONFUSE_KEYS,
  RETRY_TOO_EARLY,
  FORGET_A_RECORD,
  HOLD_NOTHING_BACK,
  BELIEVE_LATE_RESULTS,
  MUTATIONS
} mutation;

/* The law that the mutation breaks; 0: none. */
int mutation_law (mutation m);
const char *mutation_name (mutation m);

dm_admission mutant_admit (mutation m, dm_engine *e, dm_entry *entry, int64_t now);
bool mutant_settle (mutation m, dm_engine *e, dm_entry *entry, dm_outcome outcome, int64_t now);
bool mutant_retry (mutation m, dm_engine *e, dm_entry *entry, int64_t due, int64_t now);
bool mutant_commit (mutation m, dm_engine *e, dm_commit *out);
bool mutant_flow (mutation m, dm_engine *e, dm_flow *out);
void mutant_revoke (mutation m, dm_engine *e, int partition, dm_engine_drop drop, void *arg);

#endif
