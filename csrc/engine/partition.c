/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "engine/engine_parts.h"

/* == News == */

static void list (dm_engine *e, dm_news news, dm_partition *p) {
  dm_news_list *line = &e->news[news];
  int32_t number = (int32_t)(p - e->partitions);
  if (p->listed[news]) return;
  p->listed[news] = true;
  p->next[news] = -1;
  if (line->head == -1) line->head = number;
  else e->partitions[line->tail].next[news] = number;
  line->tail = number;
}

/* The first that is listed, no longer listed; NULL when there is none. */
static dm_partition *unlist (dm_engine *e, dm_news news) {
  dm_news_list *line = &e->news[news];
  dm_partition *p;
  if (line->head == -1) return NULL;
  p = &e->partitions[line->head];
  line->head = p->next[news];
  p->listed[news] = false;
  return p;
}

/* == Commits == */

static void offer (dm_engine *e, dm_partition *p) {
  p->commit_changed = true;
  list(e, DM_NEWS_COMMIT, p);
}

void dm_partition_settle (dm_engine *e, dm_partition *p, const dm_entry *entry) {
  if (!dm_ring_settle(&p->ring, entry)) return;
  p->lowest = dm_ring_is_empty(&p->ring) ? p->newest + 1 : dm_ring_lowest(&p->ring);
  p->committable = p->lowest;
  offer(e, p);
}

bool dm_engine_commit (dm_engine *e, dm_commit *out) {
  dm_partition *p;
  while ((p = unlist(e, DM_NEWS_COMMIT)) != NULL) {
    if (!p->commit_changed) continue;
    p->commit_changed = false;
    *out = (dm_commit){ (int)(p - e->partitions), p->committable };
    return true;
  }
  return false;
}

void dm_engine_recommit (dm_engine *e, int partition) {
  dm_partition *p = &e->partitions[partition];
  bool active = p->state == DM_PARTITION_ASSIGNED || p->state == DM_PARTITION_DRAINED;
  if (active && p->committable >= 0) offer(e, p);
}

int64_t dm_engine_committable (const dm_engine *e, int partition) {
  return e->partitions[partition].committable;
}

/* == Holding back == */

static uint64_t span_of (const dm_partition *p) {
  return dm_ring_is_empty(&p->ring) ? 0 : (uint64_t)(p->newest - p->lowest) + 1;
}

static bool is_held (const dm_engine *e, const dm_partition *p) {
  return p->state == DM_PARTITION_ASSIGNED && (p->holds != 0 || e->bytes_held);
}

static void list_all_flows (dm_engine *e) {
  for (int i = 0; i < e->partition_count; i++) list(e, DM_NEWS_FLOW, &e->partitions[i]);
}

static void hold (dm_engine *e, dm_partition *p) {
  if (p->in_flight >= e->options.max_admitted) p->holds |= DM_HOLD_ADMITTED;
  if (span_of(p) >= e->options.max_span) p->holds |= DM_HOLD_SPAN;
  if (p->holds != 0) list(e, DM_NEWS_FLOW, p);
  if (e->bytes < e->options.max_bytes || e->bytes_held) return;
  e->bytes_held = true;
  list_all_flows(e);
}

/* Only once half of the limit is free: a partition does not go and stop with each record. */
static void loosen (dm_engine *e, dm_partition *p) {
  if (p->in_flight <= e->options.max_admitted / 2) p->holds &= (uint8_t)~DM_HOLD_ADMITTED;
  if (span_of(p) <= e->options.max_span / 2) p->holds &= (uint8_t)~DM_HOLD_SPAN;
  if (p->holds == 0) list(e, DM_NEWS_FLOW, p);
}

bool dm_engine_flow (dm_engine *e, dm_flow *out) {
  dm_partition *p;
  while ((p = unlist(e, DM_NEWS_FLOW)) != NULL) {
    bool held = is_held(e, p);
    if (p->state != DM_PARTITION_ASSIGNED || held == p->told_to_hold) continue;
    p->told_to_hold = held;
    *out = (dm_flow){ (int)(p - e->partitions), held };
    return true;
  }
  return false;
}

bool dm_engine_held (const dm_engine *e, int partition) {
  return is_held(e, &e->partitions[partition]);
}

/* == Records come and go == */

bool dm_partition_admit (dm_engine *e, dm_partition *p, dm_entry *entry) {
  if (!dm_ring_push(&p->ring, entry)) return false;
  if (p->ring.tail - p->ring.head == 1) p->lowest = entry->offset;
  p->newest = entry->offset;
  p->in_flight++;
  e->bytes += entry->bytes;
  hold(e, p);
  return true;
}

void dm_partition_leave (dm_engine *e, dm_partition *p) {
  if (p->holds != 0) loosen(e, p);
  if (e->bytes_held && e->bytes <= e->options.max_bytes / 2) {
    e->bytes_held = false;
    list_all_flows(e);
  }
  if (p->state == DM_PARTITION_REVOKED && p->in_flight == 0) p->state = DM_PARTITION_FREE;
}

/* == Epochs == */

static dm_partition *free_partition (dm_engine *e) {
  dm_partition *partitions;
  int count = e->partition_count;
  for (int i = 0; i < count; i++)
    if (e->partitions[i].state == DM_PARTITION_FREE) return &e->partitions[i];
  if (count > INT32_MAX / 2) return NULL;
  partitions = realloc(e->partitions, ((size_t)count + 1) * sizeof *partitions);
  if (partitions == NULL) return NULL;
  e->partitions = partitions;
  e->partition_count++;
  partitions[count] = (dm_partition){ .state = DM_PARTITION_FREE };
  return &partitions[count];
}

int dm_engine_assign (dm_engine *e, int64_t committed) {
  dm_partition *p = free_partition(e);
  if (p == NULL) return -1;
  p->state = DM_PARTITION_ASSIGNED;
  p->committable = committed < 0 ? -1 : committed;
  p->newest = committed < 0 ? -1 : committed - 1;
  p->holds = 0;
  p->told_to_hold = false;
  if (e->bytes_held) list(e, DM_NEWS_FLOW, p);
  return (int)(p - e->partitions);
}

void dm_engine_drain (dm_engine *e, int partition, dm_engine_drop drop, void *arg) {
  dm_partition *p = &e->partitions[partition];
  if (p->state != DM_PARTITION_ASSIGNED) return;
  p->state = DM_PARTITION_DRAINED;
  dm_lane_drop(e, partition, drop, arg);
}

void dm_engine_revoke (dm_engine *e, int partition, dm_engine_drop drop, void *arg) {
  dm_partition *p = &e->partitions[partition];
  dm_engine_drain(e, partition, drop, arg);
  if (p->state != DM_PARTITION_DRAINED) return;
  dm_ring_clear(&p->ring);
  p->commit_changed = false;
  p->state = p->in_flight > 0 ? DM_PARTITION_REVOKED : DM_PARTITION_FREE;
}

bool dm_engine_idle (const dm_engine *e, int partition) {
  return e->partitions[partition].state == DM_PARTITION_FREE;
}
