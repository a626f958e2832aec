/* SPDX-License-Identifier: MIT */
#include "runtime/express.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "kafka/message.h"
#include "runtime/handler.h"
#include "runtime/live.h"
#include "runtime/seat.h"
#include "runtime/work_lua.h"
#include "schema/text.h"
#include "worker/limit.h"

/* The dispatcher looks at longer ids. */
#define ID_MAX 256

/* The upvalues: those of 'parts', and then what is known of the last record. */
enum {
  SLOW = 1, PREPARE, CONCLUDE, DESCRIBE, XPCALL, FRAME, ROUTES, TOPICS, EVENT, CONTEXT,
  PARTS = CONTEXT,
  TOUCHED,          /* the name of the field */
  HANDLE,           /* the function 'handle' */
  OWN,              /* the metatable docmsg.Work */
  ROUTE,            /* that the frame is ready for */
  IN_ORDER,         /* the last record ended as any other: the frame is ready for the next one */
  LAST_EVENT, LAST_CONTEXT,
  UPVALUES = LAST_CONTEXT
};

static const char *const part_names[PARTS] = {
  "slow", "prepare", "conclude", "describe", "xpcall", "frame", "routes", "topics",
  "event", "context",
};

#define UP(number) lua_upvalueindex(number)

/* In the list of a route. */
enum { ROUTE_HANDLER = 1, ROUTE_READ, ROUTE_ITSELF, ROUTE_TYPE };

/* Slots of the function's stack. */
enum { SLOT_WORK = 1, SLOT_LIST, SLOT_EVENT, SLOT_CONTEXT, SLOT_DESCRIBE };

static void keep (lua_State *L, int idx, int upvalue) {
  lua_pushvalue(L, idx);
  lua_replace(L, UP(upvalue));
}

static void set_in_order (lua_State *L, bool in_order) {
  lua_pushboolean(L, in_order);
  lua_replace(L, UP(IN_ORDER));
}

/* Releases what the last record's handler had; it may have been cut off. */
static void release (lua_State *L) {
  for (int which = LAST_EVENT; which <= LAST_CONTEXT; which++) {
    if (lua_isnil(L, UP(which))) continue;
    lua_pushvalue(L, UP(which));
    dm_live_release(L, lua_gettop(L));
    lua_pop(L, 1);
    lua_pushnil(L);
    lua_replace(L, UP(which));
  }
}

/* Has the frame made ready for records of the route at the top, or, without one, for whatever comes. */
static void begin (lua_State *L, bool has_route) {
  set_in_order(L, false);
  lua_pushvalue(L, UP(PREPARE));
  lua_pushvalue(L, SLOT_WORK);
  if (has_route) lua_pushvalue(L, -3);
  else lua_pushnil(L);
  lua_call(L, 2, 0);
  if (has_route) keep(L, -1, ROUTE);
}

/* -- The dispatcher's own function ------------------------------------------------------------ */

static int run_slowly (lua_State *L) {
  if (lua_toboolean(L, UP(IN_ORDER)) && lua_gettop(L) > SLOT_WORK) begin(L, false);
  set_in_order(L, false);
  lua_pushvalue(L, UP(SLOW));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

/* -- Choosing --------------------------------------------------------------------------------- */

/* Nothing that the envelope says, beside its type, has to be looked at. */
static bool is_common (const dm_cause *cause) {
  return cause->id.size <= ID_MAX && cause->hops >= 0 && cause->redrive_group.at == NULL &&
         cause->message->payload != NULL;
}

/* Pushes the list of the record's route, or something else: by its type, or, where it does not say, by
** its topic. */
static void push_list (lua_State *L, const dm_handler *handler, const dm_cause *cause) {
  const dm_bytes *version = &cause->version;
  if (cause->type.at == NULL && cause->content_type.at == NULL) {
    lua_pushstring(L, handler->work->seat->topic);
    lua_rawget(L, UP(TOPICS));
  }
  else if (cause->type.at != NULL && version->size == 3 && memcmp(version->at, "1.0", 3) == 0) {
    lua_pushlstring(L, cause->type.at, cause->type.size);
    lua_rawget(L, UP(ROUTES));
  }
  else lua_pushnil(L);
}

/* Pushes the list of the record's route. False: it has none here. */
static bool find_route (lua_State *L, dm_handler *handler) {
  const dm_cause *cause;
  if (handler == NULL || lua_gettop(L) != SLOT_WORK) return false;
  cause = dm_handler_cause(handler);
  if (!is_common(cause)) return false;
  push_list(L, handler, cause);
  if (lua_istable(L, -1)) return true;
  lua_pop(L, 1);
  return false;
}

/* -- Running ---------------------------------------------------------------------------------- */

/* Makes the frame ready for the route in the list. */
static void prepare (lua_State *L) {
  lua_rawgeti(L, SLOT_LIST, ROUTE_ITSELF);
  if (!lua_toboolean(L, UP(IN_ORDER)) || !lua_rawequal(L, -1, UP(ROUTE))) begin(L, true);
  lua_pop(L, 1);
  set_in_order(L, false);
}

/* handle(handler, event, context, read, value) -> true when the data have to be looked at */
static int handle (lua_State *L) {
  lua_call(L, 1, 1);
  if (lua_isnil(L, -1)) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_rawseti(L, 2, DM_LIVE_DATA);
  lua_call(L, 2, 0);
  return 0;
}

/* Pushes the record's value, lent when it is small. */
static void push_value (lua_State *L, const rd_kafka_message_t *record, dm_text *text) {
  dm_text_open(text, L, 0); /* it does not grow */
  if (record->len >= sizeof text->small) {
    dm_push_bytes(L, record->payload, record->len);
    return;
  }
  dm_text_put(text, record->payload, record->len);
  text->small[record->len] = '\0';
  dm_text_lend(L, text);
}

static int raise_again (lua_State *L) {
  return lua_error(L);
}

static int pass_on (lua_State *L) {
  lua_settop(L, 1);
  return 1;
}

/* Has xpcall catch the error at the top, too: it leaves alone what nobody may catch, such as an
** interruption. Pushes false and the error below it.  [-1, +2, e] */
static void catch (lua_State *L) {
  lua_pushvalue(L, UP(XPCALL));
  lua_insert(L, -2);
  lua_pushcfunction(L, raise_again);
  lua_insert(L, -2);
  lua_pushcfunction(L, pass_on);
  lua_insert(L, -2);
  lua_call(L, 3, 2);
}

/* Calls handle, protected, and pushes whether that went well, and what it gave.  [-0, +2, e] */
static void call (lua_State *L, const rd_kafka_message_t *record) {
  dm_text text;
  dm_live_push(L, UP(FRAME), UP(EVENT));
  dm_live_push(L, UP(FRAME), UP(CONTEXT));
  keep(L, SLOT_EVENT, LAST_EVENT);
  keep(L, SLOT_CONTEXT, LAST_CONTEXT);
  lua_pushvalue(L, UP(DESCRIBE));
  lua_pushboolean(L, 1);
  lua_pushvalue(L, UP(HANDLE));
  lua_rawgeti(L, SLOT_LIST, ROUTE_HANDLER);
  lua_pushvalue(L, SLOT_EVENT);
  lua_pushvalue(L, SLOT_CONTEXT);
  lua_rawgeti(L, SLOT_LIST, ROUTE_READ);
  push_value(L, record, &text);
  if (lua_pcall(L, 5, 1, SLOT_DESCRIBE) != LUA_OK) catch(L);
}

static bool is_touched (lua_State *L) {
  bool touched;
  lua_pushvalue(L, UP(TOUCHED));
  touched = lua_rawget(L, UP(FRAME)) != LUA_TNIL;
  lua_pop(L, 1);
  return touched;
}

/* The results of a record that is acknowledged. */
static int acknowledge (lua_State *L) {
  set_in_order(L, true);
  lua_pushinteger(L, DM_VERDICT_ACK);
  for (int i = 0; i < 5; i++) lua_pushnil(L);
  lua_rawgeti(L, SLOT_LIST, ROUTE_TYPE);
  return 7;
}

/* Those of any other, whose protected call gave what is at the top. */
static int conclude (lua_State *L) {
  int base = lua_gettop(L) - 2;
  lua_pushvalue(L, UP(CONCLUDE));
  lua_insert(L, base + 1);
  lua_call(L, 2, LUA_MULTRET);
  return lua_gettop(L) - base;
}

static int run (lua_State *L) {
  dm_handler *handler = dm_work_running(L, SLOT_WORK, UP(OWN));
  if (!lua_toboolean(L, UP(IN_ORDER))) release(L);
  if (!find_route(L, handler)) return run_slowly(L);
  prepare(L);
  call(L, handler->work->message);
  release(L);
  if (!lua_toboolean(L, -2)) return conclude(L);
  if (lua_toboolean(L, -1)) {
    lua_settop(L, SLOT_WORK);
    return run_slowly(L);
  }
  if (dm_limit_is_over()) return luaL_error(L, "over its limit, which the handler has hidden");
  return is_touched(L) ? conclude(L) : acknowledge(L);
}

int dm_express_new (lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  for (int part = SLOW; part <= PARTS; part++) {
    int type = part < FRAME ? LUA_TFUNCTION : LUA_TTABLE;
    if (lua_getfield(L, 1, part_names[part - 1]) != type)
      return luaL_error(L, "express: parts.%s: a %s expected", part_names[part - 1],
                        lua_typename(L, type));
  }
  lua_pushliteral(L, "touched");
  lua_pushcfunction(L, handle);
  dm_work_metatable_push(L);
  for (int i = ROUTE; i <= UPVALUES; i++) lua_pushnil(L);
  lua_pushcclosure(L, run, UPVALUES);
  return 1;
}
