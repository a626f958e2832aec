/* SPDX-License-Identifier: MIT */
#include "kafka/offsets.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/error.h"
#include "kafka/job.h"
#include "kafka/message.h"

#define TOPIC_MAX 249

const char *dm_topic_check (lua_State *L, int idx, const char *what) {
  size_t len;
  const char *topic;
  if (lua_type(L, idx) != LUA_TSTRING)
    luaL_error(L, "%s: topic: string expected, got %s", what, luaL_typename(L, idx));
  topic = lua_tolstring(L, idx, &len);
  if (len == 0 || len > TOPIC_MAX)
    luaL_error(L, "%s: topic: a name has 1 to %d bytes, this one has %I", what, TOPIC_MAX,
               (lua_Integer)len);
  if (strlen(topic) != len) luaL_error(L, "%s: topic: the name has a NUL byte inside", what);
  return topic;
}

int32_t dm_partition_check (lua_State *L, int idx, const char *what) {
  int exact;
  lua_Integer n = lua_tointegerx(L, idx, &exact);
  if (lua_type(L, idx) != LUA_TNUMBER || !exact)
    luaL_error(L, "%s: partition: integer expected, got %s", what, luaL_typename(L, idx));
  if (n < 0 || n > INT32_MAX)
    luaL_error(L, "%s: partition: %I is not within 0..2147483647", what, n);
  return (int32_t)n;
}

static void list_cleanup (void *block) {
  rd_kafka_topic_partition_list_t **list = block;
  if (*list != NULL) rd_kafka_topic_partition_list_destroy(*list);
}

rd_kafka_topic_partition_list_t **dm_offsets_box (lua_State *L) {
  return dm_job_push_scoped(L, sizeof(rd_kafka_topic_partition_list_t *), list_cleanup);
}

static int64_t named_offset (lua_State *L, const char *what, dm_offset_rule rule) {
  const char *name = lua_tostring(L, -1);
  if (rule != DM_OFFSET_NEXT && strcmp(name, "earliest") == 0) return RD_KAFKA_OFFSET_BEGINNING;
  if (rule != DM_OFFSET_NEXT && strcmp(name, "latest") == 0) return RD_KAFKA_OFFSET_END;
  if (rule == DM_OFFSET_OPTIONAL && strcmp(name, "committed") == 0) return RD_KAFKA_OFFSET_STORED;
  return luaL_error(L, "%s: offset: '%s' is not possible here", what, name);
}

/* The offset on the top of the stack. */
static int64_t check_offset (lua_State *L, const char *what, dm_offset_rule rule) {
  int exact;
  lua_Integer n;
  if (rule == DM_OFFSET_NONE) return RD_KAFKA_OFFSET_INVALID;
  if (rule == DM_OFFSET_OPTIONAL && lua_isnil(L, -1)) return RD_KAFKA_OFFSET_STORED;
  if (lua_type(L, -1) == LUA_TSTRING) return named_offset(L, what, rule);
  n = lua_tointegerx(L, -1, &exact);
  if (lua_type(L, -1) != LUA_TNUMBER || !exact)
    luaL_error(L, "%s: offset: integer expected, got %s", what, luaL_typename(L, -1));
  if (n < 0) luaL_error(L, "%s: offset: %I is negative", what, n);
  return n;
}

static void set_metadata (lua_State *L, rd_kafka_topic_partition_t *entry, const char *what) {
  size_t len;
  const char *metadata;
  if (lua_isnil(L, -1)) return;
  if (lua_type(L, -1) != LUA_TSTRING)
    luaL_error(L, "%s: metadata: string expected, got %s", what, luaL_typename(L, -1));
  metadata = lua_tolstring(L, -1, &len);
  free(entry->metadata);
  entry->metadata_size = 0;
  entry->metadata = malloc(len + 1); /* it may have NUL bytes inside */
  if (entry->metadata == NULL) luaL_error(L, "not enough memory");
  memcpy(entry->metadata, metadata, len + 1);
  entry->metadata_size = len;
}

/* The entry of a partition. In a list of next offsets each has one, the furthest: whoever is done
** with a batch names all its messages. */
static rd_kafka_topic_partition_t *entry_for (rd_kafka_topic_partition_list_t *list,
                                              const char *topic, int32_t partition,
                                              dm_offset_rule rule) {
  rd_kafka_topic_partition_t *entry = NULL;
  if (rule == DM_OFFSET_NEXT) entry = rd_kafka_topic_partition_list_find(list, topic, partition);
  return entry != NULL ? entry : rd_kafka_topic_partition_list_add(list, topic, partition);
}

/* Adds the table on the top of the stack. */
static void read_table (lua_State *L, rd_kafka_topic_partition_list_t *list, const char *what,
                        dm_offset_rule rule) {
  rd_kafka_topic_partition_t *entry;
  const char *topic;
  int32_t partition;
  int64_t offset;
  lua_getfield(L, -1, "topic");
  topic = dm_topic_check(L, -1, what);
  lua_getfield(L, -2, "partition");
  partition = dm_partition_check(L, -1, what);
  entry = entry_for(list, topic, partition, rule);
  lua_getfield(L, -3, "offset");
  offset = check_offset(L, what, rule);
  if (offset > entry->offset || rule != DM_OFFSET_NEXT) entry->offset = offset;
  lua_getfield(L, -4, "metadata");
  if (rule != DM_OFFSET_NONE) set_metadata(L, entry, what);
  lua_pop(L, 4);
}

/* Adds the message on the top of the stack: done with it means the next one is due. */
static void read_message (lua_State *L, rd_kafka_topic_partition_list_t *list,
                          dm_offset_rule rule) {
  const rd_kafka_message_t *message = dm_message_check(L, -1);
  int64_t offset = message->offset + (rule == DM_OFFSET_NEXT);
  rd_kafka_topic_partition_t *entry =
    entry_for(list, rd_kafka_topic_name(message->rkt), message->partition, rule);
  if (rule != DM_OFFSET_NONE && offset > entry->offset) entry->offset = offset;
}

rd_kafka_topic_partition_list_t *dm_offsets_read (lua_State *L, int idx, const char *what,
                                                  dm_offset_rule rule) {
  rd_kafka_topic_partition_list_t **list;
  lua_Integer n;
  idx = lua_absindex(L, idx);
  luaL_checkstack(L, 8, what);
  if (!lua_istable(L, idx))
    luaL_error(L, "%s: list expected, got %s", what, luaL_typename(L, idx));
  n = (lua_Integer)lua_rawlen(L, idx);
  if (n == 0 && lua_getfield(L, idx, "topic") != LUA_TNIL)
    luaL_error(L, "%s: expected a list of tables, such as { { topic = ..., partition = ... } }",
               what);
  lua_settop(L, lua_gettop(L) - (n == 0));
  list = dm_offsets_box(L);
  *list = rd_kafka_topic_partition_list_new((int)n);
  for (lua_Integer i = 1; i <= n; i++) {
    if (lua_rawgeti(L, idx, i) == LUA_TTABLE) read_table(L, *list, what, rule);
    else if (dm_message_test(L, -1)) read_message(L, *list, rule);
    else luaL_error(L, "%s[%I]: table expected, got %s", what, i, luaL_typename(L, -1));
    lua_pop(L, 1);
  }
  return *list;
}

static void push_place (lua_State *L, const rd_kafka_topic_partition_t *entry) {
  lua_createtable(L, 0, 4);
  lua_pushstring(L, entry->topic);
  lua_setfield(L, -2, "topic");
  lua_pushinteger(L, entry->partition);
  lua_setfield(L, -2, "partition");
}

void dm_offsets_push_partitions (lua_State *L, const rd_kafka_topic_partition_list_t *list) {
  int n = list != NULL ? list->cnt : 0;
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    push_place(L, &list->elems[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

void dm_offsets_push (lua_State *L, const rd_kafka_topic_partition_list_t *list) {
  lua_createtable(L, list->cnt, 0);
  for (int i = 0; i < list->cnt; i++) {
    const rd_kafka_topic_partition_t *entry = &list->elems[i];
    push_place(L, entry);
    if (entry->offset >= 0) {
      lua_pushinteger(L, entry->offset);
      lua_setfield(L, -2, "offset");
    }
    if (entry->metadata_size > 0) {
      lua_pushlstring(L, entry->metadata, entry->metadata_size);
      lua_setfield(L, -2, "metadata");
    }
    if (entry->err) {
      dm_error_push(L, entry->err, "%s [%d]: %s", entry->topic, (int)entry->partition,
                    rd_kafka_err2str(entry->err));
      lua_setfield(L, -2, "error");
    }
    lua_rawseti(L, -2, i + 1);
  }
}

int dm_offsets_error (lua_State *L, const rd_kafka_topic_partition_list_t *list,
                      const char *doing) {
  for (int i = 0; i < list->cnt; i++) {
    const rd_kafka_topic_partition_t *entry = &list->elems[i];
    if (entry->err)
      return dm_error_return(L, entry->err, "%s: %s [%d]: %s", doing, entry->topic,
                             (int)entry->partition, rd_kafka_err2str(entry->err));
  }
  return 0;
}

void dm_offsets_check_unique (lua_State *L, const char *what,
                              rd_kafka_topic_partition_list_t *list) {
  rd_kafka_topic_partition_list_sort(list, NULL, NULL);
  for (int i = 1; i < list->cnt; i++) {
    const rd_kafka_topic_partition_t *a = &list->elems[i - 1], *b = &list->elems[i];
    if (a->partition == b->partition && strcmp(a->topic, b->topic) == 0)
      luaL_error(L, "%s: %s [%d] is named twice", what, b->topic, (int)b->partition);
  }
}
