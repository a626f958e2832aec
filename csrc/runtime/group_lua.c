/* SPDX-License-Identifier: MIT */
#include "runtime/group_lua.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/metatable.h"
#include "kafka/clock.h"
#include "kafka/conf.h"
#include "kafka/error.h"
#include "kafka/option.h"
#include "kafka/state.h"
#include "runtime/emitter_lua.h"
#include "runtime/group_lua_parts.h"
#include "runtime/group_options_lua.h"
#include "runtime/group_properties_lua.h"
#include "runtime/transactor_lua.h"

#define EMITTER 1 /* user value */

/* How long a group that nobody closed may take. */
#define FORGOTTEN_MS 5000

dm_group_box *dm_group_box_check (lua_State *L) {
  dm_group_box *box = luaL_checkudata(L, 1, DM_GROUP_TYPE);
  if (box->group == NULL) luaL_error(L, "this group is closed");
  return box;
}

/* -- Construction ----------------------------------------------------------------------------- */

/* Where the constructor has them on the stack. */
#define OPTIONS 1
#define PROPERTIES 2

static dm_group_box *push_box (lua_State *L, int lanes) {
  const char *group = dm_option_string(L, OPTIONS, "group");
  const char *source = dm_option_string(L, OPTIONS, "source");
  dm_group_box *box = lua_newuserdatauv(L, sizeof *box, 1);
  *box = (dm_group_box){ .state = dm_state_get(L), .lanes = lanes };
  luaL_setmetatable(L, DM_GROUP_TYPE);
  box->name = strdup(group);
  box->source = strdup(source != NULL ? source : group);
  box->servings = calloc((size_t)lanes, sizeof *box->servings);
  if (box->name == NULL || box->source == NULL || box->servings == NULL)
    luaL_error(L, "not enough memory");
  return box;
}

static void forget_transactions (dm_group_box *box) {
  if (box->transactions != NULL) rd_kafka_conf_destroy(box->transactions);
  box->transactions = NULL;
}

/* The group, or NULL after pushing nil and an error. */
static dm_group *new_group (lua_State *L, dm_group_box *box, dm_group_options *o) {
  rd_kafka_conf_t *conf;
  char reason[512];
  dm_group *group;
  if (box->is_exactly_once) {
    o->transactions = box->transactions = dm_transactor_conf(L, OPTIONS, DM_GROUP_WHAT);
    if (box->transactions == NULL) return NULL;
  }
  conf = dm_conf_build(L, PROPERTIES);
  if (conf == NULL) return NULL;
  group = dm_group_new(conf, o, reason, sizeof reason);
  if (group != NULL) return group;
  rd_kafka_conf_destroy(conf);
  dm_error_return(L, rd_kafka_last_error(), DM_GROUP_WHAT ": %s", reason);
  return NULL;
}

int dm_group_lua (lua_State *L) {
  dm_group_options o;
  dm_group_box *box;
  int emitter;
  lua_settop(L, 1);
  o = dm_group_options_read(L, OPTIONS);
  dm_group_properties_push(L, OPTIONS);
  if (lua_getfield(L, OPTIONS, "topics") != LUA_TTABLE)
    return luaL_error(L, DM_GROUP_WHAT ": topics: a list expected");
  o.topics = dm_group_topics_read(L, PROPERTIES + 1);
  lua_getfield(L, OPTIONS, "emitter");
  emitter = lua_gettop(L);
  box = push_box(L, o.engine.lanes);
  lua_pushvalue(L, emitter);
  lua_setiuservalue(L, -2, EMITTER);
  box->emitter = o.emitter = dm_emitter_borrow(L, emitter);
  box->is_exactly_once = dm_group_is_exactly_once(L, OPTIONS);
  box->group = new_group(L, box, &o);
  forget_transactions(box);
  if (box->group == NULL) {
    dm_emitter_return(L, emitter);
    return 2;
  }
  box->state->clients++;
  if (!dm_limit_ready())
    dm_feed_add(dm_group_feed(box->group), 4,
                "no real-time signal is free: the time of handlers is not limited");
  return 1;
}

/* -- The end ---------------------------------------------------------------------------------- */

static void free_contents (dm_group_box *box) {
  free(box->servings);
  free(box->source);
  free(box->name);
  box->servings = NULL;
  box->source = box->name = NULL;
}

/* Ends everything, or as much as ends until the deadline; false: threads are left. */
static bool end (lua_State *L, dm_group_box *box, int idx, dm_deadline deadline) {
  dm_group *group = box->group;
  dm_group_box_stop(L, box);
  if (!dm_group_await_end(L, group, deadline)) {
    dm_group_kill(group);
    if (!dm_group_join(group, 1000)) return false;
  }
  if (!dm_group_join_workers(box, deadline)) return false;
  dm_group_close_servings(box);
  dm_group_free(group);
  box->group = NULL;
  box->state->clients--;
  lua_getiuservalue(L, idx, EMITTER);
  dm_emitter_return(L, -1);
  lua_pop(L, 1);
  return true;
}

/* group:close([timeout]) -> true, or false when a handler does not end */
static int group_close (lua_State *L) {
  dm_group_box *box = luaL_checkudata(L, 1, DM_GROUP_TYPE);
  dm_deadline deadline = dm_deadline_in(dm_duration_opt(L, 2, "30s"));
  bool ended;
  if (box->group != NULL) dm_group_check_idle(L, box, "close");
  ended = box->group == NULL || end(L, box, 1, deadline);
  lua_pushboolean(L, ended);
  return 1;
}

/* __close passes the error as a second argument, which is no timeout. */
static int group_leave (lua_State *L) {
  lua_settop(L, 1);
  return group_close(L);
}

static int group_gc (lua_State *L) {
  dm_group_box *box = lua_touserdata(L, 1);
  if (box->group != NULL) {
    fprintf(stderr, "docmsg: " DM_GROUP_WHAT " '%s' was not closed\n", box->name);
    dm_group_kill(box->group);
    if (!end(L, box, 1, dm_deadline_in(FORGOTTEN_MS))) return 0; /* better a leak than a crash */
  }
  forget_transactions(box);
  free_contents(box);
  return 0;
}

void dm_group_lua_open (lua_State *L) {
  static const luaL_Reg methods[] = {
    { "close", group_close }, { "ended", dm_group_ended_lua },
    { "handle", dm_group_handle_lua }, { "join", dm_group_join_lua },
    { "kill", dm_group_kill_lua }, { "notes", dm_group_notes_lua },
    { "serve", dm_group_serve_lua }, { "start", dm_group_start_lua },
    { "stats", dm_group_stats_lua }, { "step", dm_group_step_lua },
    { "stop", dm_group_stop_lua }, { "subscribe", dm_group_subscribe_lua },
    { "sweep", dm_group_sweep_lua }, { "trouble", dm_group_trouble_lua }, { NULL, NULL },
  };
  static const luaL_Reg metamethods[] = {
    { "__gc", group_gc }, { "__close", group_leave }, { NULL, NULL },
  };
  dm_metatable_new(L, DM_GROUP_TYPE);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
