/* SPDX-License-Identifier: MIT */
#include "kafka/admin_configs.h"

#include <lauxlib.h>
#include <string.h>

#include "kafka/admin_args.h"
#include "kafka/admin_embedded.h"
#include "kafka/admin_methods.h"
#include "kafka/compat.h"
#include "kafka/error.h"
#include "kafka/offsets.h"

static const struct { const char *name; rd_kafka_ResourceType_t type; } types[] = {
  { "topic", RD_KAFKA_RESOURCE_TOPIC },
  { "broker", RD_KAFKA_RESOURCE_BROKER },
  { "group", RD_KAFKA_RESOURCE_GROUP },
};

#define TYPES (sizeof types / sizeof types[0])

static rd_kafka_ResourceType_t type_of (const char *name) {
  for (size_t i = 0; i < TYPES; i++)
    if (strcmp(types[i].name, name) == 0) return types[i].type;
  return RD_KAFKA_RESOURCE_UNKNOWN;
}

static const char *name_of_type (rd_kafka_ResourceType_t type) {
  for (size_t i = 0; i < TYPES; i++)
    if (types[i].type == type) return types[i].name;
  return "unknown";
}

static const char *name_of_source (rd_kafka_ConfigSource_t source) {
  switch ((int)source) { /* of a newer librdkafka, not all are in its type here */
    case RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG: return "topic";
    case RD_KAFKA_CONFIG_SOURCE_DYNAMIC_BROKER_CONFIG: return "broker_dynamic";
    case RD_KAFKA_CONFIG_SOURCE_DYNAMIC_DEFAULT_BROKER_CONFIG: return "broker_dynamic_default";
    case RD_KAFKA_CONFIG_SOURCE_STATIC_BROKER_CONFIG: return "broker_static";
    case RD_KAFKA_CONFIG_SOURCE_DEFAULT_CONFIG: return "default";
#if DM_HAS_GROUP_CONFIGS
    case RD_KAFKA_CONFIG_SOURCE_GROUP_CONFIG: return "group";
#endif
    default: return "unknown";
  }
}

static void check_broker (lua_State *L, const char *what) {
  const char *name = lua_tostring(L, -1);
  if (lua_type(L, -1) != LUA_TSTRING || *name == '\0' || strlen(name) > 9 ||
      name[strspn(name, "0123456789")] != '\0')
    luaL_error(L, "%s: name: a broker's id as a string expected, got '%s'", what,
               luaL_tolstring(L, -1, NULL));
}

static void check_group (lua_State *L, const char *what) {
  dm_group_check(L, -1, what);
  if (!DM_HAS_GROUP_CONFIGS)
    luaL_error(L, "%s: configurations of groups need librdkafka 2.10 or newer; this one was built "
                  "with an older one", what);
}

void dm_resource_copy (lua_State *L, int idx, const char *what) {
  const char *type = "topic";
  idx = lua_absindex(L, idx);
  if (lua_getfield(L, idx, "type") == LUA_TSTRING) type = lua_tostring(L, -1);
  lua_getfield(L, idx, "name");
  switch (type_of(type)) {
    case RD_KAFKA_RESOURCE_TOPIC: dm_topic_check(L, -1, what); break;
    case RD_KAFKA_RESOURCE_BROKER: check_broker(L, what); break;
    case RD_KAFKA_RESOURCE_GROUP: check_group(L, what); break;
    default:
      luaL_error(L, "%s: type: 'topic', 'broker' or 'group' expected, got '%s'", what, type);
  }
  lua_setfield(L, -3, "name");
  lua_pop(L, 1);
  lua_pushstring(L, type);
  lua_setfield(L, -2, "type");
}

void dm_resource_push_list (lua_State *L, const dm_admin_call *call, dm_resource_read read) {
  lua_Integer n = dm_list_check(L, 2, call->doing);
  int list;
  lua_createtable(L, (int)n, 0);
  lua_newtable(L);
  list = lua_gettop(L) - 1;
  for (lua_Integer i = 1; i <= n; i++) {
    const char *what = lua_pushfstring(L, "%s: [%I]", call->doing, i);
    lua_rawgeti(L, 2, i);
    read(L, what);
    lua_getfield(L, -1, "name");
    dm_once_check(L, list + 1, call->doing, lua_tostring(L, -1));
    lua_pop(L, 1);
    lua_rawseti(L, list, i);
    lua_settop(L, list + 1);
  }
  lua_settop(L, list);
}

void dm_resource_free (void *item) {
  rd_kafka_ConfigResource_destroy(item);
}

dm_answer dm_resource_answer (const rd_kafka_ConfigResource_t **resources, size_t n, size_t i) {
  dm_answer answer = { 0 };
  if (i >= n) return answer;
  answer.name = rd_kafka_ConfigResource_name(resources[i]);
  answer.code = rd_kafka_ConfigResource_error(resources[i]);
  answer.text = rd_kafka_ConfigResource_error_string(resources[i]);
  answer.item = resources[i];
  return answer;
}

/* Does the request for brokers, or that for all others, take the entry on the top of the stack? */
static bool takes (lua_State *L, int results, bool brokers) {
  bool wanted;
  lua_getfield(L, -1, "type");
  wanted = (type_of(lua_tostring(L, -1)) == RD_KAFKA_RESOURCE_BROKER) == brokers;
  lua_getfield(L, -2, "name");
  lua_gettable(L, results);
  wanted = wanted && lua_isnil(L, -1);
  lua_pop(L, 2);
  return wanted;
}

static void add (lua_State *L, dm_request *request, dm_resource_fill fill) {
  const char *name, *type;
  rd_kafka_ConfigResource_t *resource;
  lua_getfield(L, -1, "type");
  lua_getfield(L, -2, "name");
  type = lua_tostring(L, -2);
  name = lua_tostring(L, -1);
  resource = rd_kafka_ConfigResource_new(type_of(type), name);
  *dm_request_add(L, request, name) = resource;
  lua_pop(L, 2);
  if (fill != NULL) fill(L, resource);
}

/* One request for those of the entries first..last that it takes. */
static bool run_some (lua_State *L, const dm_admin_call *call, const dm_operation *operation,
                      int list, int results, lua_Integer first, lua_Integer last, bool brokers,
                      dm_resource_fill fill) {
  int box = lua_gettop(L) + 1;
  bool done;
  dm_request *request = dm_request_push(L, call, operation, (size_t)(last - first + 1));
  for (lua_Integer i = first; i <= last; i++) {
    lua_rawgeti(L, list, i);
    if (takes(L, results, brokers)) add(L, request, fill);
    lua_pop(L, 1);
  }
  done = dm_request_each(L, call, request, results);
  dm_job_end(L, box);
  lua_remove(L, box);
  return done;
}

bool dm_resource_run (lua_State *L, const dm_admin_call *call, const dm_operation *operation,
                      int list, int results, dm_resource_fill fill) {
  lua_Integer n = (lua_Integer)lua_rawlen(L, list);
  if (n == 0) return true;
  if (!run_some(L, call, operation, list, results, 1, n, false, fill)) return false;
  for (lua_Integer i = 1; i <= n; i++)
    if (!run_some(L, call, operation, list, results, i, i, true, fill)) return false;
  return true;
}

static void push_value (lua_State *L, const rd_kafka_ConfigEntry_t *entry) {
  bool sensitive = rd_kafka_ConfigEntry_is_sensitive(entry) == 1;
  lua_createtable(L, 0, 4);
  if (!sensitive) {
    lua_pushstring(L, rd_kafka_ConfigEntry_value(entry));
    lua_setfield(L, -2, "value");
  }
  lua_pushstring(L, name_of_source(rd_kafka_ConfigEntry_source(entry)));
  lua_setfield(L, -2, "source");
  lua_pushboolean(L, rd_kafka_ConfigEntry_is_read_only(entry) == 1);
  lua_setfield(L, -2, "read_only");
  lua_pushboolean(L, sensitive);
  lua_setfield(L, -2, "sensitive");
}

static void fill_described (lua_State *L, const dm_answer *answer) {
  const rd_kafka_ConfigResource_t *resource = answer->item;
  const rd_kafka_ConfigEntry_t **entries = NULL;
  size_t n = 0;
  if (resource != NULL) {
    entries = rd_kafka_ConfigResource_configs(resource, &n);
    lua_pushstring(L, name_of_type(rd_kafka_ConfigResource_type(resource)));
    lua_setfield(L, -2, "type");
  }
  lua_createtable(L, 0, (int)n);
  for (size_t i = 0; i < n; i++) {
    push_value(L, entries[i]);
    lua_setfield(L, -2, rd_kafka_ConfigEntry_name(entries[i]));
  }
  lua_setfield(L, -2, "configs");
}

static dm_answer described_answer (const rd_kafka_event_t *event, size_t i) {
  size_t n;
  const rd_kafka_ConfigResource_t **resources =
      rd_kafka_DescribeConfigs_result_resources(event, &n);
  return dm_resource_answer(resources, n, i);
}

static void send_describe (rd_kafka_t *rk, const dm_request *request) {
  rd_kafka_DescribeConfigs(rk, (rd_kafka_ConfigResource_t **)request->items, request->count,
                           request->options, request->queue);
}

static const dm_operation describe_operation = {
  .api = RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, .free = dm_resource_free, .send = send_describe,
  .answer = described_answer, .fill = fill_described,
};

bool dm_configs_describe (lua_State *L, const dm_admin_call *call, int list) {
  lua_newtable(L);
  return dm_resource_run(L, call, &describe_operation, list, lua_gettop(L), NULL);
}

/* A string is a topic. */
static void read_resource (lua_State *L, const char *what) {
  static const dm_option fields[] = {
    { "type", DM_OPTION_STRING, 0, 0 },
    { "name", DM_OPTION_STRING, 0, 0 },
    { NULL, DM_OPTION_ANY, 0, 0 },
  };
  if (lua_type(L, -1) == LUA_TSTRING) {
    lua_createtable(L, 0, 2);
    lua_insert(L, -2);
    lua_setfield(L, -2, "name");
  }
  dm_option_check(L, lua_gettop(L), what, fields);
  lua_newtable(L);
  dm_resource_copy(L, -2, what);
}

int dm_admin_describe_configs (lua_State *L) {
  dm_admin_call call = dm_admin_begin(L, "describe_configs", 3, false);
  bool done;
  dm_resource_push_list(L, &call, read_resource);
  if (call.embedded != NULL) done = dm_embedded_describe_configs(L, &call, lua_gettop(L));
  else done = dm_configs_describe(L, &call, lua_gettop(L));
  return dm_admin_end(L, &call, done ? 1 : 2);
}
