/* SPDX-License-Identifier: MIT */
/* describe_topics: from the metadata of the whole cluster, one request however many topics; from
** librdkafka 2.3 those of the topics asked for.
*/
#include <lauxlib.h>

#include "kafka/admin_args.h"
#include "kafka/admin_metadata.h"
#include "kafka/admin_methods.h"
#include "kafka/admin_request.h"
#include "kafka/compat.h"
#include "kafka/error.h"
#include "kafka/offsets.h"

/* Sets the field to an array of broker ids. */
static void set_ids (lua_State *L, const char *field, const int32_t *ids, int n) {
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    lua_pushinteger(L, ids[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, field);
}

/* Pushes a PartitionInfo without replicas. */
static void push_partition (lua_State *L, lua_Integer partition, lua_Integer leader) {
  lua_createtable(L, 0, 5);
  lua_pushinteger(L, partition);
  lua_setfield(L, -2, "partition");
  if (leader < 0) return;
  lua_pushinteger(L, leader);
  lua_setfield(L, -2, "leader");
}

static void push_metadata_partition (lua_State *L, const char *topic,
                                     const rd_kafka_metadata_partition_t *partition) {
  push_partition(L, partition->id, partition->leader);
  set_ids(L, "replicas", partition->replicas, partition->replica_cnt);
  set_ids(L, "isr", partition->isrs, partition->isr_cnt);
  if (!partition->err) return;
  dm_error_push(L, partition->err, "%s [%d]: %s", topic, (int)partition->id,
                rd_kafka_err2str(partition->err));
  lua_setfield(L, -2, "error");
}

/* Adds the partitions of the topic to the result on the top of the stack. */
static void fill_from_metadata (lua_State *L, const dm_answer *answer) {
  const rd_kafka_metadata_topic_t *topic = answer->item;
  int n = topic != NULL ? topic->partition_cnt : 0;
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    push_metadata_partition(L, topic->topic, &topic->partitions[i]);
    lua_rawseti(L, -2, topic->partitions[i].id + 1);
  }
  lua_setfield(L, -2, "partitions");
}

/* Pushes the set of the names in the list at 2. */
static void push_names (lua_State *L, const dm_admin_call *call) {
  lua_Integer n = dm_list_check(L, 2, call->doing);
  int names;
  lua_newtable(L);
  names = lua_gettop(L);
  for (lua_Integer i = 1; i <= n; i++) {
    const char *what = lua_pushfstring(L, "%s: names[%I]", call->doing, i);
    lua_rawgeti(L, 2, i);
    dm_once_check(L, names, call->doing, dm_topic_check(L, -1, what));
    lua_pop(L, 2);
  }
}

static bool wanted (lua_State *L, int names, const char *topic) {
  bool found;
  if (names == 0) return true;
  found = lua_getfield(L, names, topic) != LUA_TNIL;
  lua_pop(L, 1);
  return found;
}

static void add_topics (lua_State *L, const struct rd_kafka_metadata *cluster, int names,
                        int results) {
  for (int i = 0; i < cluster->topic_cnt; i++) {
    const rd_kafka_metadata_topic_t *topic = &cluster->topics[i];
    dm_answer answer = { topic->topic, topic->err, NULL, topic };
    if (wanted(L, names, topic->topic)) dm_result_set(L, results, &answer, fill_from_metadata);
  }
}

/* The names that are in no metadata. */
static void add_missing (lua_State *L, int names, int results) {
  for (lua_pushnil(L); lua_next(L, names); lua_pop(L, 1)) {
    const char *name = lua_tostring(L, -2);
    dm_answer answer = { name, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
                         "there is no such topic", NULL };
    if (lua_getfield(L, results, name) == LUA_TNIL)
      dm_result_set(L, results, &answer, fill_from_metadata);
    lua_pop(L, 1);
  }
}

/* Describes from the cluster's metadata; the set of names is at 'names', 0 for all topics. */
static int describe_from_metadata (lua_State *L, const dm_admin_call *call, int names) {
  int results;
  const dm_metadata *metadata;
  lua_newtable(L);
  results = lua_gettop(L);
  metadata = dm_metadata_get(L, call, true);
  if (metadata == NULL) return dm_admin_end(L, call, 2);
  add_topics(L, metadata->cluster, names, results);
  if (names != 0) add_missing(L, names, results);
  lua_settop(L, results);
  return dm_admin_end(L, call, 1);
}

#if DM_HAS_DESCRIBE_TOPICS

static dm_answer described_answer (const rd_kafka_event_t *event, size_t i) {
  size_t n;
  const rd_kafka_TopicDescription_t **topics = rd_kafka_DescribeTopics_result_topics(event, &n);
  dm_answer answer = { 0 };
  const rd_kafka_error_t *error;
  if (i >= n) return answer;
  error = rd_kafka_TopicDescription_error(topics[i]);
  answer.name = rd_kafka_TopicDescription_name(topics[i]);
  answer.item = topics[i];
  if (error != NULL) answer.code = rd_kafka_error_code(error);
  if (answer.code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
    answer.text = "there is no such topic";
  else if (answer.code) answer.text = rd_kafka_error_string(error);
  return answer;
}

static void set_nodes (lua_State *L, const char *field, const rd_kafka_Node_t **nodes, size_t n) {
  lua_createtable(L, (int)n, 0);
  for (size_t i = 0; i < n; i++) {
    lua_pushinteger(L, rd_kafka_Node_id(nodes[i]));
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, field);
}

static void push_described_partition (lua_State *L, const rd_kafka_TopicPartitionInfo_t *info) {
  const rd_kafka_Node_t *leader = rd_kafka_TopicPartitionInfo_leader(info);
  const rd_kafka_Node_t **nodes;
  size_t n;
  push_partition(L, rd_kafka_TopicPartitionInfo_partition(info),
                 leader != NULL ? rd_kafka_Node_id(leader) : -1);
  nodes = rd_kafka_TopicPartitionInfo_replicas(info, &n);
  set_nodes(L, "replicas", nodes, n);
  nodes = rd_kafka_TopicPartitionInfo_isr(info, &n);
  set_nodes(L, "isr", nodes, n);
}

static void fill_described (lua_State *L, const dm_answer *answer) {
  const rd_kafka_TopicPartitionInfo_t **partitions = NULL;
  size_t n = 0;
  if (!answer->code) partitions = rd_kafka_TopicDescription_partitions(answer->item, &n);
  lua_createtable(L, (int)n, 0);
  for (size_t i = 0; i < n; i++) {
    push_described_partition(L, partitions[i]);
    lua_rawseti(L, -2, rd_kafka_TopicPartitionInfo_partition(partitions[i]) + 1);
  }
  lua_setfield(L, -2, "partitions");
}

/* The names are the request's own: there are no items. */
static void free_nothing (void *item) {
  (void)item;
}

static void send_describe (rd_kafka_t *rk, const dm_request *request) {
  rd_kafka_TopicCollection_t *topics =
      rd_kafka_TopicCollection_of_topic_names((const char **)request->names, request->count);
  rd_kafka_DescribeTopics(rk, topics, request->options, request->queue);
  rd_kafka_TopicCollection_destroy(topics);
}

static const dm_operation describe_operation = {
  .api = RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, .free = free_nothing, .send = send_describe,
  .answer = described_answer, .fill = fill_described,
};

static int describe_by_request (lua_State *L, const dm_admin_call *call, int names) {
  int found, box = lua_gettop(L) + 1;
  dm_request *request =
      dm_request_push(L, call, &describe_operation, (size_t)dm_list_check(L, 2, call->doing));
  for (lua_pushnil(L); lua_next(L, names); lua_pop(L, 1))
    dm_request_add(L, request, lua_tostring(L, -2));
  lua_newtable(L);
  found = dm_request_each(L, call, request, box + 1) ? 1 : 2;
  dm_job_end(L, box);
  return dm_admin_end(L, call, found);
}

/* Is the controller one of the brokers? Embedded brokers have none, of this process or another. */
static bool has_controller (const dm_metadata *metadata) {
  for (int i = 0; i < metadata->cluster->broker_cnt; i++)
    if (metadata->cluster->brokers[i].id == metadata->controller) return true;
  return false;
}

/* librdkafka sends the request to the controller alone. */
static int describe_names (lua_State *L, const dm_admin_call *call, int names) {
  const dm_metadata *metadata = dm_metadata_get(L, call, false);
  if (metadata == NULL) return dm_admin_end(L, call, 2);
  if (!has_controller(metadata)) return describe_from_metadata(L, call, names);
  return describe_by_request(L, call, names);
}

#else

static int describe_names (lua_State *L, const dm_admin_call *call, int names) {
  return describe_from_metadata(L, call, names);
}

#endif

int dm_admin_describe_topics (lua_State *L) {
  dm_admin_call call = dm_admin_begin(L, "describe_topics", 3, false);
  if (lua_isnil(L, 2)) return describe_from_metadata(L, &call, 0);
  push_names(L, &call);
  return describe_names(L, &call, lua_gettop(L));
}
