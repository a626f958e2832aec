/* SPDX-License-Identifier: MIT */
#include "runtime/emitter_lua.h"

#include <lauxlib.h>
#include <stdio.h>

#include "base/field.h"
#include "base/metatable.h"
#include "kafka/clock.h"
#include "kafka/conf.h"
#include "kafka/error.h"
#include "kafka/option.h"
#include "kafka/state.h"
#include "runtime/notes_lua.h"

#define EMITTER_TYPE "docmsg.Emitter"
#define WHAT "runtime.emitter"

/* How long an emitter that nobody closed may still send. */
#define FORGOTTEN_MS 2000

typedef struct emitter_box {
  dm_emitter *emitter; /* NULL: closed */
  dm_state *state;
  int groups;          /* that borrow it */
} emitter_box;

static const dm_option options[] = {
  { "bootstrap_servers", DM_OPTION_STRINGS, 0, 0 }, { "client_id", DM_OPTION_STRING, 0, 0 },
  { "insecure_tls", DM_OPTION_BOOLEAN, 0, 0 },      { "kafka", DM_OPTION_TABLE, 0, 0 },
  { NULL, DM_OPTION_ANY, 0, 0 },
};

/* What may be waiting is bounded by bytes; the time it may wait is not. An event lingers for twice as long
** as by default, for half as many requests: its record is acknowledged 5 ms later, but handlers go on. */
static const dm_preset presets[] = {
  { "acks", "all" },
  { "enable.idempotence", "true" },
  { "linger.ms", "10" },
  { "message.timeout.ms", "0" },
  { "partitioner", "murmur2_random" },
  { "queue.buffering.max.kbytes", "65536" },
  { NULL, NULL },
};

static emitter_box *check_box (lua_State *L, int arg) {
  emitter_box *box = luaL_checkudata(L, arg, EMITTER_TYPE);
  if (box->emitter == NULL) luaL_error(L, "this emitter is closed");
  return box;
}

int dm_emitter_lua (lua_State *L) {
  emitter_box *box;
  rd_kafka_conf_t *conf;
  char reason[512];
  lua_settop(L, 1);
  dm_option_default(L, 1);
  dm_option_check(L, 1, WHAT, options);
  dm_conf_collect(L, 1, WHAT, DM_SCOPE_PRODUCER, presets);
  box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = (emitter_box){ .state = dm_state_get(L) };
  luaL_setmetatable(L, EMITTER_TYPE);
  conf = dm_conf_build(L, 2);
  if (conf == NULL) return 2;
  snprintf(reason, sizeof reason, "not enough memory");
  box->emitter = dm_emitter_new(conf, reason, sizeof reason);
  if (box->emitter != NULL) {
    box->state->clients++;
    return 1;
  }
  rd_kafka_conf_destroy(conf);
  return dm_error_return(L, rd_kafka_last_error(), WHAT ": %s", reason);
}

dm_emitter *dm_emitter_borrow (lua_State *L, int arg) {
  emitter_box *box = check_box(L, arg);
  box->groups++;
  return box->emitter;
}

void dm_emitter_return (lua_State *L, int idx) {
  emitter_box *box = lua_touserdata(L, idx);
  box->groups--;
}

static int end (emitter_box *box, int timeout_ms) {
  dm_emitter *emitter = box->emitter;
  box->emitter = NULL;
  box->state->clients--;
  return dm_emitter_close(emitter, timeout_ms);
}

/* emitter:close([timeout]) -> how many records were not delivered */
static int emitter_close (lua_State *L) {
  emitter_box *box = luaL_checkudata(L, 1, EMITTER_TYPE);
  int timeout = dm_duration_opt(L, 2, "5s");
  if (box->emitter == NULL) return 0;
  if (box->groups > 0)
    return luaL_error(L, "this emitter is in use by %d groups: close them first", box->groups);
  lua_pushinteger(L, end(box, timeout));
  return 1;
}

/* __close passes the error as a second argument, which is no timeout. */
static int emitter_leave (lua_State *L) {
  lua_settop(L, 1);
  return emitter_close(L);
}

static int emitter_gc (lua_State *L) {
  emitter_box *box = lua_touserdata(L, 1);
  if (box->emitter == NULL) return 0;
  if (box->groups > 0) return 0; /* a handler does not end: better a leak than a crash */
  fprintf(stderr, "docmsg: " WHAT " was not closed\n");
  end(box, FORGOTTEN_MS);
  return 0;
}

/* {sent, failed, bytes, seconds, p50, p95, p99, max} */
static void push_sum (lua_State *L, const dm_sent_sum *sum) {
  lua_createtable(L, 0, 8);
  dm_field_count(L, "sent", sum->sent);
  dm_field_count(L, "failed", sum->failed);
  dm_field_count(L, "bytes", sum->bytes);
  dm_field_seconds(L, "seconds", sum->micros);
  dm_field_seconds(L, "p50", dm_sent_quantile(sum, 0.5));
  dm_field_seconds(L, "p95", dm_sent_quantile(sum, 0.95));
  dm_field_seconds(L, "p99", dm_sent_quantile(sum, 0.99));
  dm_field_seconds(L, "max", sum->most);
}

/* types = { [type] = {sent, ...} } */
static void set_types (lua_State *L, const dm_emitter *emitter) {
  int room = dm_emitter_sums(emitter);
  dm_sent_sum *sums = lua_newuserdatauv(L, (size_t)room * sizeof *sums, 0);
  int count = dm_emitter_collect(emitter, sums, room);
  lua_createtable(L, 0, count);
  for (int i = 0; i < count; i++) {
    lua_pushlstring(L, sums[i].row.name, sums[i].row.length);
    push_sum(L, &sums[i]);
    lua_rawset(L, -3);
  }
  lua_setfield(L, -3, "types");
  lua_pop(L, 1);
}

/* emitter:stats() -> { produced, failed, queued, types } */
static int emitter_stats (lua_State *L) {
  const emitter_box *box = check_box(L, 1);
  dm_emitter_stats stats;
  dm_emitter_stats_get(box->emitter, &stats);
  lua_createtable(L, 0, 4);
  dm_field_count(L, "produced", stats.produced);
  dm_field_count(L, "failed", stats.failed);
  dm_field_count(L, "queued", stats.queued);
  set_types(L, box->emitter);
  return 1;
}

/* emitter:notes() -> { {level, message}, ... } since the last call */
static int emitter_notes (lua_State *L) {
  dm_notes_push(L, dm_emitter_feed(check_box(L, 1)->emitter));
  return 1;
}

/* emitter:fatal() -> err | nil */
static int emitter_fatal (lua_State *L) {
  char reason[512];
  rd_kafka_resp_err_t code = dm_emitter_fatal(check_box(L, 1)->emitter, reason, sizeof reason);
  if (!code) return 0;
  dm_error_push(L, code, "%s", reason);
  dm_error_fatal(L);
  return 1;
}

void dm_emitter_lua_open (lua_State *L) {
  static const luaL_Reg methods[] = {
    { "close", emitter_close }, { "fatal", emitter_fatal }, { "notes", emitter_notes },
    { "stats", emitter_stats }, { NULL, NULL },
  };
  static const luaL_Reg metamethods[] = {
    { "__gc", emitter_gc }, { "__close", emitter_leave }, { NULL, NULL },
  };
  dm_metatable_new(L, EMITTER_TYPE);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
