/* SPDX-License-Identifier: MIT */
#include "kafka/conf.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/error.h"
#include "kafka/option.h"
#include "kafka/security.h"
#include "kafka/state.h"

#define CLIENT_ID_LETTERS \
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

static const dm_preset common[] = {
  { "client.id", "docmsg-lua" },
  { NULL, NULL },
};

static const dm_preset forced[] = {
  { "allow.auto.create.topics", "false" },
  { NULL, NULL },
};

static void set_presets (lua_State *L, const dm_preset *presets) {
  for (; presets->name != NULL; presets++) {
    lua_pushstring(L, presets->value);
    lua_setfield(L, -2, presets->name);
  }
}

/* Takes the property out of the table at idx where it has another name: a default that is replaced. */
static void drop_synonyms (lua_State *L, int idx, const char *name) {
  idx = lua_absindex(L, idx);
  for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
    const char *other = lua_tostring(L, -2);
    if (strcmp(other, name) == 0 || !dm_property_is_same(L, other, name)) continue;
    lua_pushvalue(L, -2);
    lua_pushnil(L);
    lua_rawset(L, idx);
  }
}

/* Raises when the table at idx has the property under another name, too. */
static void check_synonyms (lua_State *L, int idx, const char *what, const char *name) {
  for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
    const char *other = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : name;
    if (strcmp(other, name) != 0 && dm_property_is_same(L, other, name))
      luaL_error(L, "%s: '%s' and '%s' are the same property: set one of them", what,
                 strcmp(name, other) < 0 ? name : other, strcmp(name, other) < 0 ? other : name);
  }
}

/* Copies the properties in the table at idx to the one on the top of the stack. The state's
** defaults serve clients of every kind, so what does not apply to this one is passed over;
** what is asked of this client must apply to it. */
static void add_properties (lua_State *L, int idx, const char *what, dm_scope scope, int strict) {
  for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
    const char *name;
    if (lua_type(L, -2) != LUA_TSTRING)
      luaL_error(L, "%s: kafka: property names are strings, got a %s", what, luaL_typename(L, -2));
    name = lua_tostring(L, -2);
    dm_property_push_text(L, -1, what, name);
    if (dm_property_applies(L, name, scope)) {
      check_synonyms(L, idx, what, name);
      drop_synonyms(L, -4, name);
      lua_setfield(L, -4, name);
    }
    else if (strict) luaL_error(L, "%s: '%s' is a property of another kind of client", what, name);
    else lua_pop(L, 1);
  }
}

static void push_list (lua_State *L, int idx) {
  luaL_Buffer servers;
  lua_Integer n = (lua_Integer)lua_rawlen(L, idx);
  luaL_buffinit(L, &servers);
  for (lua_Integer i = 1; i <= n; i++) {
    if (i > 1) luaL_addchar(&servers, ',');
    lua_rawgeti(L, idx, i);
    luaL_addvalue(&servers);
  }
  luaL_pushresult(&servers);
}

/* Pushes the comma list of the strings at idx: a string or a list. */
static void push_servers (lua_State *L, int idx, const char *what) {
  idx = lua_absindex(L, idx);
  if (lua_istable(L, idx)) {
    if (lua_rawlen(L, idx) == 0) luaL_error(L, "%s: bootstrap_servers: the list is empty", what);
    push_list(L, idx);
  }
  else lua_pushvalue(L, idx);
  if (lua_rawlen(L, -1) == 0) luaL_error(L, "%s: bootstrap_servers is empty", what);
}

static void push_default_servers (lua_State *L) {
  const char *environment = getenv("KAFKA_BOOTSTRAP_SERVERS");
  dm_state_push_table(L, "defaults");
  if (lua_getfield(L, -1, "bootstrap_servers") == LUA_TNIL) {
    lua_pop(L, 1);
    lua_pushstring(L, environment != NULL && *environment ? environment : "localhost:9092");
  }
  lua_remove(L, -2);
}

/* Sets bootstrap.servers in the table on the top of the stack. */
static void set_servers (lua_State *L, int idx, const char *what) {
  if (lua_getfield(L, idx, "bootstrap_servers") == LUA_TNIL) {
    lua_pop(L, 1);
    push_default_servers(L);
  }
  else {
    push_servers(L, -1, what);
    lua_remove(L, -2);
  }
  lua_setfield(L, -2, "bootstrap.servers");
}

/* Pushes the table of default properties. */
static void push_default_properties (lua_State *L) {
  dm_state_push_table(L, "defaults");
  if (lua_getfield(L, -1, "kafka") == LUA_TNIL) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "kafka");
  }
  lua_remove(L, -2);
}

/* librdkafka writes the client id into log lines and statistics unescaped. */
static void check_client_id (lua_State *L, const char *what) {
  const char *id;
  lua_getfield(L, -1, "client.id");
  id = lua_tostring(L, -1);
  if (*id == '\0' || strlen(id) > 200 || id[strspn(id, CLIENT_ID_LETTERS)] != '\0')
    luaL_error(L, "%s: client_id: 1 to 200 letters, digits, '.', '_' or '-' expected", what);
  lua_pop(L, 1);
}

void dm_conf_collect (lua_State *L, int idx, const char *what, dm_scope scope,
                      const dm_preset *presets) {
  idx = lua_absindex(L, idx);
  luaL_checkstack(L, 12, what);
  lua_newtable(L);
  set_presets(L, common);
  set_presets(L, presets);
  push_default_properties(L);
  lua_insert(L, -2);
  add_properties(L, lua_gettop(L) - 1, what, scope, 0);
  if (lua_getfield(L, idx, "kafka") == LUA_TTABLE) {
    lua_insert(L, -2);
    add_properties(L, lua_gettop(L) - 1, what, scope, 1);
  }
  else lua_insert(L, -2);
  set_servers(L, idx, what);
  dm_conf_set_id(L, idx, what, "client_id", "client.id");
  check_client_id(L, what);
  dm_security_settle(L, idx, what);
  set_presets(L, forced);
  lua_replace(L, -3);
  lua_pop(L, 1);
}

void dm_conf_set_id (lua_State *L, int idx, const char *what, const char *field,
                     const char *property) {
  size_t len;
  const char *id;
  if (lua_getfield(L, idx, field) == LUA_TNIL) {
    lua_pop(L, 1);
    return;
  }
  id = lua_tolstring(L, -1, &len);
  if (len == 0 || len > 255) luaL_error(L, "%s: %s: 1 to 255 bytes expected", what, field);
  for (size_t i = 0; i < len; i++)
    if (iscntrl((unsigned char)id[i]))
      luaL_error(L, "%s: %s: byte %I is a control character", what, field, (lua_Integer)i + 1);
  lua_setfield(L, -2, property);
}

/* librdkafka's reason, without the value when that is a secret. */
static void push_rejection (lua_State *L, const char *name, const char *reason) {
  if (dm_property_is_secret(name))
    dm_error_return(L, RD_KAFKA_RESP_ERR__INVALID_ARG, "'%s' was refused (the value is not shown)",
                    name);
  else dm_error_return(L, RD_KAFKA_RESP_ERR__INVALID_ARG, "%s", reason);
}

rd_kafka_conf_t *dm_conf_build (lua_State *L, int idx) {
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  char reason[512];
  idx = lua_absindex(L, idx);
  for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
    const char *name = lua_tostring(L, -2);
    if (rd_kafka_conf_set(conf, name, lua_tostring(L, -1), reason, sizeof reason) ==
        RD_KAFKA_CONF_OK)
      continue;
    rd_kafka_conf_destroy(conf);
    push_rejection(L, name, reason);
    return NULL;
  }
  return conf;
}

bool dm_conf_is_cooperative_safe (void) {
  return rd_kafka_version() >= 0x020601ff;
}

const char *dm_conf_default_strategy (void) {
  return dm_conf_is_cooperative_safe() ? "cooperative-sticky" : "range,roundrobin";
}

/* Pushes the texts of the properties in the table at idx. */
static void push_texts (lua_State *L, int idx) {
  lua_newtable(L);
  for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING)
      luaL_error(L, "kafka.defaults: kafka: property names are strings, got a %s",
                 luaL_typename(L, -2));
    check_synonyms(L, idx, "kafka.defaults", lua_tostring(L, -2));
    dm_property_push_text(L, -1, "kafka.defaults", lua_tostring(L, -2));
    lua_setfield(L, -4, lua_tostring(L, -3));
  }
}

/* Everything is read before anything is set: a refused call changes nothing. */
static void set_defaults (lua_State *L) {
  int servers, properties;
  lua_getfield(L, 1, "bootstrap_servers");
  if (!lua_isnil(L, -1)) push_servers(L, -1, "kafka.defaults");
  servers = lua_gettop(L);
  lua_getfield(L, 1, "kafka");
  if (!lua_isnil(L, -1)) push_texts(L, lua_gettop(L));
  properties = lua_gettop(L);
  dm_state_push_table(L, "defaults");
  if (lua_getfield(L, 1, "insecure_tls") != LUA_TNIL) lua_setfield(L, -2, "insecure_tls");
  else lua_pop(L, 1);
  if (!lua_isnil(L, servers)) {
    lua_pushvalue(L, servers);
    lua_setfield(L, -2, "bootstrap_servers");
  }
  if (!lua_isnil(L, properties)) {
    lua_pushvalue(L, properties);
    lua_setfield(L, -2, "kafka");
  }
  lua_settop(L, 1);
}

/* Pushes a copy, so that only kafka.defaults can change what is kept. A session prints what it is
** given, so secrets are left out of it. */
static void push_properties_copy (lua_State *L) {
  push_default_properties(L);
  lua_newtable(L);
  for (lua_pushnil(L); lua_next(L, -3);) {
    if (dm_property_is_secret(lua_tostring(L, -2))) {
      lua_pop(L, 1);
      lua_pushliteral(L, "(not shown)");
    }
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -4);
  }
  lua_remove(L, -2);
}

int dm_conf_defaults_lua (lua_State *L) {
  static const dm_option options[] = {
    { "bootstrap_servers", DM_OPTION_STRINGS, 0, 0 },
    { "insecure_tls", DM_OPTION_BOOLEAN, 0, 0 },
    { "kafka", DM_OPTION_TABLE, 0, 0 },
    { NULL, DM_OPTION_ANY, 0, 0 },
  };
  lua_settop(L, 1);
  if (!lua_isnil(L, 1)) {
    dm_option_check(L, 1, "kafka.defaults", options);
    set_defaults(L);
  }
  lua_newtable(L);
  push_default_servers(L);
  lua_setfield(L, -2, "bootstrap_servers");
  push_properties_copy(L);
  lua_setfield(L, -2, "kafka");
  if (dm_security_insecure_default(L)) {
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "insecure_tls");
  }
  return 1;
}
