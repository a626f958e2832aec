/* SPDX-License-Identifier: MIT */
/* Before 2.4.0 a resume of a partition that is not paused rewinds it, so librdkafka is told only
** of what changes in our own set. While on_assign runs, the set alone changes: what is in it is
** paused after the partitions were assigned. */
#include "kafka/consumer_parts.h"

#include <lauxlib.h>

#include "kafka/error.h"

static bool is_gained (const dm_consumer *consumer, const rd_kafka_topic_partition_t *place) {
  return dm_list_find(consumer->gained, place) != NULL;
}

/* Pushes a box with those of the list that are paused, or are not, and are with librdkafka. */
static dm_list *push_those (lua_State *L, const dm_consumer *consumer, const dm_list *list,
                            bool paused) {
  dm_list **those = dm_offsets_box(L);
  *those = rd_kafka_topic_partition_list_new(list->cnt);
  for (int i = 0; i < list->cnt; i++) {
    const rd_kafka_topic_partition_t *place = &list->elems[i];
    if (dm_places_has(&consumer->paused, place) == paused && !is_gained(consumer, place))
      rd_kafka_topic_partition_list_add(*those, place->topic, place->partition);
  }
  return *those;
}

/* Pushes true, or nil and the error that the call or one of the partitions has. */
static int push_result (lua_State *L, rd_kafka_resp_err_t err, const dm_list *list,
                        const char *doing) {
  int failed = dm_offsets_error(L, list, doing);
  if (failed) return failed;
  if (err) return dm_error_return(L, err, "%s: %s", doing, rd_kafka_err2str(err));
  lua_pushboolean(L, 1);
  return 1;
}

int dm_consumer_pause_lua (lua_State *L) {
  dm_consumer *consumer = dm_consumer_check(L, 1, true);
  const dm_list *list = dm_consumer_read_assigned(L, 2, consumer, "pause", DM_OFFSET_NONE);
  rd_kafka_resp_err_t err;
  dm_list *fresh;
  if (list == NULL) return 2;
  fresh = push_those(L, consumer, list, false);
  err = rd_kafka_pause_partitions(consumer->client.rk, fresh);
  for (int i = 0; i < list->cnt; i++) dm_places_put(&consumer->paused, &list->elems[i]);
  return push_result(L, err, fresh, "pause");
}

/* Pushes a box with a copy of what is paused. */
static dm_list *push_paused (lua_State *L, const dm_consumer *consumer) {
  const dm_list *paused = consumer->paused.list;
  dm_list **copy = dm_offsets_box(L);
  *copy = paused != NULL ? rd_kafka_topic_partition_list_copy(paused)
                         : rd_kafka_topic_partition_list_new(1);
  return *copy;
}

int dm_consumer_resume_lua (lua_State *L) {
  dm_consumer *consumer = dm_consumer_check(L, 1, true);
  const dm_list *list = lua_isnoneornil(L, 2) ? push_paused(L, consumer)
                                              : dm_offsets_read(L, 2, "resume", DM_OFFSET_NONE);
  dm_list *held = push_those(L, consumer, list, true);
  rd_kafka_resp_err_t err = rd_kafka_resume_partitions(consumer->client.rk, held);
  for (int i = 0; i < list->cnt; i++) dm_places_drop(&consumer->paused, &list->elems[i]);
  return push_result(L, err, held, "resume");
}

int dm_consumer_paused_lua (lua_State *L) {
  dm_offsets_push_partitions(L, dm_consumer_check(L, 1, true)->paused.list);
  return 1;
}

int dm_consumer_ended_lua (lua_State *L) {
  dm_offsets_push_partitions(L, dm_consumer_check(L, 1, true)->ended.list);
  return 1;
}

/* Those of the list that are paused; the caller destroys it. */
static dm_list *paused_among (const dm_consumer *consumer, const dm_list *list) {
  dm_list *among = rd_kafka_topic_partition_list_new(list->cnt);
  for (int i = 0; i < list->cnt; i++)
    if (dm_places_has(&consumer->paused, &list->elems[i]))
      rd_kafka_topic_partition_list_add(among, list->elems[i].topic, list->elems[i].partition);
  return among;
}

void dm_flow_apply (dm_consumer *consumer, const dm_list *list) {
  dm_list *held = paused_among(consumer, list);
  if (held->cnt > 0) rd_kafka_pause_partitions(consumer->client.rk, held);
  rd_kafka_topic_partition_list_destroy(held);
}

void dm_flow_drop (dm_consumer *consumer, const dm_list *list) {
  dm_list *held = paused_among(consumer, list);
  /* librdkafka would remember the pause until the partition comes back. */
  if (held->cnt > 0) rd_kafka_resume_partitions(consumer->client.rk, held);
  for (int i = 0; i < list->cnt; i++) {
    dm_places_drop(&consumer->paused, &list->elems[i]);
    dm_places_drop(&consumer->starts, &list->elems[i]);
    dm_places_drop(&consumer->dropped, &list->elems[i]);
    dm_places_drop(&consumer->ended, &list->elems[i]);
  }
  rd_kafka_topic_partition_list_destroy(held);
}
