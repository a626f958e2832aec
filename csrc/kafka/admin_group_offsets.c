/* SPDX-License-Identifier: MIT */
#include <lauxlib.h>

#include "kafka/admin_args.h"
#include "kafka/admin_methods.h"
#include "kafka/admin_request.h"
#include "kafka/error.h"
#include "kafka/offsets.h"

/* The answer about the one group that was asked about. */
static dm_answer group_answer (const rd_kafka_group_result_t **groups, size_t n, size_t i) {
  dm_answer answer = { 0 };
  const rd_kafka_error_t *error;
  if (i >= n) return answer;
  error = rd_kafka_group_result_error(groups[i]);
  answer.name = rd_kafka_group_result_name(groups[i]);
  answer.item = rd_kafka_group_result_partitions(groups[i]);
  if (error == NULL) return answer;
  answer.code = rd_kafka_error_code(error);
  answer.text = rd_kafka_error_string(error);
  return answer;
}

static dm_answer listed_answer (const rd_kafka_event_t *event, size_t i) {
  size_t n;
  const rd_kafka_group_result_t **groups =
      rd_kafka_ListConsumerGroupOffsets_result_groups(event, &n);
  return group_answer(groups, n, i);
}

static dm_answer altered_answer (const rd_kafka_event_t *event, size_t i) {
  size_t n;
  const rd_kafka_group_result_t **groups =
      rd_kafka_AlterConsumerGroupOffsets_result_groups(event, &n);
  return group_answer(groups, n, i);
}

static void send_list (rd_kafka_t *rk, const dm_request *request) {
  rd_kafka_ListConsumerGroupOffsets(rk, (rd_kafka_ListConsumerGroupOffsets_t **)request->items,
                                    request->count, request->options, request->queue);
}

static void send_alter (rd_kafka_t *rk, const dm_request *request) {
  rd_kafka_AlterConsumerGroupOffsets(rk, (rd_kafka_AlterConsumerGroupOffsets_t **)request->items,
                                     request->count, request->options, request->queue);
}

static void free_list (void *item) {
  rd_kafka_ListConsumerGroupOffsets_destroy(item);
}

static void free_alter (void *item) {
  rd_kafka_AlterConsumerGroupOffsets_destroy(item);
}

static const dm_operation list_operation = {
  .api = RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, .free = free_list, .send = send_list,
  .answer = listed_answer,
};

static const dm_operation alter_operation = {
  .api = RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS, .changes = true, .free = free_alter,
  .send = send_alter, .answer = altered_answer,
};

/* Pushes the offsets of the group, or nil and why there are none. */
static int push_answer (lua_State *L, const dm_admin_call *call, const dm_request *request) {
  dm_answer answer = request->operation->answer(request->event, 0);
  bool changes = request->operation->changes;
  if (answer.name == NULL)
    return dm_admin_failure(L, call, RD_KAFKA_RESP_ERR__BAD_MSG, "the answer names no group",
                            changes);
  if (answer.code) return dm_admin_failure(L, call, answer.code, answer.text, changes);
  dm_offsets_push(L, answer.item);
  return 1;
}

/* Asks about the group at 2; its item for the request was stored. The request is at 'box'. */
static int ask (lua_State *L, const dm_admin_call *call, dm_request *request, int box) {
  int pushed = dm_request_ask(L, call, request) ? push_answer(L, call, request) : 2;
  dm_job_end(L, box);
  return dm_admin_end(L, call, pushed);
}

int dm_admin_group_offsets (lua_State *L) {
  dm_admin_call call = dm_admin_begin(L, "group_offsets", 4, false);
  const char *group = dm_group_check(L, 2, call.doing);
  rd_kafka_topic_partition_list_t *partitions = NULL;
  dm_request *request;
  int box;
  if (!lua_isnil(L, 3)) {
    partitions = dm_offsets_read(L, 3, call.doing, DM_OFFSET_NONE);
    dm_offsets_check_unique(L, call.doing, partitions);
    if (partitions->cnt == 0) {
      lua_newtable(L);
      return dm_admin_end(L, &call, 1);
    }
  }
  request = dm_request_push(L, &call, &list_operation, 1);
  box = lua_gettop(L);
  *dm_request_add(L, request, group) = rd_kafka_ListConsumerGroupOffsets_new(group, partitions);
  /* When the broker is not the group's coordinator, or not yet, librdkafka looks for that of the
  ** client's own group, and crashes in a client that has none (2.0.2 to 2.10 at the least). */
  if (!dm_request_send_as(L, &call, request, group)) return dm_admin_end(L, &call, 2);
  return ask(L, &call, request, box);
}

int dm_admin_alter_group_offsets (lua_State *L) {
  dm_admin_call call = dm_admin_begin(L, "alter_group_offsets", 4, false);
  const char *group = dm_group_check(L, 2, call.doing);
  rd_kafka_topic_partition_list_t *offsets = dm_offsets_read(L, 3, call.doing, DM_OFFSET_NEXT);
  dm_request *request;
  if (offsets->cnt == 0) return luaL_error(L, "%s: the list of offsets is empty", call.doing);
  dm_offsets_check_unique(L, call.doing, offsets);
  request = dm_request_push(L, &call, &alter_operation, 1);
  *dm_request_add(L, request, group) = rd_kafka_AlterConsumerGroupOffsets_new(group, offsets);
  return ask(L, &call, request, lua_gettop(L));
}
