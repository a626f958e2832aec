/* SPDX-License-Identifier: MIT */
#include "runtime/module.h"

#include <lauxlib.h>

#include "kafka/clock.h"
#include "kafka/module.h"
#include "runtime/emit_lua.h"
#include "runtime/emitter_lua.h"
#include "runtime/express.h"
#include "runtime/group_lua.h"
#include "runtime/group_tally_lua.h"
#include "runtime/live.h"
#include "runtime/state_lua.h"
#include "runtime/work_lua.h"
#include "schema/module.h"
#include "worker/limit.h"
#include "worker/state.h"

/* limit_coroutines(): coroutines that this state makes from now on keep the limits of handlers */
static int limit_coroutines (lua_State *L) {
  dm_limit_coroutines(L);
  return 0;
}

/* now() -> milliseconds of the monotonic clock */
static int now (lua_State *L) {
  lua_pushinteger(L, dm_clock_ms());
  return 1;
}

static const luaL_Reg functions[] = {
  { "context_emit", dm_context_emit_new },
  { "emitter", dm_emitter_lua },
  { "express", dm_express_new },
  { "group", dm_group_lua },
  { "limit_coroutines", limit_coroutines },
  { "live_index", dm_live_index_new },
  { "now", now },
  { "state", dm_state_lua },
  { NULL, NULL },
};

/* What workers' states find without searching. */
static void note_openers (lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, DM_WORKER_OPENERS);
  lua_pushcfunction(L, luaopen_docmsg_kafka);
  lua_setfield(L, -2, "docmsg.kafka");
  lua_pushcfunction(L, luaopen_docmsg_runtime);
  lua_setfield(L, -2, "docmsg.runtime");
  lua_pushcfunction(L, luaopen_docmsg_schema_core);
  lua_setfield(L, -2, "docmsg.schema.core");
  lua_pop(L, 1);
}

int luaopen_docmsg_runtime (lua_State *L) {
  luaL_checkversion(L);
  luaL_requiref(L, "docmsg.kafka", luaopen_docmsg_kafka, 0); /* its state and metatables */
  lua_pop(L, 1);
  note_openers(L);
  dm_emitter_lua_open(L);
  dm_group_lua_open(L);
  dm_state_lua_open(L);
  dm_work_open(L);
  luaL_newlib(L, functions);
  dm_tally_bounds_push(L);
  lua_setfield(L, -2, "bounds");
  return 1;
}
