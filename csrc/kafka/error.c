/* SPDX-License-Identifier: MIT */
#include "kafka/error.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#define ERROR_TYPE "docmsg.Error"

/* What to do about the errors that people meet first. */
static const struct { rd_kafka_resp_err_t code; const char *hint; } hints[] = {
  { RD_KAFKA_RESP_ERR__TRANSPORT,
    "is a broker running there? `docmsg-lua --embedded` tries things without one" },
  { RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN,
    "is a broker running there? `docmsg-lua --embedded` tries things without one" },
  { RD_KAFKA_RESP_ERR__RESOLVE, "check the host name in bootstrap_servers" },
  { RD_KAFKA_RESP_ERR__SSL, "check ssl.ca.location and that the certificate names this host" },
  { RD_KAFKA_RESP_ERR__AUTHENTICATION, "check sasl.mechanism, sasl.username and sasl.password" },
  { RD_KAFKA_RESP_ERR__QUEUE_FULL,
    "the broker is slower than the sender: raise queue_timeout, or look why nothing is delivered" },
  { RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
    "raise message.max.bytes here and max.message.bytes of the topic, or send a reference" },
  { RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, "create the topic first: topics are never auto-created" },
  { RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
    "create the topic first: topics are never auto-created" },
  { RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR,
    "there are fewer brokers than replicas: lower the replication factor" },
  { RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP, "stop the group's members first" },
};

static const char *hint_of (rd_kafka_resp_err_t code) {
  for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++)
    if (hints[i].code == code) return hints[i].hint;
  return NULL;
}

/* librdkafka tells this of rd_kafka_error_t only; the codes that a repeated call may cure. */
static bool is_retriable (rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__IN_PROGRESS:
    case RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_NOT_CONTROLLER:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED:
      return true;
    default:
      return false;
  }
}

static void set_flag (lua_State *L, const char *name, bool value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, name);
}

/* Replaces the message on the top of the stack by an error object around it. */
static void wrap (lua_State *L, rd_kafka_resp_err_t code) {
  lua_createtable(L, 0, 7);
  lua_insert(L, -2);
  lua_setfield(L, -2, "message");
  lua_pushinteger(L, code);
  lua_setfield(L, -2, "code");
  lua_pushstring(L, rd_kafka_err2name(code));
  lua_setfield(L, -2, "name");
  lua_pushstring(L, hint_of(code));
  lua_setfield(L, -2, "hint");
  set_flag(L, "retriable", is_retriable(code));
  set_flag(L, "fatal", code == RD_KAFKA_RESP_ERR__FATAL);
  set_flag(L, "abortable", false);
  luaL_setmetatable(L, ERROR_TYPE);
}

static void push_message (lua_State *L, rd_kafka_resp_err_t code, const char *format,
                          va_list args) {
  if (format != NULL) lua_pushvfstring(L, format, args);
  else lua_pushstring(L, rd_kafka_err2str(code));
}

void dm_error_push (lua_State *L, rd_kafka_resp_err_t code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  push_message(L, code, format, args);
  va_end(args);
  wrap(L, code);
}

int dm_error_return (lua_State *L, rd_kafka_resp_err_t code, const char *format, ...) {
  va_list args;
  lua_pushnil(L);
  va_start(args, format);
  push_message(L, code, format, args);
  va_end(args);
  wrap(L, code);
  return 2;
}

int dm_error_take (lua_State *L, rd_kafka_error_t *error) {
  rd_kafka_resp_err_t code = rd_kafka_error_code(error);
  bool retriable = rd_kafka_error_is_retriable(error);
  bool fatal = rd_kafka_error_is_fatal(error);
  bool abortable = rd_kafka_error_txn_requires_abort(error);
  char message[512];
  strncpy(message, rd_kafka_error_string(error), sizeof message - 1);
  message[sizeof message - 1] = '\0';
  rd_kafka_error_destroy(error); /* before Lua can raise for want of memory */
  lua_pushnil(L);
  lua_pushstring(L, message);
  wrap(L, code);
  set_flag(L, "retriable", retriable);
  set_flag(L, "fatal", fatal);
  set_flag(L, "abortable", abortable);
  return 2;
}

void dm_error_hint (lua_State *L, const char *format, ...) {
  va_list args;
  va_start(args, format);
  lua_pushvfstring(L, format, args);
  va_end(args);
  lua_setfield(L, -2, "hint");
}

int dm_error_blame (lua_State *L, const char *trouble) {
  if (*trouble != '\0') dm_error_hint(L, "the last trouble was: %s", trouble);
  return 2;
}

void dm_error_fatal (lua_State *L) {
  set_flag(L, "fatal", true);
}

static int error_tostring (lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_getfield(L, 1, "message");
  lua_getfield(L, 1, "name");
  lua_getfield(L, 1, "hint");
  luaL_tolstring(L, -3, NULL);
  luaL_tolstring(L, -3, NULL);
  if (lua_isstring(L, -3)) {
    luaL_tolstring(L, -3, NULL);
    lua_pushfstring(L, "%s (%s): %s", lua_tostring(L, -3), lua_tostring(L, -2),
                    lua_tostring(L, -1));
  }
  else lua_pushfstring(L, "%s (%s)", lua_tostring(L, -2), lua_tostring(L, -1));
  return 1;
}

void dm_error_open (lua_State *L) {
  luaL_newmetatable(L, ERROR_TYPE);
  lua_pushcfunction(L, error_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pop(L, 1);
}
