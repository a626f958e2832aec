/* SPDX-License-Identifier: MIT */
#include "kafka/record.h"

#include <lauxlib.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "kafka/offsets.h"
#include "kafka/option.h"

static const char *const fields[] = { "headers", "key", "partition", "timestamp", "topic",
                                      "value" };

#define FIELDS (sizeof fields / sizeof fields[0])

static const char *field_at (const void *names, size_t i) {
  return ((const char *const *)names)[i];
}

static void unknown (lua_State *L) {
  const char *name, *nearest;
  if (lua_type(L, -2) != LUA_TSTRING)
    luaL_error(L, "record: fields are named, got a %s key", luaL_typename(L, -2));
  name = lua_tostring(L, -2);
  nearest = dm_nearest(name, fields, FIELDS, field_at);
  if (nearest != NULL)
    luaL_error(L, "record: unknown field '%s'; did you mean '%s'?", name, nearest);
  luaL_error(L, "record: unknown field '%s'", name);
}

/* The bytes of the string on the top of the stack. */
static const char *check_bytes (lua_State *L, const char *name, size_t *size) {
  if (lua_type(L, -1) != LUA_TSTRING)
    luaL_error(L, "record: %s: string expected, got %s", name, luaL_typename(L, -1));
  return lua_tolstring(L, -1, size);
}

static int64_t check_timestamp (lua_State *L) {
  int exact;
  lua_Integer ms = lua_tointegerx(L, -1, &exact);
  if (lua_type(L, -1) != LUA_TNUMBER || !exact)
    luaL_error(L, "record: timestamp: integer milliseconds expected, got %s",
               luaL_typename(L, -1));
  if (ms <= 0) luaL_error(L, "record: timestamp: %I is not after 1970", ms);
  return ms;
}

/* One {name, value} on the top of the stack. */
static void check_header (lua_State *L, lua_Integer i) {
  int value;
  if (!lua_istable(L, -1))
    luaL_error(L, "record: headers[%I]: {name, value} expected, got %s", i, luaL_typename(L, -1));
  if (lua_rawgeti(L, -1, 1) != LUA_TSTRING)
    luaL_error(L, "record: headers[%I]: name: string expected, got %s", i, luaL_typename(L, -1));
  if (strlen(lua_tostring(L, -1)) != lua_rawlen(L, -1))
    luaL_error(L, "record: headers[%I]: the name has a NUL byte inside", i);
  value = lua_rawgeti(L, -2, 2);
  if (value != LUA_TSTRING && value != LUA_TNIL)
    luaL_error(L, "record: headers[%I]: value: string or nil expected, got %s", i,
               luaL_typename(L, -1));
  lua_pop(L, 2);
}

/* All headers are checked before the first is made: making them must not raise. */
static int check_headers (lua_State *L) {
  lua_Integer n;
  if (!lua_istable(L, -1))
    luaL_error(L, "record: headers: list of {name, value} expected, got %s",
               luaL_typename(L, -1));
  n = (lua_Integer)lua_rawlen(L, -1);
  if (n == 0 && (lua_pushnil(L), lua_next(L, -2)))
    luaL_error(L, "record: headers: an ordered list { { \"name\", \"value\" } } expected, "
                  "got named fields");
  if (n > INT_MAX) luaL_error(L, "record: headers: too many");
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, -1, i);
    check_header(L, i);
    lua_pop(L, 1);
  }
  return (int)n;
}

static void read_topic (lua_State *L, dm_record *record) {
  record->topic = dm_topic_check(L, -1, "record");
  record->topic_size = lua_rawlen(L, -1);
}

static bool is (const char *name, const char *field) {
  return *name == *field && strcmp(name, field) == 0;
}

/* Reads the field whose name and value are on the top of the stack. The fields of nearly every
** record come first. */
static void read_field (lua_State *L, dm_record *record) {
  const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
  if (is(name, "value")) record->value = check_bytes(L, name, &record->value_size);
  else if (is(name, "key")) record->key = check_bytes(L, name, &record->key_size);
  else if (is(name, "topic")) read_topic(L, record);
  else if (is(name, "headers")) record->headers = check_headers(L);
  else if (is(name, "timestamp")) record->timestamp = check_timestamp(L);
  else if (is(name, "partition")) record->partition = dm_partition_check(L, -1, "record");
  else unknown(L);
}

void dm_record_read (lua_State *L, int idx, dm_record *record) {
  idx = lua_absindex(L, idx);
  memset(record, 0, sizeof *record);
  record->partition = RD_KAFKA_PARTITION_UA;
  luaL_checktype(L, idx, LUA_TTABLE);
  luaL_checkstack(L, 8, "record");
  for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) read_field(L, record);
  if (record->topic == NULL) luaL_error(L, "record: topic: string expected, got nil");
}

rd_kafka_headers_t *dm_record_headers (lua_State *L, int idx, const dm_record *record) {
  rd_kafka_headers_t *headers = rd_kafka_headers_new((size_t)record->headers);
  lua_pushvalue(L, idx);
  for (int i = 1; i <= record->headers; i++) {
    size_t name_size, value_size = 0;
    const char *name, *value;
    lua_rawgeti(L, -1, i);
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    name = lua_tolstring(L, -2, &name_size);
    value = lua_tolstring(L, -1, &value_size);
    rd_kafka_header_add(headers, name, (ssize_t)name_size, value, (ssize_t)value_size);
    lua_pop(L, 3);
  }
  lua_pop(L, 1);
  return headers;
}
