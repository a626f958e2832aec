/* SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <string.h>

#include "kafka/admin_embedded.h"
#include "kafka/admin_methods.h"
#include "kafka/admin_request.h"
#include "kafka/offsets.h"

/* The partitions are the answers: a leader that has just moved makes the request worth repeating,
** for deleting what is deleted changes nothing. */
static dm_answer deleted_answer (const rd_kafka_event_t *event, size_t i) {
  const rd_kafka_topic_partition_list_t *offsets = rd_kafka_DeleteRecords_result_offsets(event);
  dm_answer answer = { 0 };
  if (i >= (size_t)offsets->cnt) return answer;
  answer.name = offsets->elems[i].topic;
  answer.code = offsets->elems[i].err;
  return answer;
}

static void send_delete (rd_kafka_t *rk, const dm_request *request) {
  rd_kafka_DeleteRecords(rk, (rd_kafka_DeleteRecords_t **)request->items, request->count,
                         request->options, request->queue);
}

static void free_delete (void *item) {
  rd_kafka_DeleteRecords_destroy(item);
}

static const dm_operation delete_operation = {
  .api = RD_KAFKA_ADMIN_OP_DELETERECORDS, .changes = true, .operates = true,
  .free = free_delete, .send = send_delete, .answer = deleted_answer,
};

static void check (lua_State *L, const char *what, rd_kafka_topic_partition_list_t *offsets) {
  if (offsets->cnt == 0) luaL_error(L, "%s: the list of offsets is empty", what);
  dm_offsets_check_unique(L, what, offsets);
  for (int i = 0; i < offsets->cnt; i++)
    if (offsets->elems[i].offset == RD_KAFKA_OFFSET_BEGINNING)
      luaL_error(L, "%s: offset: 'earliest' would delete nothing; an integer or 'latest' expected",
                 what);
}

/* Pushes the new first offsets. Where there is an error, librdkafka leaves what was asked for. */
static void push_lows (lua_State *L, const rd_kafka_topic_partition_list_t *offsets) {
  dm_offsets_push(L, offsets);
  for (int i = 0; i < offsets->cnt; i++) {
    if (!offsets->elems[i].err) continue;
    lua_rawgeti(L, -1, i + 1);
    lua_pushnil(L);
    lua_setfield(L, -2, "offset");
    lua_pop(L, 1);
  }
}

/* Where none of the partitions has a leader, librdkafka refuses the request as a whole. Otherwise
** each that does not exist says so itself: the same here. True when it was so. */
static bool push_no_leaders (lua_State *L, const dm_request *request,
                             rd_kafka_topic_partition_list_t *offsets) {
  if (request->event == NULL || rd_kafka_event_error(request->event) != RD_KAFKA_RESP_ERR__NOENT)
    return false;
  for (int i = 0; i < offsets->cnt; i++)
    offsets->elems[i].err = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
  push_lows(L, offsets);
  return true;
}

int dm_admin_delete_records (lua_State *L) {
  dm_admin_call call = dm_admin_begin(L, "delete_records", 3, false);
  rd_kafka_topic_partition_list_t *offsets;
  dm_request *request;
  int box, pushed = 2;
  if (call.embedded != NULL) return dm_embedded_lacks(L, &call, "way to delete records");
  offsets = dm_offsets_read(L, 2, call.doing, DM_OFFSET_POSITION);
  check(L, call.doing, offsets);
  request = dm_request_push(L, &call, &delete_operation, 1);
  box = lua_gettop(L);
  *dm_request_add(L, request, call.doing) = rd_kafka_DeleteRecords_new(offsets);
  if (dm_request_ask(L, &call, request)) {
    push_lows(L, rd_kafka_DeleteRecords_result_offsets(request->event));
    pushed = 1;
  }
  else if (push_no_leaders(L, request, offsets)) pushed = 1;
  dm_job_end(L, box);
  return dm_admin_end(L, &call, pushed);
}
