/* SPDX-License-Identifier: MIT */
#include "kafka/admin_merge.h"

#include <lauxlib.h>
#include <string.h>

#include "kafka/admin_configs.h"
#include "kafka/error.h"

/* Between two looks whether the change shows. */
#define LOOK_MS 50

static dm_answer altered_answer (const rd_kafka_event_t *event, size_t i) {
  size_t n;
  const rd_kafka_ConfigResource_t **resources = rd_kafka_AlterConfigs_result_resources(event, &n);
  return dm_resource_answer(resources, n, i);
}

static void send_alter (rd_kafka_t *rk, const dm_request *request) {
  rd_kafka_AlterConfigs(rk, (rd_kafka_ConfigResource_t **)request->items, request->count,
                        request->options, request->queue);
}

static const dm_operation alter_operation = {
  .api = RD_KAFKA_ADMIN_OP_ALTERCONFIGS, .changes = true, .validates = true,
  .free = dm_resource_free, .send = send_alter, .answer = altered_answer,
};

/* The string field of the table at idx; the table keeps it. */
static const char *field (lua_State *L, int idx, const char *name) {
  const char *text;
  lua_getfield(L, idx, name);
  text = lua_tostring(L, -1);
  lua_pop(L, 1);
  return text;
}

/* Is the table[key] of the field 'name' of the change at idx there? */
static bool names (lua_State *L, int idx, const char *name, const char *key) {
  bool found;
  lua_getfield(L, idx, name);
  found = lua_getfield(L, -1, key) != LUA_TNIL;
  lua_pop(L, 2);
  return found;
}

/* Is the value on the top of the stack set on this very resource, so that AlterConfigs resets it
** when it is not sent along? */
static bool is_own (lua_State *L, int change) {
  bool broker = strcmp(field(L, change, "type"), "broker") == 0;
  return strcmp(field(L, -1, "source"), broker ? "broker_dynamic" : "topic") == 0;
}

/* Pushes the configs of the resource at 'change' as 'described' has them; nil when it could not be
** described. */
static void push_configs (lua_State *L, int change, int described) {
  lua_getfield(L, described, field(L, change, "name"));
  lua_getfield(L, -1, "error");
  if (lua_isnil(L, -1)) lua_getfield(L, -2, "configs");
  else lua_pushnil(L);
  lua_replace(L, -3);
  lua_pop(L, 1);
}

/* A key that the change leaves alone, but whose value cannot be read and sent along. */
static const char *unreadable_key (lua_State *L, int change, int before) {
  for (lua_pushnil(L); lua_next(L, before); lua_pop(L, 1)) {
    const char *key = lua_tostring(L, -2);
    if (!is_own(L, change) || names(L, change, "set", key) || names(L, change, "delete", key) ||
        field(L, -1, "value") != NULL)
      continue;
    lua_pop(L, 2);
    return key;
  }
  return NULL;
}

/* results[name] = {name, error = the error on the top of the stack}; pops it. */
static void set_error (lua_State *L, int results, const char *name) {
  lua_createtable(L, 0, 2);
  lua_insert(L, -2);
  lua_setfield(L, -2, "error");
  lua_pushstring(L, name);
  lua_setfield(L, -2, "name");
  lua_setfield(L, results, name);
}

static void refuse_unreadable (lua_State *L, int results, const char *name, const char *key) {
  dm_error_push(L, RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE,
                "%s: '%s' is set and its value cannot be read: this librdkafka would lose it", name,
                key);
  dm_error_hint(L, "name '%s' in the change too, or use librdkafka 2.2 or newer", key);
  set_error(L, results, name);
}

/* Gives the changes that cannot be made their results, and the others what was set 'before'. */
static void prepare (lua_State *L, int list, int described, int results) {
  int change = lua_gettop(L) + 1;
  for (lua_Integer i = 1, n = (lua_Integer)lua_rawlen(L, list); i <= n; i++) {
    const char *name, *key;
    lua_rawgeti(L, list, i);
    name = field(L, change, "name");
    push_configs(L, change, described);
    if (lua_isnil(L, -1)) {
      lua_getfield(L, described, name);
      lua_getfield(L, -1, "error");
      set_error(L, results, name);
    }
    else if ((key = unreadable_key(L, change, change + 1)) != NULL)
      refuse_unreadable(L, results, name, key);
    lua_settop(L, change + 1);
    lua_setfield(L, change, "before");
    lua_settop(L, change - 1);
  }
}

/* Fills the resource with all that is to be set. The change is on the top of the stack. */
static void fill_merged (lua_State *L, rd_kafka_ConfigResource_t *resource) {
  int change = lua_gettop(L);
  lua_getfield(L, change, "before");
  for (lua_pushnil(L); lua_next(L, change + 1); lua_pop(L, 1)) {
    const char *key = lua_tostring(L, -2);
    if (is_own(L, change) && !names(L, change, "set", key) && !names(L, change, "delete", key))
      rd_kafka_ConfigResource_set_config(resource, key, field(L, -1, "value"));
  }
  lua_getfield(L, change, "set");
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
    rd_kafka_ConfigResource_set_config(resource, lua_tostring(L, -2), lua_tostring(L, -1));
  lua_settop(L, change);
}

/* The value of key in the table at 'configs' if it is the resource's own, else NULL. One that is
** not readable is "". */
static const char *own_value (lua_State *L, int change, int configs, const char *key) {
  const char *value = NULL;
  if (lua_getfield(L, configs, key) != LUA_TNIL && is_own(L, change)) {
    value = field(L, -1, "value");
    if (value == NULL) value = "";
  }
  lua_pop(L, 1);
  return value;
}

/* Does 'now' differ from 'before', or is it what was asked for? The broker may write a value in
** another way than it was given. */
static bool has_come (const char *asked, const char *before, const char *now) {
  if (now == NULL) return false;
  return *now == '\0' || strcmp(now, asked) == 0 || before == NULL || strcmp(now, before) != 0;
}

/* The first key of the change at 'change' that does not show in the configs at 'now'. */
static const char *missing_key (lua_State *L, int change, int now) {
  const char *missing = NULL;
  int top = lua_gettop(L);
  lua_getfield(L, change, "before");
  lua_getfield(L, change, "set");
  for (lua_pushnil(L); missing == NULL && lua_next(L, top + 2); lua_pop(L, 1)) {
    const char *key = lua_tostring(L, -2);
    if (!has_come(lua_tostring(L, -1), own_value(L, change, top + 1, key),
                  own_value(L, change, now, key)))
      missing = key;
  }
  lua_settop(L, top);
  lua_getfield(L, change, "delete");
  for (lua_pushnil(L); missing == NULL && lua_next(L, top + 1); lua_pop(L, 1))
    if (own_value(L, change, now, lua_tostring(L, -2)) != NULL) missing = lua_tostring(L, -2);
  lua_settop(L, top);
  return missing;
}

/* Was the change at 'change' accepted, and does it not show in 'described'? Names the key. */
static const char *unseen_key (lua_State *L, int change, int described, int results) {
  const char *key;
  int top = lua_gettop(L);
  lua_getfield(L, results, field(L, change, "name"));
  if (field(L, -1, "name") == NULL || lua_getfield(L, -1, "error") != LUA_TNIL) {
    lua_settop(L, top);
    return NULL;
  }
  push_configs(L, change, described);
  key = lua_isnil(L, -1) ? "the whole resource" : missing_key(L, change, lua_gettop(L));
  lua_settop(L, top);
  return key;
}

/* Counts the accepted changes that do not show; with 'give_up' they get an error. */
static int count_unseen (lua_State *L, int list, int described, int results, bool give_up) {
  int change = lua_gettop(L) + 1;
  int unseen = 0;
  for (lua_Integer i = 1, n = (lua_Integer)lua_rawlen(L, list); i <= n; i++) {
    const char *key;
    lua_rawgeti(L, list, i);
    key = unseen_key(L, change, described, results);
    if (key != NULL) unseen++;
    if (key != NULL && give_up) {
      const char *name = field(L, change, "name");
      dm_error_push(L, RD_KAFKA_RESP_ERR__TIMED_OUT,
                    "%s: the broker took the change, but '%s' does not show it yet", name, key);
      set_error(L, results, name);
    }
    lua_settop(L, change - 1);
  }
  return unseen;
}

/* Describes until every accepted change shows. */
static void confirm (lua_State *L, const dm_admin_call *call, int list, int results) {
  int described = lua_gettop(L) + 1;
  for (;;) {
    bool over = dm_deadline_left(call->deadline) <= LOOK_MS;
    if (!dm_configs_describe(L, call, list)) {
      lua_settop(L, described - 1);
      lua_newtable(L); /* nothing shows */
      over = true;
    }
    if (count_unseen(L, list, described, results, over) == 0 || over) break;
    lua_settop(L, described - 1);
    dm_admin_pause(L, call, LOOK_MS);
  }
  lua_settop(L, described - 1);
}

bool dm_merge_alter (lua_State *L, const dm_admin_call *call, int list) {
  int results = lua_gettop(L) + 1;
  lua_newtable(L);
  if (!dm_configs_describe(L, call, list)) return false;
  prepare(L, list, results + 1, results);
  lua_settop(L, results);
  if (!dm_resource_run(L, call, &alter_operation, list, results, fill_merged)) return false;
  if (!call->validate_only) confirm(L, call, list, results);
  return true;
}
