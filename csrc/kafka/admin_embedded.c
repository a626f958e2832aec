/* SPDX-License-Identifier: MIT */
#include "kafka/admin_embedded.h"

#include <lauxlib.h>
#include <string.h>

#include "kafka/compat.h"
#include "kafka/error.h"
#include "kafka/topic_config.h"

/* How many replicas a mock cluster that does not listen gives a topic, if it has the brokers. */
#define MOCK_REPLICAS 3

#define NAME_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

int dm_embedded_lacks (lua_State *L, const dm_admin_call *call, const char *thing) {
  dm_error_return(L, RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, "%s: the embedded broker has no %s",
                  call->doing, thing);
  dm_error_hint(L, "use a real Apache Kafka");
  return dm_admin_end(L, call, 2);
}

/* Pushes the embedded broker's table topic name -> configuration. */
static void push_topics (lua_State *L, const dm_admin_call *call) {
  lua_getiuservalue(L, call->embedded_idx, DM_EMBEDDED_CONFIGS);
}

static dm_answer answer (const char *name, rd_kafka_resp_err_t code, const char *text) {
  return (dm_answer){ name, code, text, NULL };
}

static dm_answer check_name (const char *name) {
  if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
    return answer(name, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, "'.' and '..' are no topic names");
  if (name[strspn(name, NAME_LETTERS)] != '\0')
    return answer(name, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
                  "a topic's name has letters, digits, '.', '_' and '-' only");
  return answer(name, RD_KAFKA_RESP_ERR_NO_ERROR, NULL);
}

/* The same, or the same when '.' and '_' are one: metrics could not tell them apart. */
static bool collides (const char *a, const char *b) {
  for (; *a != '\0' && *b != '\0'; a++, b++) {
    bool both = (*a == '.' || *a == '_') && (*b == '.' || *b == '_');
    if (*a != *b && !both) return false;
  }
  return *a == *b;
}

static dm_answer check_others (lua_State *L, const dm_admin_call *call, const char *name) {
  dm_answer result = answer(name, RD_KAFKA_RESP_ERR_NO_ERROR, NULL);
  push_topics(L, call);
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    const char *other = lua_tostring(L, -2);
    if (strcmp(name, other) == 0)
      result = answer(name, RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, "the topic exists already");
    else if (result.code == RD_KAFKA_RESP_ERR_NO_ERROR && collides(name, other))
      result = answer(name, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
                      "an existing topic's name differs by '.' and '_' alone");
  }
  lua_pop(L, 1);
  return result;
}

/* How many replicas the mock cluster will give the topic. An older one does not listen. */
static int replicas_of (const dm_admin_call *call, const dm_new_topic *topic) {
#if DM_HAS_MOCK_REPLICAS
  (void)call;
  return topic->replicas >= 0 ? topic->replicas : 1;
#else
  int brokers = call->embedded->brokers;
  (void)topic;
  return brokers < MOCK_REPLICAS ? brokers : MOCK_REPLICAS;
#endif
}

static dm_answer check_replicas (const dm_admin_call *call, const dm_new_topic *topic) {
  if (topic->assigned)
    return answer(topic->name, RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE,
                  "the embedded broker has no replica assignment; use a real Apache Kafka");
  if (topic->replicas > call->embedded->brokers)
    return answer(topic->name, RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR,
                  "there are more replicas than brokers");
  if (topic->replicas >= 0 && topic->replicas != replicas_of(call, topic))
    return answer(topic->name, RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE,
                  "the embedded broker of this librdkafka gives every topic as many replicas as "
                  "it has brokers, at most 3; use a real Apache Kafka");
  return answer(topic->name, RD_KAFKA_RESP_ERR_NO_ERROR, NULL);
}

/* The first key of the table at 'configs' that no topic has; NULL when there is none. */
static const char *unknown_key (lua_State *L, int configs) {
  for (lua_pushnil(L); lua_next(L, configs); lua_pop(L, 1)) {
    const char *key = lua_tostring(L, -2);
    if (dm_topic_config_exists(key)) continue;
    lua_pop(L, 2);
    return key;
  }
  return NULL;
}

/* Refuses what a real broker would refuse. The configuration is at 'configs'. */
static dm_answer check (lua_State *L, const dm_admin_call *call, const dm_new_topic *topic,
                        int configs) {
  dm_answer result = check_name(topic->name);
  const char *key;
  if (!result.code) result = check_others(L, call, topic->name);
  if (!result.code) result = check_replicas(call, topic);
  if (result.code) return result;
  key = unknown_key(L, configs);
  if (key == NULL) return result;
  return answer(topic->name, RD_KAFKA_RESP_ERR_INVALID_CONFIG,
                lua_pushfstring(L, "Unknown topic config name: %s", key));
}

void dm_embedded_create_topic (lua_State *L, const dm_admin_call *call, const dm_new_topic *topic,
                               int results) {
  int configs = lua_gettop(L);
  dm_answer result = check(L, call, topic, configs);
  if (!result.code && !call->validate_only) {
    push_topics(L, call);
    lua_pushvalue(L, configs);
    lua_setfield(L, -2, topic->name);
    result.code = rd_kafka_mock_topic_create(dm_embedded_cluster(call->embedded), topic->name,
                                             topic->partitions, replicas_of(call, topic));
  }
  dm_result_set(L, results, &result, NULL);
  lua_settop(L, configs);
}
