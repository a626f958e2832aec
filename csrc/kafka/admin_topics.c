/* SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <string.h>

#include "kafka/admin_args.h"
#include "kafka/admin_embedded.h"
#include "kafka/admin_methods.h"
#include "kafka/admin_request.h"
#include "kafka/offsets.h"

/* librdkafka's own limits. */
#define PARTITIONS_MAX 100000
#define REPLICAS_MAX 10000

/* Replicas of one partition that an assignment can name. */
#define ASSIGNED_MAX 64

static dm_answer topic_answer (const rd_kafka_topic_result_t **topics, size_t n, size_t i) {
  dm_answer answer = { 0 };
  if (i >= n) return answer;
  answer.name = rd_kafka_topic_result_name(topics[i]);
  answer.code = rd_kafka_topic_result_error(topics[i]);
  answer.text = rd_kafka_topic_result_error_string(topics[i]);
  return answer;
}

static dm_answer created_answer (const rd_kafka_event_t *event, size_t i) {
  size_t n;
  const rd_kafka_topic_result_t **topics = rd_kafka_CreateTopics_result_topics(event, &n);
  return topic_answer(topics, n, i);
}

static dm_answer deleted_answer (const rd_kafka_event_t *event, size_t i) {
  size_t n;
  const rd_kafka_topic_result_t **topics = rd_kafka_DeleteTopics_result_topics(event, &n);
  return topic_answer(topics, n, i);
}

static dm_answer extended_answer (const rd_kafka_event_t *event, size_t i) {
  size_t n;
  const rd_kafka_topic_result_t **topics = rd_kafka_CreatePartitions_result_topics(event, &n);
  return topic_answer(topics, n, i);
}

static void send_create (rd_kafka_t *rk, const dm_request *request) {
  rd_kafka_CreateTopics(rk, (rd_kafka_NewTopic_t **)request->items, request->count,
                        request->options, request->queue);
}

static void send_delete (rd_kafka_t *rk, const dm_request *request) {
  rd_kafka_DeleteTopics(rk, (rd_kafka_DeleteTopic_t **)request->items, request->count,
                        request->options, request->queue);
}

static void send_extend (rd_kafka_t *rk, const dm_request *request) {
  rd_kafka_CreatePartitions(rk, (rd_kafka_NewPartitions_t **)request->items, request->count,
                            request->options, request->queue);
}

static void free_new (void *item) {
  rd_kafka_NewTopic_destroy(item);
}

static void free_delete (void *item) {
  rd_kafka_DeleteTopic_destroy(item);
}

static void free_partitions (void *item) {
  rd_kafka_NewPartitions_destroy(item);
}

static const dm_operation create_operation = {
  .api = RD_KAFKA_ADMIN_OP_CREATETOPICS, .changes = true, .operates = true,
  .validates = true, .free = free_new, .send = send_create, .answer = created_answer,
};

static const dm_operation delete_operation = {
  .api = RD_KAFKA_ADMIN_OP_DELETETOPICS, .changes = true, .operates = true,
  .free = free_delete, .send = send_delete, .answer = deleted_answer,
};

static const dm_operation extend_operation = {
  .api = RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, .changes = true, .operates = true,
  .validates = true, .free = free_partitions, .send = send_extend, .answer = extended_answer,
};

/* Gives replicas to one partition of 'item'. */
typedef rd_kafka_resp_err_t (*assign_fn) (void *item, int32_t partition, int32_t *ids, size_t n,
                                          char *reason, size_t size);

static rd_kafka_resp_err_t assign_topic (void *item, int32_t partition, int32_t *ids, size_t n,
                                         char *reason, size_t size) {
  return rd_kafka_NewTopic_set_replica_assignment(item, partition, ids, n, reason, size);
}

static rd_kafka_resp_err_t assign_partitions (void *item, int32_t partition, int32_t *ids,
                                              size_t n, char *reason, size_t size) {
  return rd_kafka_NewPartitions_set_replica_assignment(item, partition, ids, n, reason, size);
}

/* Reads the broker ids in the list on the top of the stack. */
static size_t read_replicas (lua_State *L, const char *what, int32_t *ids) {
  lua_Integer n = dm_list_check(L, lua_gettop(L), what);
  if (n == 0 || n > ASSIGNED_MAX)
    luaL_error(L, "%s: 1 to %d broker ids expected, got %I", what, ASSIGNED_MAX, n);
  for (lua_Integer i = 1; i <= n; i++) {
    int exact;
    lua_Integer id;
    lua_rawgeti(L, -1, i);
    id = lua_tointegerx(L, -1, &exact);
    if (lua_type(L, -1) != LUA_TNUMBER || !exact || id < 0 || id > INT32_MAX)
      luaL_error(L, "%s[%I]: broker id expected, got %s", what, i, luaL_tolstring(L, -1, NULL));
    ids[i - 1] = (int32_t)id;
    lua_pop(L, 1);
  }
  return (size_t)n;
}

/* Applies the assignment on the top of the stack, which has one entry for each partition. */
static void assign (lua_State *L, void *item, const char *what, assign_fn give) {
  for (lua_Integer p = 1, n = (lua_Integer)lua_rawlen(L, -1); p <= n; p++) {
    int32_t ids[ASSIGNED_MAX];
    char reason[256];
    const char *entry = lua_pushfstring(L, "%s: assignment[%I]", what, p);
    size_t count;
    lua_rawgeti(L, -2, p);
    count = read_replicas(L, entry, ids);
    if (give(item, (int32_t)p - 1, ids, count, reason, sizeof reason))
      luaL_error(L, "%s: %s", entry, reason);
    lua_pop(L, 2);
  }
}

/* Pushes the assignment of the table at idx, or nil; raises unless it has 'entries' of them. */
static int push_assignment (lua_State *L, int idx, const char *what, lua_Integer entries) {
  const char *name;
  lua_Integer n;
  if (lua_getfield(L, idx, "assignment") == LUA_TNIL) return 0;
  name = lua_pushfstring(L, "%s: assignment", what);
  n = dm_list_check(L, -2, name);
  if (entries >= 0 && n != entries)
    luaL_error(L, "%s: %I entries expected, one for each partition, got %I", name, entries, n);
  lua_pop(L, 1);
  return 1;
}

/* Checks the table on the top of the stack and reads its name. */
static const char *read_name (lua_State *L, const char *what, const dm_option *options) {
  const char *name;
  dm_option_check(L, lua_gettop(L), what, options);
  lua_getfield(L, -1, "name");
  name = dm_topic_check(L, -1, what);
  lua_pop(L, 1); /* the table keeps it */
  return name;
}

/* Reads the table on the top of the stack and pushes its configuration as texts. */
static dm_new_topic read_topic (lua_State *L, const char *what) {
  static const dm_option fields[] = {
    { "name", DM_OPTION_ANY, 0, 0 },
    { "partitions", DM_OPTION_INTEGER, 1, PARTITIONS_MAX },
    { "replication_factor", DM_OPTION_INTEGER, 1, REPLICAS_MAX },
    { "assignment", DM_OPTION_TABLE, 0, 0 },
    { "config", DM_OPTION_TABLE, 0, 0 },
    { NULL, DM_OPTION_ANY, 0, 0 },
  };
  int idx = lua_gettop(L);
  dm_new_topic topic = { .name = read_name(L, what, fields) };
  topic.partitions = (int)dm_option_integer(L, idx, "partitions", -1);
  if (topic.partitions < 0) luaL_error(L, "%s: partitions: integer expected, got nil", what);
  topic.replicas = (int)dm_option_integer(L, idx, "replication_factor", -1);
  topic.assigned = push_assignment(L, idx, what, topic.partitions);
  if (topic.assigned && topic.replicas >= 0)
    luaL_error(L, "%s: give replication_factor or assignment, not both", what);
  lua_settop(L, idx);
  what = lua_pushfstring(L, "%s: config", what);
  lua_getfield(L, idx, "config");
  dm_config_push_texts(L, -1, what);
  lua_replace(L, idx + 1);
  lua_settop(L, idx + 1);
  return topic;
}

/* Adds the topic whose table is below its configuration on the top of the stack. */
static void add_new_topic (lua_State *L, dm_request *request, const char *what,
                           const dm_new_topic *topic) {
  char reason[256];
  int replicas = topic->assigned || topic->replicas >= 0 ? topic->replicas : 1;
  int config = lua_gettop(L);
  void **item = dm_request_add(L, request, topic->name);
  *item = rd_kafka_NewTopic_new(topic->name, topic->partitions, replicas, reason, sizeof reason);
  if (*item == NULL) luaL_error(L, "%s: %s", what, reason);
  for (lua_pushnil(L); lua_next(L, config); lua_pop(L, 1))
    rd_kafka_NewTopic_set_config(*item, lua_tostring(L, -2), lua_tostring(L, -1));
  if (push_assignment(L, config - 1, what, topic->partitions))
    assign(L, *item, what, assign_topic);
  lua_settop(L, config);
}

/* Adds the entry on the top of the stack, which errors call 'what', to the request. */
typedef void (*add_fn) (lua_State *L, dm_request *request, const char *what);

static void add_create (lua_State *L, dm_request *request, const char *what) {
  dm_new_topic topic = read_topic(L, what);
  add_new_topic(L, request, what, &topic);
}

static void add_delete (lua_State *L, dm_request *request, const char *what) {
  const char *name = dm_topic_check(L, -1, what);
  *dm_request_add(L, request, name) = rd_kafka_DeleteTopic_new(name);
}

static void add_extend (lua_State *L, dm_request *request, const char *what) {
  static const dm_option fields[] = {
    { "name", DM_OPTION_ANY, 0, 0 },
    { "partitions", DM_OPTION_INTEGER, 1, PARTITIONS_MAX },
    { "assignment", DM_OPTION_TABLE, 0, 0 },
    { NULL, DM_OPTION_ANY, 0, 0 },
  };
  int idx = lua_gettop(L);
  const char *name = read_name(L, what, fields);
  lua_Integer partitions = dm_option_integer(L, idx, "partitions", -1);
  void **item = dm_request_add(L, request, name);
  char reason[256];
  if (partitions < 0) luaL_error(L, "%s: partitions: integer expected, got nil", what);
  *item = rd_kafka_NewPartitions_new(name, (size_t)partitions, reason, sizeof reason);
  if (*item == NULL) luaL_error(L, "%s: %s", what, reason);
  if (push_assignment(L, idx, what, -1)) assign(L, *item, what, assign_partitions);
}

/* Runs a request about the entries of the list at 2. */
static int run (lua_State *L, const dm_admin_call *call, const dm_operation *operation,
                add_fn add) {
  lua_Integer n = dm_list_check(L, 2, call->doing);
  dm_request *request;
  int seen, results;
  lua_newtable(L);
  seen = lua_gettop(L);
  request = dm_request_push(L, call, operation, (size_t)n);
  for (lua_Integer i = 1; i <= n; i++) {
    const char *what = lua_pushfstring(L, "%s: topics[%I]", call->doing, i);
    lua_rawgeti(L, 2, i);
    add(L, request, what);
    dm_once_check(L, seen, call->doing, request->names[i - 1]);
    lua_settop(L, seen + 1);
  }
  lua_newtable(L);
  results = lua_gettop(L);
  n = dm_request_each(L, call, request, results) ? 1 : 2;
  dm_job_end(L, seen + 1);
  return dm_admin_end(L, call, (int)n);
}

/* Reads all entries before the first is created: none is when one of them is wrong. */
static int create_embedded (lua_State *L, const dm_admin_call *call) {
  lua_Integer n = dm_list_check(L, 2, call->doing);
  int top, results;
  lua_newtable(L);
  lua_newtable(L);
  results = top = lua_gettop(L);
  for (lua_Integer i = 1; i <= 2 * n; i++) {
    lua_Integer entry = (i - 1) % n + 1;
    const char *what = lua_pushfstring(L, "%s: topics[%I]", call->doing, entry);
    dm_new_topic topic;
    lua_rawgeti(L, 2, entry);
    topic = read_topic(L, what);
    if (i <= n) dm_once_check(L, results - 1, call->doing, topic.name);
    else dm_embedded_create_topic(L, call, &topic, results);
    lua_settop(L, top);
  }
  return dm_admin_end(L, call, 1);
}

int dm_admin_create_topics (lua_State *L) {
  dm_admin_call call = dm_admin_begin(L, "create_topics", 3, true);
  if (call.embedded != NULL) return create_embedded(L, &call);
  return run(L, &call, &create_operation, add_create);
}

int dm_admin_delete_topics (lua_State *L) {
  dm_admin_call call = dm_admin_begin(L, "delete_topics", 3, false);
  if (call.embedded != NULL) return dm_embedded_lacks(L, &call, "way to delete a topic");
  return run(L, &call, &delete_operation, add_delete);
}

int dm_admin_create_partitions (lua_State *L) {
  dm_admin_call call = dm_admin_begin(L, "create_partitions", 3, true);
  if (call.embedded != NULL) return dm_embedded_lacks(L, &call, "way to add partitions");
  return run(L, &call, &extend_operation, add_extend);
}
