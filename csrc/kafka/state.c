/* SPDX-License-Identifier: MIT */
#include "kafka/state.h"

#include <lauxlib.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <string.h>

#include "base/metatable.h"
#include "kafka/clock.h"

#define STATE_KEY "docmsg.kafka"
#define STATE_TYPE "docmsg.State"

/* How long closing a Lua state waits for clients that nobody closed. */
#define JOIN_MS 10000

/* Payload held by messages before the collector is asked to look for garbage among them. */
#define COLLECT_BYTES ((size_t)32 << 20)

static int state_gc (lua_State *L) {
  dm_state *state = lua_touserdata(L, 1);
  int unended = 0;
  int64_t lost = 0;
  if (state->reaper != NULL) lost = dm_reaper_join(state->reaper, JOIN_MS, &unended);
  state->reaper = NULL;
  if (lost > 0)
    fprintf(stderr, "docmsg: %lld queued records were not delivered: close the producer, "
                    "or flush it, before the program ends\n", (long long)lost);
  if (unended > 0)
    fprintf(stderr, "docmsg: %d clients had not ended\n", unended);
  return 0;
}

void dm_state_open (lua_State *L) {
  dm_state *state;
  if (lua_getfield(L, LUA_REGISTRYINDEX, STATE_KEY) == LUA_TUSERDATA) {
    lua_pop(L, 1);
    return;
  }
  state = lua_newuserdatauv(L, sizeof *state, 1);
  memset(state, 0, sizeof *state);
  state->collect_at = COLLECT_BYTES;
  dm_metatable_new(L, STATE_TYPE);
  lua_pushcfunction(L, state_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_newtable(L);
  lua_setiuservalue(L, -2, 1);
  state->reaper = dm_reaper_new();
  if (state->reaper == NULL) luaL_error(L, "not enough memory");
  lua_setfield(L, LUA_REGISTRYINDEX, STATE_KEY);
  lua_pop(L, 1);
}

dm_state *dm_state_get (lua_State *L) {
  dm_state *state;
  lua_getfield(L, LUA_REGISTRYINDEX, STATE_KEY);
  state = lua_touserdata(L, -1);
  if (state == NULL) luaL_error(L, "docmsg.kafka is not loaded in this Lua state");
  lua_pop(L, 1);
  return state;
}

void dm_state_note_payload (lua_State *L, dm_state *state, ptrdiff_t bytes) {
  state->payload += (size_t)bytes;
  if (bytes <= 0 || state->payload < state->collect_at) return;
  lua_gc(L, LUA_GCCOLLECT);
  state->collect_at = state->payload * 2 > COLLECT_BYTES ? state->payload * 2 : COLLECT_BYTES;
}

void dm_state_push_table (lua_State *L, const char *name) {
  lua_getfield(L, LUA_REGISTRYINDEX, STATE_KEY);
  lua_getiuservalue(L, -1, 1);
  luaL_getsubtable(L, -1, name);
  lua_replace(L, -3);
  lua_pop(L, 1);
}

int dm_state_live (lua_State *L) {
  dm_state *state = dm_state_get(L);
  const struct { const char *name; int count; } counts[] = {
    { "clients", state->clients }, { "messages", state->messages },
    { "deliveries", state->deliveries }, { "brokers", state->brokers },
    { "threads", rd_kafka_thread_cnt() },
  };
  lua_createtable(L, 0, 5);
  for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
    lua_pushinteger(L, counts[i].count);
    lua_setfield(L, -2, counts[i].name);
  }
  return 1;
}
