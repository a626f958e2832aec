/* SPDX-License-Identifier: MIT */
#include "runtime/emit_lua.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "runtime/handler.h"
#include "runtime/live.h"
#include "runtime/work_lua.h"

/* What an envelope weighs beside ids and names. */
#define ENVELOPE_BYTES 256

/* What is emitted lies behind its work. */
enum { TOPIC = 1, KEY, VALUE, TYPE, OPTIONS };

/* -- One emit --------------------------------------------------------------------------------- */

/* The outlet for the topic at idx; looked up once a state. */
static dm_outlet *outlet_of (lua_State *L, const dm_handler *handler, int work, int idx) {
  dm_outlet *outlet;
  lua_getiuservalue(L, work, DM_WORK_OUTLETS);
  lua_pushvalue(L, idx);
  if (lua_rawget(L, -2) == LUA_TLIGHTUSERDATA) {
    outlet = lua_touserdata(L, -1);
    lua_pop(L, 2);
    return outlet;
  }
  outlet = dm_emitter_outlet(handler->emitter, lua_tostring(L, idx));
  if (outlet == NULL) luaL_error(L, "emit: '%s' is no name of a topic", lua_tostring(L, idx));
  lua_pushvalue(L, idx);
  lua_pushlightuserdata(L, outlet);
  lua_rawset(L, -4);
  lua_pop(L, 2);
  return outlet;
}

/* Checks the header {name, value} at the top of the stack and pushes both. */
static void push_pair (lua_State *L, lua_Integer i) {
  if (!lua_istable(L, -1)) luaL_error(L, "emit: headers[%I]: {name, value} expected", i);
  if (lua_rawgeti(L, -1, 1) != LUA_TSTRING || strlen(lua_tostring(L, -1)) != lua_rawlen(L, -1))
    luaL_error(L, "emit: headers[%I]: a name without NUL expected", i);
  if (lua_rawgeti(L, -2, 2) != LUA_TSTRING && !lua_isnil(L, -1))
    luaL_error(L, "emit: headers[%I]: the value is a string or nil", i);
}

/* Pushes the list of headers in the options at idx, when there is one. */
static bool push_headers (lua_State *L, int idx) {
  if (!lua_istable(L, idx)) return false;
  if (lua_getfield(L, idx, "headers") == LUA_TTABLE) return true;
  if (!lua_isnil(L, -1)) luaL_error(L, "emit: headers: a list expected");
  lua_pop(L, 1);
  return false;
}

/* Checks the headers in the options at idx, or, with 'into', adds them; returns their size. */
static size_t read_headers (lua_State *L, int idx, rd_kafka_headers_t *into) {
  size_t bytes = 0;
  if (!push_headers(L, idx)) return 0;
  for (lua_Integer i = 1; lua_rawgeti(L, -1, i) != LUA_TNIL; i++) {
    size_t size = 0;
    const char *name, *value;
    push_pair(L, i);
    name = lua_tostring(L, -2);
    value = lua_tolstring(L, -1, &size);
    bytes += strlen(name) + size + 4;
    if (into != NULL) rd_kafka_header_add(into, name, -1, value, (ssize_t)size);
    lua_pop(L, 3);
  }
  lua_pop(L, 2);
  return bytes;
}

static lua_Integer integer_option (lua_State *L, int idx, const char *name, lua_Integer def) {
  lua_Integer value = def;
  if (!lua_istable(L, idx)) return def;
  if (lua_getfield(L, idx, name) != LUA_TNIL) {
    if (!lua_isinteger(L, -1)) luaL_error(L, "emit: %s: an integer expected", name);
    value = lua_tointeger(L, -1);
  }
  lua_pop(L, 1);
  return value;
}

/* Pushes the option's text or nil. */
static const char *push_text_option (lua_State *L, int idx, const char *name) {
  if (!lua_istable(L, idx)) {
    lua_pushnil(L);
    return NULL;
  }
  if (lua_getfield(L, idx, name) != LUA_TSTRING && !lua_isnil(L, -1))
    luaL_error(L, "emit: %s: a string expected", name);
  return lua_tostring(L, -1);
}

/* Everything that can be wrong with the arguments. */
static dm_emit read_emit (lua_State *L, dm_handler *handler, int at, const dm_text *text) {
  dm_emit emit = { 0 };
  luaL_checktype(L, at + TOPIC, LUA_TSTRING);
  luaL_checkstring(L, at + TYPE);
  luaL_optlstring(L, at + KEY, NULL, &emit.key_size);
  if (text != NULL) emit.value_size = text->size;
  else luaL_optlstring(L, at + VALUE, NULL, &emit.value_size);
  emit.partition = (int32_t)integer_option(L, at + OPTIONS, "partition", RD_KAFKA_PARTITION_UA);
  emit.timestamp = integer_option(L, at + OPTIONS, "timestamp", 0);
  emit.outlet = outlet_of(L, handler, at, at + TOPIC);
  return emit;
}

/* Why the record may not emit that, or NULL. */
static const char *over_limit (const dm_handler *handler, const dm_emit *emit, size_t headers) {
  size_t bytes = emit->key_size + emit->value_size + headers;
  if (bytes > dm_emitter_record_max(handler->emitter)) return "too_large";
  if (handler->outbox->count >= DM_EMITS_MAX) return "too_many";
  if (handler->outbox->used + bytes > DM_EMIT_BYTES_MAX) return "too_many";
  return NULL;
}

const char *dm_emit_lua (lua_State *L, dm_handler *handler, int at, const dm_text *text) {
  const dm_cause *cause = dm_handler_cause(handler);
  dm_emit emit = read_emit(L, handler, at, text);
  const char *value = text != NULL ? text->at : lua_tostring(L, at + VALUE);
  dm_emitted emitted = { .type = lua_tostring(L, at + TYPE),
                         .id = push_text_option(L, at + OPTIONS, "id"),
                         .index = (unsigned)handler->outbox->count };
  size_t extra = read_headers(L, at + OPTIONS, NULL);
  const char *limit = over_limit(handler, &emit, ENVELOPE_BYTES + extra);
  if (limit != NULL) return limit;
  if (cause->hops >= DM_HOPS_MAX) return "hops";
  emit.headers = dm_envelope_new(cause, &handler->by, &emitted, 8);
  if (emit.headers == NULL) luaL_error(L, "not enough memory");
  if (extra > 0) read_headers(L, at + OPTIONS, emit.headers);
  if (!dm_outbox_add(handler->outbox, &emit, lua_tostring(L, at + KEY), value)) {
    rd_kafka_headers_destroy(emit.headers);
    luaL_error(L, "not enough memory");
  }
  return NULL;
}

/* -- ctx:emit --------------------------------------------------------------------------------- */

/* The upvalues. */
enum { OWN = 1, SLOWLY, REFUSE_DATA, REFUSE_SIZE };

/* The arguments, and what is found for them. */
enum { SLOT_CTX = 1, SLOT_TYPE, SLOT_DATA, SLOT_FRAME, SLOT_TARGET, SLOT_TEXT };

/* In the list of a target. */
enum { TARGET_TOPIC = 1, TARGET_ENCODE, TARGET_FIELD, TARGET_KEY };

/* Pushes the frame and the list of the event's target. False: there is none here. */
static bool find_target (lua_State *L) {
  if (lua_gettop(L) != SLOT_DATA || !lua_istable(L, SLOT_CTX)) return false;
  if (lua_rawgeti(L, SLOT_CTX, DM_LIVE_FRAME) != LUA_TTABLE) return false;
  if (lua_rawgeti(L, SLOT_FRAME, DM_FRAME_TARGETS) != LUA_TTABLE) return false;
  lua_pushvalue(L, SLOT_TYPE);
  lua_rawget(L, SLOT_TARGET);
  lua_replace(L, SLOT_TARGET);
  return lua_istable(L, SLOT_TARGET);
}

/* refuse(frame, event type, reason), which raises. The reason is at idx. */
static void refuse (lua_State *L, int function, int idx) {
  idx = lua_absindex(L, idx);
  lua_pushvalue(L, lua_upvalueindex(function));
  lua_pushvalue(L, SLOT_FRAME);
  lua_pushvalue(L, SLOT_TYPE);
  lua_pushvalue(L, idx);
  lua_call(L, 3, 0);
}

/* Pushes the text of the data, or what lends it. False: it is refused. */
static bool push_text (lua_State *L, dm_text *text) {
  lua_rawgeti(L, SLOT_TARGET, TARGET_ENCODE);
  lua_pushvalue(L, SLOT_DATA);
  dm_text_lend(L, text);
  lua_call(L, 2, 2);
  if (lua_isstring(L, -2) || lua_touserdata(L, -2) == text) {
    lua_pop(L, 1);
    return true;
  }
  refuse(L, REFUSE_DATA, -1);
  return false;
}

/* Pushes the field of the data that is the key. False: that has to be looked at. */
static bool push_field (lua_State *L) {
  int top = lua_gettop(L);
  if (lua_rawgeti(L, SLOT_TARGET, TARGET_FIELD) == LUA_TSTRING && lua_istable(L, SLOT_DATA) &&
      !lua_getmetatable(L, SLOT_DATA) && lua_rawget(L, SLOT_DATA) == LUA_TSTRING)
    return true;
  lua_settop(L, top);
  return false;
}

/* Pushes the key, or nil. False: it is refused. */
static bool push_key (lua_State *L) {
  if (push_field(L)) return true;
  if (lua_rawgeti(L, SLOT_TARGET, TARGET_KEY) != LUA_TFUNCTION) {
    lua_pop(L, 1);
    lua_pushnil(L);
    return true;
  }
  lua_pushvalue(L, SLOT_DATA);
  lua_call(L, 1, 2);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    return true;
  }
  refuse(L, REFUSE_DATA, -1);
  return false;
}

/* Pushes the work and what it emits, in their order. */
static bool push_emit (lua_State *L) {
  lua_rawgeti(L, SLOT_FRAME, DM_FRAME_WORK);
  lua_rawgeti(L, SLOT_TARGET, TARGET_TOPIC);
  if (!push_key(L)) return false;
  lua_pushvalue(L, SLOT_TEXT);
  lua_pushvalue(L, SLOT_TYPE);
  lua_pushnil(L);
  return true;
}

/* emit(ctx, type, data), where the frame says the targets. */
static void emit_straight (lua_State *L) {
  dm_handler *handler;
  dm_text text;
  const char *refused;
  if (!push_text(L, &text) || !push_emit(L)) return;
  handler = dm_work_running(L, SLOT_TEXT + 1, lua_upvalueindex(OWN));
  if (handler == NULL) luaL_error(L, "ctx:emit: the frame has no work");
  refused = dm_emit_lua(L, handler, SLOT_TEXT + 1, lua_isstring(L, SLOT_TEXT) ? NULL : &text);
  if (refused == NULL) return;
  lua_pushstring(L, refused);
  refuse(L, REFUSE_SIZE, -1);
}

/* emit(ctx, type, data [, options]) */
static int context_emit (lua_State *L) {
  int top = lua_gettop(L);
  if (find_target(L)) {
    emit_straight(L);
    return 0;
  }
  lua_settop(L, top);
  lua_pushvalue(L, lua_upvalueindex(SLOWLY));
  lua_insert(L, 1);
  lua_call(L, top, 0);
  return 0;
}

int dm_context_emit_new (lua_State *L) {
  for (int i = 1; i <= 3; i++) luaL_checktype(L, i, LUA_TFUNCTION);
  lua_settop(L, 3);
  dm_work_metatable_push(L);
  lua_insert(L, 1);
  lua_pushcclosure(L, context_emit, REFUSE_SIZE);
  return 1;
}
