/* SPDX-License-Identifier: MIT */
#include "runtime/group_parts.h"

/* How often it is worth looking. */
#define LAG_MS 1000

/* Where the partition goes on: at the first record that is not settled. -1: not known yet. */
static int64_t position_of (const dm_group *group, const dm_seat *seat,
                            const dm_partition_totals *totals) {
  int64_t position = dm_engine_committable(group->engine, seat->number);
  if (totals->lowest >= 0) return totals->lowest;
  return position > seat->committed ? position : seat->committed;
}

/* Records behind the end; -1: not known. The client remembers the end from its fetches, nobody is
** asked for it. Before the first record, a partition whose fetches brought nothing has none. */
static int64_t lag_of (const dm_group *group, const dm_seat *seat,
                       const dm_partition_totals *totals) {
  int64_t low, high, position = position_of(group, seat, totals);
  if (rd_kafka_get_watermark_offsets(group->rk, seat->topic, seat->partition, &low, &high) ||
      high < 0)
    return -1;
  if (position >= 0) return high > position ? high - position : 0;
  return rd_kafka_queue_length(seat->queue) == 0 ? 0 : -1;
}

static void note_place (const dm_group *group, const dm_seat *seat,
                        rd_kafka_topic_partition_list_t *places) {
  dm_partition_totals totals;
  rd_kafka_topic_partition_t *place =
    rd_kafka_topic_partition_list_add(places, seat->topic, seat->partition);
  dm_engine_partition_stats(group->engine, seat->number, &totals);
  place->offset = lag_of(group, seat, &totals);
}

/* The list that was published before is freed by whoever takes its place. */
static void publish (dm_group *group, rd_kafka_topic_partition_list_t *places) {
  rd_kafka_topic_partition_list_t *old;
  pthread_mutex_lock(&group->lock);
  old = group->places;
  group->places = places;
  pthread_mutex_unlock(&group->lock);
  if (old != NULL) rd_kafka_topic_partition_list_destroy(old);
}

void dm_group_measure (dm_group *group) {
  rd_kafka_topic_partition_list_t *places;
  int count = 0;
  if (group->now < group->measure_at) return;
  group->measure_at = group->now + LAG_MS;
  for (const dm_seat *seat = group->seats; seat != NULL; seat = seat->next) count++;
  places = rd_kafka_topic_partition_list_new(count);
  group->stats.lag = count > 0 ? 0 : -1;
  for (const dm_seat *seat = group->seats; seat != NULL; seat = seat->next) {
    if (atomic_load_explicit(&seat->leaving, memory_order_relaxed)) continue;
    note_place(group, seat, places);
    if (places->elems[places->cnt - 1].offset > 0)
      group->stats.lag += places->elems[places->cnt - 1].offset;
  }
  publish(group, places);
}

rd_kafka_topic_partition_list_t *dm_group_places (dm_group *group) {
  rd_kafka_topic_partition_list_t *copy;
  pthread_mutex_lock(&group->lock);
  copy = group->places != NULL ? rd_kafka_topic_partition_list_copy(group->places)
                               : rd_kafka_topic_partition_list_new(0);
  pthread_mutex_unlock(&group->lock);
  return copy;
}
