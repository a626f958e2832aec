/* SPDX-License-Identifier: MIT */
/* alter_configs. From librdkafka 2.2 the broker changes single keys (IncrementalAlterConfigs).
** Before, there is only AlterConfigs, which resets every key it is not given: then what is set is
** described first and sent along, see admin_merge.h.
*/
#include <lauxlib.h>

#include "kafka/admin_args.h"
#include "kafka/admin_configs.h"
#include "kafka/admin_embedded.h"
#include "kafka/admin_merge.h"
#include "kafka/admin_methods.h"
#include "kafka/compat.h"
#include "kafka/error.h"
#include "kafka/offsets.h"

/* Pushes the set of the keys in the list at the field 'delete' of the table at idx. */
static void push_deleted (lua_State *L, int idx, const char *what) {
  lua_Integer n;
  int set = lua_gettop(L) + 1;
  lua_newtable(L);
  what = lua_pushfstring(L, "%s: delete", what);
  if (lua_getfield(L, idx, "delete") == LUA_TTABLE) {
    n = dm_list_check(L, -1, what);
    for (lua_Integer i = 1; i <= n; i++) {
      if (lua_rawgeti(L, -1, i) != LUA_TSTRING)
        luaL_error(L, "%s[%I]: string expected, got %s", what, i, luaL_typename(L, -1));
      lua_pushboolean(L, 1);
      lua_settable(L, set);
    }
  }
  lua_settop(L, set);
}

/* Pushes the table key -> text of the field 'set' of the table at idx. */
static void push_set (lua_State *L, int idx, const char *what) {
  what = lua_pushfstring(L, "%s: set", what);
  lua_getfield(L, idx, "set");
  dm_config_push_texts(L, -1, what);
  lua_replace(L, -3);
  lua_pop(L, 1);
}

/* The tables of keys to set and to delete are on the top of the stack. */
static void check_change (lua_State *L, const char *what) {
  int set = lua_gettop(L) - 1;
  bool any = false;
  for (lua_pushnil(L); lua_next(L, set); lua_pop(L, 1), any = true) {
    lua_pushvalue(L, -2);
    if (lua_gettable(L, set + 1) != LUA_TNIL)
      luaL_error(L, "%s: '%s' is both set and deleted", what, lua_tostring(L, -3));
    lua_pop(L, 1);
  }
  lua_pushnil(L);
  if (lua_next(L, set + 1)) lua_pop(L, 2);
  else if (!any) luaL_error(L, "%s: there is nothing to set or to delete", what);
}

/* Pushes {name, type, set = {key = text}, delete = {key = true}}. */
static void read_change (lua_State *L, const char *what) {
  static const dm_option fields[] = {
    { "name", DM_OPTION_STRING, 0, 0 },  { "type", DM_OPTION_STRING, 0, 0 },
    { "set", DM_OPTION_TABLE, 0, 0 },    { "delete", DM_OPTION_TABLE, 0, 0 },
    { NULL, DM_OPTION_ANY, 0, 0 },
  };
  int entry = lua_gettop(L);
  dm_option_check(L, entry, what, fields);
  lua_createtable(L, 0, 4);
  dm_resource_copy(L, entry, what);
  push_set(L, entry, what);
  push_deleted(L, entry, what);
  check_change(L, what);
  lua_setfield(L, entry + 1, "delete");
  lua_setfield(L, entry + 1, "set");
}

#if DM_HAS_INCREMENTAL_ALTER

static dm_answer altered_answer (const rd_kafka_event_t *event, size_t i) {
  size_t n;
  const rd_kafka_ConfigResource_t **resources =
      rd_kafka_IncrementalAlterConfigs_result_resources(event, &n);
  return dm_resource_answer(resources, n, i);
}

static void send_alter (rd_kafka_t *rk, const dm_request *request) {
  rd_kafka_IncrementalAlterConfigs(rk, (rd_kafka_ConfigResource_t **)request->items,
                                   request->count, request->options, request->queue);
}

static const dm_operation alter_operation = {
  .api = RD_KAFKA_ADMIN_OP_INCREMENTALALTERCONFIGS, .changes = true, .validates = true,
  .free = dm_resource_free, .send = send_alter, .answer = altered_answer,
};

static void add_key (lua_State *L, rd_kafka_ConfigResource_t *resource, const char *key,
                     rd_kafka_AlterConfigOpType_t type, const char *text) {
  rd_kafka_error_t *error =
      rd_kafka_ConfigResource_add_incremental_config(resource, key, type, text);
  if (error == NULL) return;
  dm_error_take(L, error);
  luaL_error(L, "alter_configs: %s: %s", key, luaL_tolstring(L, -1, NULL));
}

static void fill_change (lua_State *L, rd_kafka_ConfigResource_t *resource) {
  int entry = lua_gettop(L);
  lua_getfield(L, entry, "set");
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
    add_key(L, resource, lua_tostring(L, -2), RD_KAFKA_ALTER_CONFIG_OP_TYPE_SET,
            lua_tostring(L, -1));
  lua_getfield(L, entry, "delete");
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
    add_key(L, resource, lua_tostring(L, -2), RD_KAFKA_ALTER_CONFIG_OP_TYPE_DELETE, NULL);
  lua_settop(L, entry);
}

/* Pushes the results of the changes at 'list'. */
static bool alter (lua_State *L, const dm_admin_call *call, int list) {
  lua_newtable(L);
  return dm_resource_run(L, call, &alter_operation, list, lua_gettop(L), fill_change);
}

#else

static bool alter (lua_State *L, const dm_admin_call *call, int list) {
  return dm_merge_alter(L, call, list);
}

#endif

int dm_admin_alter_configs (lua_State *L) {
  dm_admin_call call = dm_admin_begin(L, "alter_configs", 3, true);
  bool done;
  dm_resource_push_list(L, &call, read_change);
  if (call.embedded != NULL) done = dm_embedded_alter_configs(L, &call, lua_gettop(L));
  else done = alter(L, &call, lua_gettop(L));
  return dm_admin_end(L, &call, done ? 1 : 2);
}
