/* SPDX-License-Identifier: MIT */
/* The configurations of an embedded broker's topics: what was given when they were created and
** changed later, in a table of the broker.
*/
#include <lauxlib.h>
#include <string.h>

#include "kafka/admin_embedded.h"
#include "kafka/admin_metadata.h"
#include "kafka/error.h"
#include "kafka/topic_config.h"

/* Pushes the set of the topics that there are, whoever created them. */
static bool push_existing (lua_State *L, const dm_admin_call *call) {
  const dm_metadata *metadata = dm_metadata_get(L, call, true);
  if (metadata == NULL) return false;
  lua_newtable(L);
  for (int i = 0; i < metadata->cluster->topic_cnt; i++) {
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, metadata->cluster->topics[i].topic);
  }
  lua_remove(L, -2);
  return true;
}

/* Why the resource on the top of the stack cannot be asked about; code 0 when it can. */
static dm_answer check (lua_State *L, int existing) {
  dm_answer answer = { 0 };
  lua_getfield(L, -1, "type");
  lua_getfield(L, -2, "name");
  answer.name = lua_tostring(L, -1);
  if (strcmp(lua_tostring(L, -2), "topic") != 0) {
    answer.code = RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE;
    answer.text = "the embedded broker has no configurations but those of topics; use a real "
                  "Apache Kafka";
  }
  else if (lua_getfield(L, existing, answer.name) == LUA_TNIL) {
    answer.code = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    answer.text = "there is no such topic";
  }
  return answer;
}

/* Pushes the broker's table of the topic's configuration, made when missing. */
static void push_topic (lua_State *L, const dm_admin_call *call, const char *name) {
  lua_getiuservalue(L, call->embedded_idx, DM_EMBEDDED_CONFIGS);
  luaL_getsubtable(L, -1, name);
  lua_remove(L, -2);
}

/* Pushes a ConfigValue around the text on the top of the stack. */
static void wrap (lua_State *L) {
  lua_createtable(L, 0, 4);
  lua_insert(L, -2);
  lua_setfield(L, -2, "value");
  lua_pushliteral(L, "topic");
  lua_setfield(L, -2, "source");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "read_only");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "sensitive");
}

/* Sets type and configs of the result on the top of the stack from the topic's configuration at
** 'topic', 0 for none. */
static void fill (lua_State *L, int topic) {
  lua_pushliteral(L, "topic");
  lua_setfield(L, -2, "type");
  lua_newtable(L);
  if (topic != 0)
    for (lua_pushnil(L); lua_next(L, topic);) {
      wrap(L);
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_settable(L, -4);
    }
  lua_setfield(L, -2, "configs");
}

bool dm_embedded_describe_configs (lua_State *L, const dm_admin_call *call, int list) {
  int results = lua_gettop(L) + 1;
  lua_newtable(L);
  if (!push_existing(L, call)) return false;
  for (lua_Integer i = 1, n = (lua_Integer)lua_rawlen(L, list); i <= n; i++) {
    int topic = 0;
    dm_answer answer;
    lua_rawgeti(L, list, i);
    answer = check(L, results + 1);
    dm_result_set(L, results, &answer, NULL);
    if (!answer.code) {
      push_topic(L, call, answer.name);
      topic = lua_gettop(L);
    }
    lua_getfield(L, results, answer.name);
    fill(L, topic);
    lua_settop(L, results + 1);
  }
  lua_settop(L, results);
  return true;
}

/* The first key to set or to delete that no topic has. The change is at idx. */
static const char *unknown_key (lua_State *L, int change) {
  static const char *const parts[] = { "set", "delete" };
  for (int i = 0; i < 2; i++) {
    lua_getfield(L, change, parts[i]);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
      if (!dm_topic_config_exists(lua_tostring(L, -2))) return lua_tostring(L, -2);
  }
  return NULL;
}

/* Applies the change at 'change' to the configuration on the top of the stack. */
static void apply (lua_State *L, int change) {
  int topic = lua_gettop(L);
  lua_getfield(L, change, "set");
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_settable(L, topic);
  }
  lua_getfield(L, change, "delete");
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    lua_pushvalue(L, -2);
    lua_pushnil(L);
    lua_settable(L, topic);
  }
}

/* Makes the change on the top of the stack, unless it is refused. */
static dm_answer alter (lua_State *L, const dm_admin_call *call, int existing) {
  int change = lua_gettop(L);
  dm_answer answer = check(L, existing);
  const char *key;
  if (answer.code) return answer;
  key = unknown_key(L, change);
  if (key != NULL) {
    answer.code = RD_KAFKA_RESP_ERR_INVALID_CONFIG;
    answer.text = lua_pushfstring(L, "Unknown topic config name: %s", key);
  }
  else if (!call->validate_only) {
    push_topic(L, call, answer.name);
    apply(L, change);
  }
  return answer;
}

bool dm_embedded_alter_configs (lua_State *L, const dm_admin_call *call, int list) {
  int results = lua_gettop(L) + 1;
  lua_newtable(L);
  if (!push_existing(L, call)) return false;
  for (lua_Integer i = 1, n = (lua_Integer)lua_rawlen(L, list); i <= n; i++) {
    dm_answer answer;
    lua_rawgeti(L, list, i);
    answer = alter(L, call, results + 1);
    dm_result_set(L, results, &answer, NULL);
    lua_settop(L, results + 1);
  }
  lua_settop(L, results);
  return true;
}
