/* SPDX-License-Identifier: MIT */
#include "kafka/message.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/metatable.h"

#define MESSAGE_TYPE "docmsg.Message"
#define HOLD_TYPE "docmsg.Hold"

/* What a record weighs beside its key and value. */
#define RECORD_BYTES 256

struct dm_hold {
  rd_kafka_message_t **records;
  size_t count, room;
  size_t bytes;                 /* payload of the records that were noted */
  rd_kafka_message_t *one;      /* the room of a poll */
  dm_hold *next, **link;        /* in the list of the client */
  dm_state *state;
};

typedef struct dm_message {
  dm_hold *hold;
  size_t index;
} dm_message;

/* -- Holds ------------------------------------------------------------------------------------ */

static size_t weight (const dm_hold *hold) {
  size_t bytes = hold->count * RECORD_BYTES;
  for (size_t i = 0; i < hold->count; i++)
    bytes += hold->records[i]->len + hold->records[i]->key_len;
  return bytes;
}

static void hold_link (dm_hold *hold, dm_message_list *list) {
  hold->next = list->first;
  hold->link = &list->first;
  if (list->first != NULL) list->first->link = &hold->next;
  list->first = hold;
}

static void hold_unlink (dm_hold *hold) {
  *hold->link = hold->next;
  if (hold->next != NULL) hold->next->link = hold->link;
  hold->link = NULL;
}

/* Destroys the records and leaves the list; does nothing the second time. */
static void hold_release (dm_hold *hold) {
  if (hold->link == NULL) return;
  hold_unlink(hold);
  for (size_t i = 0; i < hold->count; i++) rd_kafka_message_destroy(hold->records[i]);
  hold->state->messages -= (int)hold->count;
  hold->state->payload -= hold->bytes;
  if (hold->records != &hold->one) free(hold->records);
  hold->records = NULL;
  hold->count = 0;
}

void dm_hold_drop (dm_hold *hold) {
  hold_release(hold);
}

static int hold_gc (lua_State *L) {
  hold_release(lua_touserdata(L, 1));
  return 0;
}

void dm_message_release_all (dm_message_list *list) {
  while (list->first != NULL) hold_release(list->first);
}

dm_hold *dm_hold_push (lua_State *L, int client, dm_state *state, dm_message_list *list) {
  dm_hold *hold;
  client = lua_absindex(L, client);
  luaL_getmetatable(L, MESSAGE_TYPE);
  hold = lua_newuserdatauv(L, sizeof *hold, 1);
  *hold = (dm_hold){ .records = &hold->one, .room = 1, .state = state };
  luaL_setmetatable(L, HOLD_TYPE);
  lua_pushvalue(L, client);
  lua_setiuservalue(L, -2, 1);
  hold_link(hold, list);
  return hold;
}

/* The records move from the hold to the heap at the second one. */
static void grow (lua_State *L, dm_hold *hold) {
  bool inside = hold->records == &hold->one;
  size_t room = inside ? 64 : hold->room * 2;
  rd_kafka_message_t **records = realloc(inside ? NULL : hold->records, room * sizeof *records);
  if (records == NULL) luaL_error(L, "not enough memory");
  if (inside) records[0] = hold->one;
  hold->records = records;
  hold->room = room;
}

void dm_message_push (lua_State *L, int idx, dm_hold *hold) {
  dm_message *message = lua_newuserdatauv(L, sizeof *message, 1);
  message->hold = hold;
  message->index = hold->count;
  lua_pushvalue(L, idx);
  lua_setiuservalue(L, -2, 1);
  lua_pushvalue(L, idx - 1);
  lua_setmetatable(L, -2);
  if (hold->count == hold->room) grow(L, hold);
}

void dm_hold_take (dm_hold *hold, rd_kafka_message_t *record) {
  hold->records[hold->count++] = record;
  hold->state->messages++;
}

void dm_hold_note (lua_State *L, dm_hold *hold) {
  hold->bytes = weight(hold);
  dm_state_note_payload(L, hold->state, (ptrdiff_t)hold->bytes);
}

/* -- Fields ----------------------------------------------------------------------------------- */

typedef enum field {
  FIELD_TOPIC,
  FIELD_PARTITION,
  FIELD_OFFSET,
  FIELD_KEY,
  FIELD_VALUE,
  FIELD_HEADERS,
  FIELD_TIMESTAMP,
  FIELD_TIMESTAMP_TYPE,
  FIELDS
} field;

static const char *const field_names[FIELDS] = {
  "topic", "partition", "offset", "key", "value", "headers", "timestamp", "timestamp_type",
};

void dm_push_bytes (lua_State *L, const void *bytes, size_t len) {
  if (bytes == NULL) lua_pushnil(L);
  else lua_pushlstring(L, bytes, len);
}

/* The headers, or NULL when there are none. */
static rd_kafka_headers_t *headers_of (lua_State *L, const rd_kafka_message_t *record) {
  rd_kafka_headers_t *headers = NULL;
  rd_kafka_resp_err_t err = rd_kafka_message_headers(record, &headers);
  if (err && err != RD_KAFKA_RESP_ERR__NOENT)
    luaL_error(L, "%s [%d] at %I: the headers cannot be read: %s",
               rd_kafka_topic_name(record->rkt), (int)record->partition,
               (lua_Integer)record->offset, rd_kafka_err2str(err));
  return err ? NULL : headers;
}

void dm_push_headers (lua_State *L, const rd_kafka_message_t *record) {
  const rd_kafka_headers_t *headers = headers_of(L, record);
  size_t n = headers != NULL ? rd_kafka_header_cnt(headers) : 0;
  lua_createtable(L, (int)n, 0);
  for (size_t i = 0; i < n; i++) {
    const char *name;
    const void *value;
    size_t len;
    rd_kafka_header_get_all(headers, i, &name, &value, &len);
    lua_createtable(L, 2, 0);
    lua_pushstring(L, name);
    lua_rawseti(L, -2, 1);
    dm_push_bytes(L, value, len);
    lua_rawseti(L, -2, 2);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static void push_timestamp (lua_State *L, const rd_kafka_message_t *record) {
  rd_kafka_timestamp_type_t type;
  int64_t timestamp = rd_kafka_message_timestamp(record, &type);
  if (type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || timestamp < 0) lua_pushnil(L);
  else lua_pushinteger(L, timestamp);
}

static void push_timestamp_type (lua_State *L, const rd_kafka_message_t *record) {
  rd_kafka_timestamp_type_t type;
  rd_kafka_message_timestamp(record, &type);
  lua_pushstring(L, type == RD_KAFKA_TIMESTAMP_CREATE_TIME       ? "create"
                    : type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME ? "append"
                                                                 : "none");
}

static void push_field (lua_State *L, const rd_kafka_message_t *record, field which) {
  switch (which) {
    case FIELD_TOPIC: lua_pushstring(L, rd_kafka_topic_name(record->rkt)); break;
    case FIELD_PARTITION: lua_pushinteger(L, record->partition); break;
    case FIELD_OFFSET: lua_pushinteger(L, record->offset); break;
    case FIELD_KEY: dm_push_bytes(L, record->key, record->key_len); break;
    case FIELD_VALUE: dm_push_bytes(L, record->payload, record->len); break;
    case FIELD_HEADERS: dm_push_headers(L, record); break;
    case FIELD_TIMESTAMP: push_timestamp(L, record); break;
    case FIELD_TIMESTAMP_TYPE: push_timestamp_type(L, record); break;
    case FIELDS: lua_pushnil(L); break;
  }
}

/* -- Messages --------------------------------------------------------------------------------- */

/* The record, or NULL when it was released. */
static const rd_kafka_message_t *record_of (const dm_message *message) {
  const dm_hold *hold = message->hold;
  return message->index < hold->count ? hold->records[message->index] : NULL;
}

static const rd_kafka_message_t *check_record (lua_State *L, const dm_message *message) {
  const rd_kafka_message_t *record = record_of(message);
  if (record == NULL) luaL_error(L, "message released: its consumer was closed or has gone on");
  return record;
}

bool dm_message_test (lua_State *L, int idx) {
  return luaL_testudata(L, idx, MESSAGE_TYPE) != NULL;
}

const rd_kafka_message_t *dm_message_check (lua_State *L, int idx) {
  return check_record(L, luaL_checkudata(L, idx, MESSAGE_TYPE));
}

/* The path of every field: the metatable is compared as a value, not looked up by its name.
** Upvalue 1 maps a field to its number and a method to its function; upvalue 2 is the metatable. */
static int message_index (lua_State *L) {
  const dm_message *message = lua_touserdata(L, 1);
  const rd_kafka_message_t *record;
  if (message == NULL || !lua_getmetatable(L, 1) || !lua_rawequal(L, -1, lua_upvalueindex(2)))
    return luaL_typeerror(L, 1, MESSAGE_TYPE);
  record = check_record(L, message);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNUMBER)
    push_field(L, record, (field)lua_tointeger(L, -1));
  return 1;
}

static int message_header (lua_State *L) {
  const rd_kafka_message_t *record = dm_message_check(L, 1);
  size_t len, size;
  const char *name = luaL_checklstring(L, 2, &len);
  const void *value;
  rd_kafka_headers_t *headers = headers_of(L, record);
  bool found = headers != NULL && strlen(name) == len &&
               rd_kafka_header_get_last(headers, name, &value, &size) == 0;
  if (found) dm_push_bytes(L, value, size);
  else lua_pushnil(L);
  lua_pushboolean(L, found);
  return 2;
}

static int message_copy (lua_State *L) {
  const rd_kafka_message_t *record = dm_message_check(L, 1);
  lua_createtable(L, 0, FIELDS);
  for (int i = 0; i < FIELDS; i++) {
    push_field(L, record, (field)i);
    lua_setfield(L, -2, field_names[i]);
  }
  return 1;
}

static int message_tostring (lua_State *L) {
  const rd_kafka_message_t *record = record_of(luaL_checkudata(L, 1, MESSAGE_TYPE));
  if (record == NULL) lua_pushliteral(L, MESSAGE_TYPE " (released)");
  else
    lua_pushfstring(L, MESSAGE_TYPE " (%s [%d] at %I)", rd_kafka_topic_name(record->rkt),
                    (int)record->partition, (lua_Integer)record->offset);
  return 1;
}

/* Pushes what message_index looks names up in. */
static void push_fields (lua_State *L) {
  static const luaL_Reg methods[] = {
    { "copy", message_copy },
    { "header", message_header },
    { NULL, NULL },
  };
  luaL_newlib(L, methods);
  for (int i = 0; i < FIELDS; i++) {
    lua_pushinteger(L, i);
    lua_setfield(L, -2, field_names[i]);
  }
}

void dm_message_open (lua_State *L) {
  dm_metatable_new(L, HOLD_TYPE);
  lua_pushcfunction(L, hold_gc);
  lua_setfield(L, -2, "__gc");
  dm_metatable_new(L, MESSAGE_TYPE);
  push_fields(L);
  lua_pushvalue(L, -2);
  lua_pushcclosure(L, message_index, 2);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, message_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pop(L, 2);
}
