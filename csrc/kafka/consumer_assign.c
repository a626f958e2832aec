/* SPDX-License-Identifier: MIT */
#include "kafka/consumer_parts.h"

#include <lauxlib.h>

#include "kafka/error.h"

/* Adds to the list those of 'more', which may be NULL, that it lacks. */
static void add_missing (dm_list *list, const dm_list *more) {
  for (int i = 0; more != NULL && i < more->cnt; i++)
    if (dm_list_find(list, &more->elems[i]) == NULL)
      rd_kafka_topic_partition_list_add(list, more->elems[i].topic, more->elems[i].partition);
}

dm_list *dm_consumer_push_assignment (lua_State *L, const dm_consumer *consumer) {
  dm_list **list = dm_offsets_box(L);
  if (rd_kafka_assignment(consumer->client.rk, list) || *list == NULL)
    *list = rd_kafka_topic_partition_list_new(1);
  add_missing(*list, consumer->gained);
  add_missing(*list, consumer->given_up);
  return *list;
}

dm_list *dm_consumer_read_assigned (lua_State *L, int arg, const dm_consumer *consumer,
                                    const char *doing, dm_offset_rule rule) {
  dm_list *asked, *assigned;
  if (lua_isnoneornil(L, arg)) return dm_consumer_push_assignment(L, consumer);
  asked = dm_offsets_read(L, arg, doing, rule);
  assigned = dm_consumer_push_assignment(L, consumer);
  for (int i = 0; i < asked->cnt; i++) {
    const rd_kafka_topic_partition_t *place = &asked->elems[i];
    if (dm_list_find(assigned, place) != NULL) continue;
    dm_error_return(L, RD_KAFKA_RESP_ERR__STATE, "%s: %s [%d] is not assigned to this consumer",
                    doing, place->topic, (int)place->partition);
    return NULL;
  }
  dm_job_end(L, -1);
  lua_pop(L, 1);
  return asked;
}

void dm_consumer_note_starts (dm_consumer *consumer, const dm_list *list) {
  for (int i = 0; i < list->cnt; i++) {
    const rd_kafka_topic_partition_t *place = &list->elems[i];
    if (place->offset >= 0) dm_places_put(&consumer->starts, place);
    else dm_places_drop(&consumer->starts, place);
  }
}

/* Without a group there are no committed offsets: begin where the option 'start' says. */
static void replace_committed (lua_State *L, const dm_consumer *consumer, dm_list *list) {
  for (int i = 0; i < list->cnt && !consumer->grouped; i++) {
    rd_kafka_topic_partition_t *place = &list->elems[i];
    if (place->offset != RD_KAFKA_OFFSET_STORED) continue;
    if (consumer->begin == RD_KAFKA_OFFSET_INVALID)
      luaL_error(L, "assign: %s [%d]: an offset is needed: this consumer has no group, and its "
                    "start is \"error\"", place->topic, (int)place->partition);
    place->offset = consumer->begin;
  }
}

/* Forgets what is kept of partitions that are not in the new list. */
static void drop_others (lua_State *L, dm_consumer *consumer, const dm_list *list) {
  const dm_list *old = dm_consumer_push_assignment(L, consumer);
  dm_list **gone = dm_offsets_box(L);
  *gone = rd_kafka_topic_partition_list_new(1);
  for (int i = 0; i < old->cnt; i++)
    if (dm_list_find(list, &old->elems[i]) == NULL)
      rd_kafka_topic_partition_list_add(*gone, old->elems[i].topic, old->elems[i].partition);
  dm_flow_drop(consumer, *gone);
}

int dm_consumer_assign_lua (lua_State *L) {
  dm_consumer *consumer = dm_consumer_check(L, 1, false);
  dm_list *list = dm_offsets_read(L, 2, "assign", DM_OFFSET_OPTIONAL);
  rd_kafka_resp_err_t err;
  if (consumer->subscribed)
    return luaL_error(L, "assign: this consumer is subscribed: call unsubscribe first");
  replace_committed(L, consumer, list);
  drop_others(L, consumer, list);
  err = rd_kafka_assign(consumer->client.rk, list->cnt > 0 ? list : NULL);
  if (err) return dm_error_return(L, err, "assign: %s", rd_kafka_err2str(err));
  consumer->assigned = list->cnt > 0;
  dm_consumer_note_starts(consumer, list);
  dm_flow_apply(consumer, list);
  lua_pushboolean(L, 1);
  return 1;
}

int dm_consumer_assignment_lua (lua_State *L) {
  const dm_consumer *consumer = dm_consumer_check(L, 1, true);
  dm_offsets_push_partitions(L, dm_consumer_push_assignment(L, consumer));
  return 1;
}
