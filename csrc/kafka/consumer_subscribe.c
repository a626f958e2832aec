/* SPDX-License-Identifier: MIT */
#include "kafka/consumer_parts.h"

#include <lauxlib.h>
#include <string.h>

#include "kafka/error.h"

/* Checks the topic or pattern on the top of the stack. */
static const char *check_topic (lua_State *L, const char *what) {
  const char *topic = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
  if (*topic != '^') return dm_topic_check(L, -1, what);
  if (strlen(topic) != lua_rawlen(L, -1))
    luaL_error(L, "%s: topic: the pattern has a NUL byte inside", what);
  return topic;
}

dm_list *dm_consumer_read_topics (lua_State *L, int idx, const char *what) {
  dm_list **topics;
  int n;
  idx = lua_absindex(L, idx);
  if (!lua_istable(L, idx))
    luaL_error(L, "%s: list of topics expected, got %s", what, luaL_typename(L, idx));
  n = (int)lua_rawlen(L, idx);
  if (n == 0) luaL_error(L, "%s: the list of topics is empty", what);
  topics = dm_offsets_box(L);
  *topics = rd_kafka_topic_partition_list_new(n);
  for (int i = 1; i <= n; i++) {
    const char *topic;
    lua_rawgeti(L, idx, i);
    topic = check_topic(L, what);
    if (rd_kafka_topic_partition_list_find(*topics, topic, RD_KAFKA_PARTITION_UA) == NULL)
      rd_kafka_topic_partition_list_add(*topics, topic, RD_KAFKA_PARTITION_UA);
    lua_pop(L, 1);
  }
  return *topics;
}

bool dm_consumer_join (lua_State *L, dm_consumer *consumer, const dm_list *topics) {
  rd_kafka_resp_err_t err = rd_kafka_subscribe(consumer->client.rk, topics);
  consumer->subscribed = !err;
  if (!err) return true;
  if (err == RD_KAFKA_RESP_ERR__INVALID_ARG)
    dm_error_return(L, err, "subscribe: a pattern is no regular expression");
  else dm_error_return(L, err, "subscribe: %s", rd_kafka_err2str(err));
  return false;
}

int dm_consumer_subscribe_lua (lua_State *L) {
  dm_consumer *consumer = dm_consumer_check(L, 1, false);
  const dm_list *topics = dm_consumer_read_topics(L, 2, "subscribe");
  dm_consumer_check_group(L, consumer, "subscribe");
  if (consumer->assigned)
    return luaL_error(L, "subscribe: partitions are assigned by hand: end that with assign {}");
  if (!dm_consumer_join(L, consumer, topics)) return 2;
  lua_pushboolean(L, 1);
  return 1;
}

/* The last revoke waits in the queue; records behind it belong to nobody here any more. */
static void serve_revoke (lua_State *L, dm_consumer *consumer) {
  rd_kafka_message_t *record;
  while ((record = rd_kafka_consumer_poll(consumer->client.rk, 0)) != NULL)
    dm_consumer_drop(consumer, record);
  dm_client_dispatch(L, 1, &consumer->client);
}

int dm_consumer_unsubscribe_lua (lua_State *L) {
  dm_consumer *consumer = dm_consumer_check(L, 1, false);
  rd_kafka_resp_err_t err;
  dm_client_dispatch(L, 1, &consumer->client);
  err = rd_kafka_unsubscribe(consumer->client.rk);
  if (err) return dm_error_return(L, err, "unsubscribe: %s", rd_kafka_err2str(err));
  if (consumer->subscribed) serve_revoke(L, consumer);
  consumer->subscribed = false;
  lua_pushboolean(L, 1);
  return 1;
}

int dm_consumer_subscription_lua (lua_State *L) {
  const dm_consumer *consumer = dm_consumer_check(L, 1, true);
  dm_list **topics = dm_offsets_box(L);
  rd_kafka_subscription(consumer->client.rk, topics);
  lua_newtable(L);
  for (int i = 0; *topics != NULL && i < (*topics)->cnt; i++) {
    lua_pushstring(L, (*topics)->elems[i].topic);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* A string of librdkafka's, in a job block. */
static void string_cleanup (void *block) {
  char *s = *(char **)block;
  if (s != NULL) rd_kafka_mem_free(NULL, s);
}

int dm_consumer_member_id_lua (lua_State *L) {
  const dm_consumer *consumer = dm_consumer_check(L, 1, true);
  char **id = dm_job_push_scoped(L, sizeof *id, string_cleanup);
  *id = consumer->subscribed ? rd_kafka_memberid(consumer->client.rk) : NULL;
  lua_pushstring(L, *id != NULL && **id != '\0' ? *id : NULL);
  return 1;
}

