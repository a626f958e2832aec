/* SPDX-License-Identifier: MIT */
#include "runtime/group_options_lua.h"

#include <lauxlib.h>
#include <limits.h>
#include <string.h>

#include "kafka/offsets.h"
#include "kafka/option.h"
#include "runtime/group_lua_parts.h"

static const dm_option options[] = {
  { "bootstrap_servers", DM_OPTION_STRINGS, 0, 0 },
  { "client_id", DM_OPTION_STRING, 0, 0 },
  { "commit", DM_OPTION_DURATION, 0, 0 },
  { "dead_letters", DM_OPTION_STRING, 0, 0 },
  { "drain", DM_OPTION_DURATION, 0, 0 },
  { "emitter", DM_OPTION_ANY, 0, 0 },
  { "exit_when_stuck", DM_OPTION_BOOLEAN, 0, 0 },
  { "group", DM_OPTION_STRING, 0, 0 },
  { "insecure_tls", DM_OPTION_BOOLEAN, 0, 0 },
  { "instance_id", DM_OPTION_STRING, 0, 0 },
  { "kafka", DM_OPTION_TABLE, 0, 0 },
  { "lanes", DM_OPTION_INTEGER, 1, DM_LANES_MAX },
  { "order", DM_OPTION_STRING, 0, 0 },
  { "partitions", DM_OPTION_INTEGER, 1, INT_MAX },
  { "revoke", DM_OPTION_DURATION, 0, 0 },
  { "source", DM_OPTION_STRING, 0, 0 },
  { "start", DM_OPTION_STRING, 0, 0 },
  { "topics", DM_OPTION_TABLE, 0, 0 },
  { "transactions", DM_OPTION_TABLE, 0, 0 },
  { NULL, DM_OPTION_ANY, 0, 0 },
};

static dm_order read_order (lua_State *L, int idx) {
  static const char *const orders[] = { "key", "partition", "none", NULL };
  const char *order = dm_option_string(L, idx, "order");
  if (order == NULL) return DM_ORDER_KEY;
  for (int i = 0; orders[i] != NULL; i++)
    if (strcmp(order, orders[i]) == 0) return (dm_order)i;
  luaL_error(L, DM_GROUP_WHAT ": order: \"key\", \"partition\" or \"none\" expected, got \"%s\"",
             order);
  return DM_ORDER_KEY;
}

bool dm_group_is_exactly_once (lua_State *L, int idx) {
  bool is = lua_getfield(L, idx, "transactions") != LUA_TNIL;
  lua_pop(L, 1);
  return is;
}

dm_group_options dm_group_options_read (lua_State *L, int idx) {
  dm_group_options o;
  dm_option_check(L, idx, DM_GROUP_WHAT, options);
  o = (dm_group_options){
    .name = dm_option_string(L, idx, "group"),
    .engine = { .order = read_order(L, idx), .lanes = (int)dm_option_integer(L, idx, "lanes", 1) },
    .dead_letters = dm_option_string(L, idx, "dead_letters"),
    .commit_ms = dm_option_duration(L, idx, "commit",
                                    dm_group_is_exactly_once(L, idx) ? "100ms" : "1s"),
    .revoke_ms = dm_option_duration(L, idx, "revoke", "5s"),
    .drain_ms = dm_option_duration(L, idx, "drain", "25s"),
    .exit_when_stuck = dm_option_flag(L, idx, "exit_when_stuck"),
  };
  if (o.name == NULL) luaL_error(L, DM_GROUP_WHAT ": group: a string expected");
  return o;
}

rd_kafka_topic_partition_list_t *dm_group_topics_read (lua_State *L, int idx) {
  rd_kafka_topic_partition_list_t **list = dm_offsets_box(L);
  lua_Integer count = luaL_len(L, idx);
  if (count == 0) luaL_error(L, DM_GROUP_WHAT ": topics: the list is empty");
  *list = rd_kafka_topic_partition_list_new((int)count);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_geti(L, idx, i);
    rd_kafka_topic_partition_list_add(*list, dm_topic_check(L, -1, DM_GROUP_WHAT ": topics"),
                                      RD_KAFKA_PARTITION_UA);
    lua_pop(L, 1);
  }
  return *list;
}
