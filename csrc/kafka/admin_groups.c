/* SPDX-License-Identifier: MIT */
#include <lauxlib.h>

#include "kafka/admin_args.h"
#include "kafka/admin_embedded.h"
#include "kafka/admin_methods.h"
#include "kafka/admin_request.h"
#include "kafka/error.h"
#include "kafka/offsets.h"

static void free_nothing (void *item) {
  (void)item;
}

/* An answer's code and text from an error that may be NULL. */
static void set_error (dm_answer *answer, const rd_kafka_error_t *error) {
  if (error == NULL) return;
  answer->code = rd_kafka_error_code(error);
  answer->text = rd_kafka_error_string(error);
}

/* Each broker lists its groups; the answers are the errors of those that did not. */
static dm_answer list_answer (const rd_kafka_event_t *event, size_t i) {
  size_t n;
  const rd_kafka_error_t **errors = rd_kafka_ListConsumerGroups_result_errors(event, &n);
  dm_answer answer = { 0 };
  if (i >= n) return answer;
  answer.name = "list_groups";
  set_error(&answer, errors[i]);
  return answer;
}

static void send_list (rd_kafka_t *rk, const dm_request *request) {
  rd_kafka_ListConsumerGroups(rk, request->options, request->queue);
}

static const dm_operation list_operation = {
  .api = RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS, .free = free_nothing, .send = send_list,
  .answer = list_answer,
};

static void push_listing (lua_State *L, const rd_kafka_ConsumerGroupListing_t *group) {
  rd_kafka_consumer_group_state_t state = rd_kafka_ConsumerGroupListing_state(group);
  lua_createtable(L, 0, 3);
  lua_pushstring(L, rd_kafka_ConsumerGroupListing_group_id(group));
  lua_setfield(L, -2, "group");
  lua_pushstring(L, rd_kafka_consumer_group_state_name(state));
  lua_setfield(L, -2, "state");
  lua_pushboolean(L, rd_kafka_ConsumerGroupListing_is_simple_consumer_group(group));
  lua_setfield(L, -2, "simple");
}

/* A list that lacks the groups of a broker is no list. */
static int push_listings (lua_State *L, const dm_admin_call *call, const dm_request *request) {
  dm_answer failed = list_answer(request->event, 0);
  const rd_kafka_ConsumerGroupListing_t **groups;
  size_t n;
  if (failed.code) return dm_admin_failure(L, call, failed.code, failed.text, false);
  groups = rd_kafka_ListConsumerGroups_result_valid(request->event, &n);
  lua_createtable(L, (int)n, 0);
  for (size_t i = 0; i < n; i++) {
    push_listing(L, groups[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

int dm_admin_list_groups (lua_State *L) {
  dm_admin_call call = dm_admin_begin(L, "list_groups", 2, false);
  int box = lua_gettop(L) + 1;
  dm_request *request;
  int pushed = 2;
  if (call.embedded != NULL) return dm_embedded_lacks(L, &call, "list of groups");
  request = dm_request_push(L, &call, &list_operation, 0);
  if (dm_request_ask(L, &call, request)) pushed = push_listings(L, &call, request);
  dm_job_end(L, box);
  return dm_admin_end(L, &call, pushed);
}

static dm_answer described_answer (const rd_kafka_event_t *event, size_t i) {
  size_t n;
  const rd_kafka_ConsumerGroupDescription_t **groups =
      rd_kafka_DescribeConsumerGroups_result_groups(event, &n);
  dm_answer answer = { 0 };
  if (i >= n) return answer;
  answer.name = rd_kafka_ConsumerGroupDescription_group_id(groups[i]);
  answer.item = groups[i];
  set_error(&answer, rd_kafka_ConsumerGroupDescription_error(groups[i]));
  return answer;
}

/* The names are the request's own: there are no items. */
static void send_describe (rd_kafka_t *rk, const dm_request *request) {
  rd_kafka_DescribeConsumerGroups(rk, (const char **)request->names, request->count,
                                  request->options, request->queue);
}

static void set_coordinator (lua_State *L, const rd_kafka_Node_t *node) {
  if (node == NULL) return;
  lua_createtable(L, 0, 3);
  lua_pushinteger(L, rd_kafka_Node_id(node));
  lua_setfield(L, -2, "id");
  lua_pushstring(L, rd_kafka_Node_host(node));
  lua_setfield(L, -2, "host");
  lua_pushinteger(L, rd_kafka_Node_port(node));
  lua_setfield(L, -2, "port");
  lua_setfield(L, -2, "coordinator");
}

static void push_member (lua_State *L, const rd_kafka_MemberDescription_t *member) {
  const rd_kafka_MemberAssignment_t *assignment = rd_kafka_MemberDescription_assignment(member);
  const char *instance = rd_kafka_MemberDescription_group_instance_id(member);
  lua_createtable(L, 0, 5);
  lua_pushstring(L, rd_kafka_MemberDescription_client_id(member));
  lua_setfield(L, -2, "client_id");
  lua_pushstring(L, rd_kafka_MemberDescription_consumer_id(member));
  lua_setfield(L, -2, "member_id");
  lua_pushstring(L, rd_kafka_MemberDescription_host(member));
  lua_setfield(L, -2, "host");
  lua_pushstring(L, instance);
  lua_setfield(L, -2, "instance_id");
  dm_offsets_push_partitions(
      L, assignment != NULL ? rd_kafka_MemberAssignment_partitions(assignment) : NULL);
  lua_setfield(L, -2, "assignment");
}

static void set_members (lua_State *L, const rd_kafka_ConsumerGroupDescription_t *group) {
  size_t n = group != NULL ? rd_kafka_ConsumerGroupDescription_member_count(group) : 0;
  lua_createtable(L, (int)n, 0);
  for (size_t i = 0; i < n; i++) {
    push_member(L, rd_kafka_ConsumerGroupDescription_member(group, i));
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "members");
}

static void fill_described (lua_State *L, const dm_answer *answer) {
  const rd_kafka_ConsumerGroupDescription_t *group = answer->item;
  const char *state = "Unknown", *assignor = NULL;
  lua_pushnil(L);
  lua_setfield(L, -2, "name");
  lua_pushstring(L, answer->name);
  lua_setfield(L, -2, "group");
  if (group != NULL) {
    state = rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupDescription_state(group));
    assignor = rd_kafka_ConsumerGroupDescription_partition_assignor(group);
    set_coordinator(L, rd_kafka_ConsumerGroupDescription_coordinator(group));
  }
  lua_pushstring(L, state);
  lua_setfield(L, -2, "state");
  lua_pushstring(L, assignor != NULL ? assignor : "");
  lua_setfield(L, -2, "assignor");
  set_members(L, group);
}

static const dm_operation describe_operation = {
  .api = RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, .free = free_nothing, .send = send_describe,
  .answer = described_answer, .fill = fill_described,
};

static dm_answer deleted_answer (const rd_kafka_event_t *event, size_t i) {
  size_t n;
  const rd_kafka_group_result_t **groups = rd_kafka_DeleteGroups_result_groups(event, &n);
  dm_answer answer = { 0 };
  if (i >= n) return answer;
  answer.name = rd_kafka_group_result_name(groups[i]);
  set_error(&answer, rd_kafka_group_result_error(groups[i]));
  return answer;
}

static void send_delete (rd_kafka_t *rk, const dm_request *request) {
  rd_kafka_DeleteGroups(rk, (rd_kafka_DeleteGroup_t **)request->items, request->count,
                        request->options, request->queue);
}

static void free_delete (void *item) {
  rd_kafka_DeleteGroup_destroy(item);
}

static const dm_operation delete_operation = {
  .api = RD_KAFKA_ADMIN_OP_DELETEGROUPS, .changes = true, .free = free_delete,
  .send = send_delete, .answer = deleted_answer,
};

/* Runs a request about the groups in the list at 2. */
static int run (lua_State *L, const dm_admin_call *call, const dm_operation *operation) {
  lua_Integer n = dm_list_check(L, 2, call->doing);
  int seen = lua_gettop(L) + 1;
  dm_request *request;
  bool done;
  lua_newtable(L);
  request = dm_request_push(L, call, operation, (size_t)n);
  for (lua_Integer i = 1; i <= n; i++) {
    const char *group;
    void **item;
    lua_rawgeti(L, 2, i);
    group = dm_group_check(L, -1, call->doing);
    dm_once_check(L, seen, call->doing, group);
    item = dm_request_add(L, request, group);
    if (operation == &delete_operation) *item = rd_kafka_DeleteGroup_new(group);
    lua_pop(L, 1);
  }
  lua_newtable(L);
  done = dm_request_each(L, call, request, seen + 2);
  dm_job_end(L, seen + 1);
  return dm_admin_end(L, call, done ? 1 : 2);
}

int dm_admin_describe_groups (lua_State *L) {
  dm_admin_call call = dm_admin_begin(L, "describe_groups", 3, false);
  if (call.embedded != NULL) return dm_embedded_lacks(L, &call, "description of groups");
  return run(L, &call, &describe_operation);
}

int dm_admin_delete_groups (lua_State *L) {
  dm_admin_call call = dm_admin_begin(L, "delete_groups", 3, false);
  if (call.embedded != NULL) return dm_embedded_lacks(L, &call, "way to delete a group");
  return run(L, &call, &delete_operation);
}
