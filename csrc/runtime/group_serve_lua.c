/* SPDX-License-Identifier: MIT */
#include "runtime/group_lua_parts.h"

#include <lauxlib.h>
#include <limits.h>

#include "kafka/clock.h"
#include "kafka/interrupt.h"
#include "kafka/option.h"
#include "runtime/state_lua.h"

/* How long a step begins one handler after the other. */
#define STEP_MS 1000

static const dm_option limit_options[] = {
  { "instructions", DM_OPTION_INTEGER, 0, LUA_MAXINTEGER },
  { "timeout_ms", DM_OPTION_INTEGER, 0, INT_MAX },
  { NULL, DM_OPTION_ANY, 0, 0 },
};

/* The limits of a run in the table at arg; without it there are none. */
static dm_limits check_limits (lua_State *L, int arg) {
  if (lua_isnoneornil(L, arg)) return (dm_limits){ 0, 0 };
  dm_option_check(L, arg, DM_GROUP_WHAT ": limits", limit_options);
  return (dm_limits){
    .timeout_ms = dm_option_integer(L, arg, "timeout_ms", 0),
    .instructions = dm_option_integer(L, arg, "instructions", 0),
  };
}

/* The serving of the lane; opened at first use. */
static dm_serving *open_serving (lua_State *L, const dm_group_box *box, lua_Integer lane) {
  dm_serving *serving = &box->servings[lane - 1];
  if (serving->open) return serving;
  serving->handler = (dm_handler){
    .lane = dm_group_lane(box->group, (int)lane - 1),
    .emitter = box->emitter,
    .by = { .source = box->source, .group = box->name },
    .give_up = dm_group_killed(box->group),
    .keeps_emits = box->is_exactly_once,
  };
  if (!dm_serving_open(serving)) luaL_error(L, "not enough memory");
  return serving;
}

/* group:serve(lane, state [, limits]): a worker with that state runs the handlers of the lane; when
** there is one already, it goes over to the state between two records */
int dm_group_serve_lua (lua_State *L) {
  dm_group_box *box = dm_group_box_check(L);
  lua_Integer lane = luaL_checkinteger(L, 2);
  dm_limits limits = check_limits(L, 4);
  dm_serving *serving;
  dm_script *script;
  luaL_argcheck(L, lane >= 1 && lane <= box->lanes, 2, "no such lane");
  serving = &box->servings[lane - 1];
  luaL_argcheck(L, !serving->handler.loaded || serving->worker != NULL, 2,
                "the calling thread serves it");
  serving = open_serving(L, box, lane);
  script = dm_script_of_state(L, dm_state_take(L, 3), &serving->handler, limits);
  if (script == NULL) return lua_error(L);
  dm_handler_load(&serving->handler, script);
  if (serving->worker != NULL || dm_serving_start(serving)) return 0;
  dm_serving_close(serving);
  return luaL_error(L, "no thread could be started");
}

/* group:handle(dispatch [, limits]): the calling thread runs the handlers of lane 1, by group:step;
** again: with another function */
int dm_group_handle_lua (lua_State *L) {
  dm_group_box *box = dm_group_box_check(L);
  dm_limits limits = check_limits(L, 3);
  dm_serving *serving;
  luaL_checktype(L, 2, LUA_TFUNCTION);
  luaL_argcheck(L, box->servings[0].worker == NULL, 1, "a worker serves lane 1");
  serving = open_serving(L, box, 1);
  lua_settop(L, 2);
  dm_handler_load(&serving->handler, dm_script_new(L, &serving->handler, limits));
  return 0;
}

/* group:sweep() -> boolean: do all lanes run what they were given last? Closes what was replaced */
int dm_group_sweep_lua (lua_State *L) {
  const dm_group_box *box = dm_group_box_check(L);
  bool swept = true;
  for (int i = 0; i < box->lanes; i++)
    if (box->servings[i].open) swept = dm_handler_sweep(&box->servings[i].handler) && swept;
  lua_pushboolean(L, swept);
  return 1;
}

/* Slots of group:step. */
enum { SLOT_GROUP = 1, SLOT_TIMEOUT, SLOT_THROWN };

typedef struct step_watch {
  lua_State *L;
  dm_watch watch;
  int64_t until_ms;   /* when no further work begins; 0: none has begun yet */
} step_watch;

static bool is_interrupted (step_watch *it) {
  return dm_watch_pending(it->L, &it->watch) || !lua_isnil(it->L, SLOT_THROWN);
}

/* What a lane was given goes back after a while: the calling thread has more to look after, such as
** other groups, and to say that it is alive. */
static bool is_over (void *arg, int64_t now_ms) {
  step_watch *it = arg;
  if (it->until_ms == 0) it->until_ms = now_ms + STEP_MS;
  return is_interrupted(it) || now_ms > it->until_ms;
}

void dm_group_check_idle (lua_State *L, const dm_group_box *box, const char *what) {
  const dm_serving *serving = &box->servings[0];
  if (serving->worker == NULL && serving->handler.work != NULL)
    luaL_error(L, "%s: called by a handler of this group", what);
}

/* group:step(timeout) -> how many records were handled: waits for the first, runs what is there for
** about a second at most. Raises what has interrupted a handler, whose record will be handled again */
int dm_group_step_lua (lua_State *L) {
  dm_group_box *box = dm_group_box_check(L);
  dm_deadline deadline = dm_deadline_in(dm_duration_opt(L, 2, "0"));
  step_watch it = { .L = L, .watch = dm_watch_begin(L) };
  dm_handler *handler = &box->servings[0].handler;
  int count;
  lua_settop(L, SLOT_TIMEOUT); /* without more arguments */
  lua_settop(L, SLOT_THROWN);
  if (!handler->loaded || box->servings[0].worker != NULL)
    return luaL_error(L, "step: the calling thread serves no lane of this group");
  dm_group_check_idle(L, box, "step");
  luaL_checkstack(L, 20, NULL);
  handler->caller = L;
  handler->thrown = SLOT_THROWN;
  do count = dm_handler_serve(handler, dm_deadline_slice(deadline), is_over, &it);
  while (count < 0 && dm_deadline_left(deadline) > 0 && !is_interrupted(&it));
  handler->thrown = 0;
  if (!lua_isnil(L, SLOT_THROWN)) {
    lua_settop(L, SLOT_THROWN);
    return lua_error(L);
  }
  dm_watch_check(L, &it.watch);
  lua_pushinteger(L, count > 0 ? count : 0);
  return 1;
}

bool dm_group_join_workers (dm_group_box *box, dm_deadline deadline) {
  bool all = true;
  for (int i = 0; i < box->lanes; i++) dm_lane_stop(dm_group_lane(box->group, i));
  for (int i = 0; i < box->lanes; i++)
    all = dm_serving_join(&box->servings[i], dm_deadline_left(deadline)) && all;
  return all;
}

void dm_group_close_servings (dm_group_box *box) {
  for (int i = 0; i < box->lanes; i++) dm_serving_close(&box->servings[i]);
}
