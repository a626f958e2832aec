/* SPDX-License-Identifier: MIT */
#include "runtime/work_lua.h"

#include <lauxlib.h>
#include <string.h>

#include "base/metatable.h"
#include "kafka/clock.h"
#include "kafka/message.h"
#include "runtime/emit_lua.h"
#include "runtime/handler.h"
#include "runtime/seat.h"

#define WORK_TYPE "docmsg.Work"

typedef enum field {
  FIELD_TOPIC,
  FIELD_PARTITION,
  FIELD_OFFSET,
  FIELD_KEY,
  FIELD_VALUE,
  FIELD_TIMESTAMP,
  FIELD_ATTEMPT,
  FIELDS
} field;

static const char *const field_names[FIELDS] = {
  "topic", "partition", "offset", "key", "value", "timestamp", "attempt",
};

typedef struct work_box {
  dm_handler *handler;    /* NULL: it has ended */
  const struct work_box *main; /* of a kept record: the box of its handler; else NULL */
  dm_work *kept;
  unsigned batch;         /* the one that it is kept for */
} work_box;

/* User value of the box of a kept record: the main one. */
#define WORK_MAIN 1

/* The upvalue of each method: the metatable. */
enum { METHOD_OWN = 1 };

/* Those of __index: a table from a field to its number and from a method to its function, and the
** metatable. */
enum { INDEX_FIELDS = 1, INDEX_OWN };

/* -- Fields ----------------------------------------------------------------------------------- */

static void push_field (lua_State *L, const dm_work *work, field which) {
  const rd_kafka_message_t *message = work->message;
  int64_t timestamp;
  switch (which) {
    case FIELD_TOPIC: lua_pushstring(L, work->seat->topic); break;
    case FIELD_PARTITION: lua_pushinteger(L, message->partition); break;
    case FIELD_OFFSET: lua_pushinteger(L, message->offset); break;
    case FIELD_KEY: dm_push_bytes(L, message->key, message->key_len); break;
    case FIELD_VALUE: dm_push_bytes(L, message->payload, message->len); break;
    case FIELD_TIMESTAMP:
      timestamp = rd_kafka_message_timestamp(message, NULL);
      if (timestamp < 0) lua_pushnil(L);
      else lua_pushinteger(L, timestamp);
      break;
    case FIELD_ATTEMPT: lua_pushinteger(L, work->entry.attempt); break;
    case FIELDS: lua_pushnil(L); break;
  }
}

static dm_handler *handler_of (const work_box *box) {
  return box->main != NULL ? box->main->handler : box->handler;
}

/* The record of the box, or NULL. */
static dm_work *work_of (const work_box *box) {
  const dm_handler *handler = handler_of(box);
  if (handler == NULL) return NULL;
  if (box->main == NULL) return handler->work;
  return box->batch == handler->batch ? box->kept : NULL;
}

static int released (lua_State *L) {
  return luaL_error(L, "event released: its handler has returned");
}

/* The box of the docmsg.Work at 1, for functions that have its metatable as their upvalue 'own': it
** is compared as a value, not looked up by its name. */
static const work_box *check_box (lua_State *L, int own) {
  const work_box *box = lua_touserdata(L, 1);
  if (box == NULL || !lua_getmetatable(L, 1) || !lua_rawequal(L, -1, lua_upvalueindex(own)))
    luaL_typeerror(L, 1, WORK_TYPE);
  lua_pop(L, 1);
  return box;
}

/* The record of the docmsg.Work at 1; raises when it is over. */
static dm_work *check_work (lua_State *L) {
  dm_work *work = work_of(check_box(L, METHOD_OWN));
  if (work == NULL) released(L);
  return work;
}

/* The handler of the docmsg.Work at 1; raises when no record runs. */
static dm_handler *check_handler (lua_State *L) {
  dm_handler *handler = handler_of(check_box(L, METHOD_OWN));
  if (handler == NULL || handler->work == NULL) released(L);
  return handler;
}

/* The path of every field. */
static int work_index (lua_State *L) {
  const dm_work *work = work_of(check_box(L, INDEX_OWN));
  if (work == NULL) return released(L);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(INDEX_FIELDS)) == LUA_TNUMBER)
    push_field(L, work, (field)lua_tointeger(L, -1));
  return 1;
}

/* The headers of the record, or NULL; those of the one that runs are at hand. */
static rd_kafka_headers_t *headers_of (lua_State *L, const work_box *box) {
  rd_kafka_headers_t *headers;
  if (box->main == NULL) return dm_handler_cause(check_handler(L))->headers;
  return rd_kafka_message_headers(check_work(L)->message, &headers) ? NULL : headers;
}

/* work:header(name) -> the value of the last header with that name, or nil */
static int work_header (lua_State *L) {
  const work_box *box = check_box(L, METHOD_OWN);
  const char *name = luaL_checkstring(L, 2);
  rd_kafka_headers_t *headers = headers_of(L, box);
  const void *value;
  size_t size;
  if (headers != NULL &&
      rd_kafka_header_get_last(headers, name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR)
    dm_push_bytes(L, value, size);
  else lua_pushnil(L);
  return 1;
}

/* work:envelope() -> what the headers say of ce_type, ce_specversion, ce_id, docmsg-hops,
** docmsg-redrive-group and content-type, each a string or nil; and the topic */
static int work_envelope (lua_State *L) {
  dm_handler *handler = check_handler(L);
  const dm_cause *cause = dm_handler_cause(handler);
  const dm_bytes *said[] = { &cause->type,   &cause->version,       &cause->id,
                             &cause->passed, &cause->redrive_group, &cause->content_type };
  int count = (int)(sizeof said / sizeof *said);
  for (int i = 0; i < count; i++) dm_push_bytes(L, said[i]->at, said[i]->size);
  lua_pushstring(L, handler->work->seat->topic);
  return count + 1;
}

/* work:headers() -> { {name, value}, ... } */
static int work_headers (lua_State *L) {
  dm_push_headers(L, check_work(L)->message);
  return 1;
}

/* work:time() -> milliseconds since the record was given to its handler */
static int work_time (lua_State *L) {
  lua_pushinteger(L, dm_clock_ms() - check_handler(L)->began_ms);
  return 1;
}

/* work:limit(timeout_ms, instructions): other limits for this run; nil or 0 is none */
static int work_limit (lua_State *L) {
  dm_handler *handler = check_handler(L);
  dm_limits limits = { luaL_optinteger(L, 2, 0), luaL_optinteger(L, 3, 0) };
  dm_limit_change(&handler->lane->limit, limits);
  return 0;
}

/* -- Emitting --------------------------------------------------------------------------------- */

/* work:emit(topic, key, value, type [, {id, headers, partition, timestamp}]) -> true | nil, reason
** with the reason "too_large", "too_many" or "hops" */
static int work_emit (lua_State *L) {
  dm_handler *handler = check_handler(L);
  const char *refused;
  luaL_argcheck(L, ((const work_box *)lua_touserdata(L, 1))->main == NULL, 1,
                "a record that is kept emits when it is settled");
  lua_settop(L, 6);
  refused = dm_emit_lua(L, handler, 1, NULL);
  if (refused != NULL) {
    lua_pushnil(L);
    lua_pushstring(L, refused);
    return 2;
  }
  lua_pushboolean(L, 1);
  return 1;
}

/* work:discard(): drops what was emitted */
static int work_discard (lua_State *L) {
  dm_outbox_clear(check_handler(L)->outbox);
  return 0;
}

/* work:keep() -> a docmsg.Work of this record for its batch, with which it ends */
static int work_keep (lua_State *L) {
  dm_handler *handler = check_handler(L);
  const work_box *main = lua_touserdata(L, 1);
  work_box *box;
  luaL_argcheck(L, main->main == NULL, 1, "the record is kept already");
  box = lua_newuserdatauv(L, sizeof *box, 1);
  *box = (work_box){ .main = main, .kept = handler->work, .batch = handler->batch };
  luaL_setmetatable(L, WORK_TYPE);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, WORK_MAIN);
  return 1;
}

static int work_tostring (lua_State *L) {
  const dm_work *work = work_of(check_box(L, METHOD_OWN));
  if (work == NULL) lua_pushliteral(L, WORK_TYPE " (released)");
  else
    lua_pushfstring(L, WORK_TYPE " (%s [%d] at %I)", work->seat->topic, (int)work->seat->partition,
                    (lua_Integer)work->entry.offset);
  return 1;
}

/* Pushes what work_index looks names up in; the metatable is on the top. */
static void push_fields (lua_State *L) {
  static const luaL_Reg methods[] = {
    { "discard", work_discard },
    { "emit", work_emit },
    { "envelope", work_envelope },
    { "header", work_header },
    { "headers", work_headers },
    { "keep", work_keep },
    { "limit", work_limit },
    { "time", work_time },
    { NULL, NULL },
  };
  luaL_newlibtable(L, methods);
  lua_pushvalue(L, -2);
  luaL_setfuncs(L, methods, 1);
  for (int i = 0; i < FIELDS; i++) {
    lua_pushinteger(L, i);
    lua_setfield(L, -2, field_names[i]);
  }
}

void dm_work_open (lua_State *L) {
  dm_metatable_new(L, WORK_TYPE);
  push_fields(L);
  lua_pushvalue(L, -2);
  lua_pushcclosure(L, work_index, 2);
  lua_setfield(L, -2, "__index");
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, work_tostring, 1);
  lua_setfield(L, -2, "__tostring");
  lua_pop(L, 1);
}

void dm_work_push (lua_State *L, dm_handler *handler) {
  work_box *box = lua_newuserdatauv(L, sizeof *box, 1);
  *box = (work_box){ .handler = handler };
  lua_newtable(L);
  lua_setiuservalue(L, -2, DM_WORK_OUTLETS);
  luaL_setmetatable(L, WORK_TYPE);
}

void dm_work_metatable_push (lua_State *L) {
  luaL_getmetatable(L, WORK_TYPE);
}

dm_handler *dm_work_running (lua_State *L, int idx, int metatable) {
  const work_box *box = lua_touserdata(L, idx);
  bool own = box != NULL && lua_getmetatable(L, idx);
  if (own) {
    own = lua_rawequal(L, -1, metatable);
    lua_pop(L, 1);
  }
  return own && box->handler != NULL && box->handler->work != NULL ? box->handler : NULL;
}

void dm_work_end (lua_State *L, int idx) {
  ((work_box *)lua_touserdata(L, idx))->handler = NULL;
}
