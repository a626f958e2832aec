/* SPDX-License-Identifier: MIT */
#include "engine/engine.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/engine_parts.h"

static const dm_engine_options defaults = {
  .lanes = 1, .max_admitted = 10000, .max_span = 100000, .max_bytes = (uint64_t)32 << 20
};

static dm_engine_options complete (const dm_engine_options *given) {
  dm_engine_options options = *given;
  if (options.lanes == 0) options.lanes = defaults.lanes;
  if (options.max_admitted == 0) options.max_admitted = defaults.max_admitted;
  if (options.max_span == 0) options.max_span = defaults.max_span;
  if (options.max_bytes == 0) options.max_bytes = defaults.max_bytes;
  return options;
}

dm_engine *dm_engine_new (const dm_engine_options *options) {
  dm_engine *e = calloc(1, sizeof *e);
  if (e == NULL) return NULL;
  e->options = complete(options);
  assert(e->options.lanes > 0 && e->options.lanes <= DM_LANES_MAX);
  e->news[DM_NEWS_COMMIT] = e->news[DM_NEWS_FLOW] = (dm_news_list){ -1, -1 };
  e->lanes = calloc((size_t)e->options.lanes, sizeof *e->lanes);
  if (e->lanes != NULL) return e;
  free(e);
  return NULL;
}

void dm_engine_free (dm_engine *e) {
  if (e == NULL) return;
  for (int i = 0; i < e->partition_count; i++) dm_ring_clear(&e->partitions[i].ring);
  free(e->partitions);
  dm_keys_clear(&e->keys);
  dm_timers_clear(&e->timers);
  free(e->lanes);
  free(e);
}

dm_admission dm_engine_admit (dm_engine *e, dm_entry *entry, int64_t now) {
  dm_partition *p = dm_partition_of(e, entry);
  if (p->state != DM_PARTITION_ASSIGNED) return DM_NOT_ASSIGNED;
  if (entry->offset <= p->newest) return DM_OUT_OF_ORDER;
  if (!dm_partition_admit(e, p, entry)) return DM_NO_MEMORY;
  entry->admitted_at = now;
  entry->attempt = 0;
  entry->trial = false;
  entry->state = DM_ENTRY_QUEUED;
  e->admitted++;
  e->in_flight++;
  dm_lane_queue(e, entry);
  return DM_ADMITTED;
}

void dm_engine_done (dm_engine *e, dm_entry *entry) {
  assert(entry->state == DM_ENTRY_RUNNING);
  dm_lane_finish(e, entry);
  entry->state = DM_ENTRY_DONE;
  e->done++;
}

/* The record is the caller's again. */
static void let_go (dm_engine *e, dm_partition *p, dm_entry *entry, dm_outcome outcome) {
  entry->state = DM_ENTRY_FREE;
  e->outcomes[outcome]++;
  e->in_flight--;
  e->bytes -= entry->bytes;
  p->in_flight--;
  dm_partition_leave(e, p);
}

void dm_engine_give_up (dm_engine *e, dm_entry *entry) {
  dm_partition *p = dm_partition_of(e, entry);
  if (p->state != DM_PARTITION_REVOKED) dm_ring_give_up(&p->ring, entry);
  let_go(e, p, entry, DM_OUTCOME_CANCELLED);
}

bool dm_engine_settle (dm_engine *e, dm_entry *entry, dm_outcome outcome, int64_t now) {
  dm_partition *p = dm_partition_of(e, entry);
  bool late = p->state == DM_PARTITION_REVOKED;
  assert(entry->state == DM_ENTRY_RUNNING || entry->state == DM_ENTRY_DONE);
  (void)now;
  if (entry->state == DM_ENTRY_RUNNING) dm_lane_finish(e, entry);
  else e->done--;
  if (late || outcome == DM_OUTCOME_CANCELLED) {
    dm_engine_give_up(e, entry);
    return !late;
  }
  dm_partition_settle(e, p, entry);
  let_go(e, p, entry, outcome);
  return true;
}
