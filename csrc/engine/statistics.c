/* SPDX-License-Identifier: MIT */
#include "engine/engine_parts.h"

static int64_t oldest_of (const dm_partition *p) {
  const dm_entry *entry = dm_ring_oldest(&p->ring);
  return entry == NULL ? INT64_MAX : entry->admitted_at;
}

static unsigned holds_of (const dm_engine *e, const dm_partition *p) {
  if (p->state != DM_PARTITION_ASSIGNED) return 0;
  return p->holds | (e->bytes_held ? DM_HOLD_BYTES : 0u);
}

static void add_partition (const dm_engine *e, const dm_partition *p, dm_engine_totals *out) {
  unsigned holds = holds_of(e, p);
  int64_t oldest = oldest_of(p);
  out->partitions += p->state == DM_PARTITION_ASSIGNED || p->state == DM_PARTITION_DRAINED;
  out->held += holds != 0;
  out->held_admitted += (holds & DM_HOLD_ADMITTED) != 0;
  out->held_span += (holds & DM_HOLD_SPAN) != 0;
  out->held_bytes += (holds & DM_HOLD_BYTES) != 0;
  if (oldest < out->oldest) out->oldest = oldest;
}

void dm_engine_stats (const dm_engine *e, dm_engine_totals *out) {
  *out = (dm_engine_totals){
    .admitted = e->admitted,
    .acked = e->outcomes[DM_OUTCOME_ACK],
    .dead = e->outcomes[DM_OUTCOME_DEAD],
    .skipped = e->outcomes[DM_OUTCOME_SKIP],
    .cancelled = e->outcomes[DM_OUTCOME_CANCELLED],
    .retries = e->retries,
    .in_flight = e->in_flight,
    .queued = e->in_flight - e->running - e->done,
    .running = e->running,
    .done = e->done,
    .bytes = e->bytes,
    .parked_keys = e->parked,
    .oldest = INT64_MAX,
  };
  for (int i = 0; i < e->partition_count; i++) add_partition(e, &e->partitions[i], out);
}

void dm_engine_partition_stats (const dm_engine *e, int partition, dm_partition_totals *out) {
  const dm_partition *p = &e->partitions[partition];
  *out = (dm_partition_totals){
    .lowest = dm_ring_is_empty(&p->ring) ? -1 : p->lowest,
    .newest = p->newest,
    .oldest = oldest_of(p),
    .in_flight = p->in_flight,
    .holds = holds_of(e, p),
  };
}
