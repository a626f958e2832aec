/* SPDX-License-Identifier: MIT */
#include "runtime/group_lua.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/clock.h"
#include "kafka/conf.h"
#include "kafka/error.h"
#include "kafka/interrupt.h"
#include "kafka/offsets.h"
#include "kafka/option.h"
#include "kafka/state.h"
#include "runtime/emitter_lua.h"
#include "runtime/group.h"
#include "runtime/group_stats_lua.h"
#include "runtime/handler.h"
#include "runtime/module.h"
#include "runtime/notes_lua.h"
#include "runtime/state_lua.h"
#include "worker/worker.h"

#define GROUP_TYPE "docmsg.Group"
#define WHAT "runtime.group"
#define EMITTER 1 /* user value */

/* How long a group that nobody closed may take. */
#define FORGOTTEN_MS 5000

/* One lane and what serves it: a worker, or, with none, the calling thread. */
typedef struct serving {
  dm_handler handler;
  dm_worker *worker;
  bool open;
} serving;

typedef struct group_box {
  dm_group *group; /* NULL: closed */
  dm_emitter *emitter;
  dm_state *state;
  char *name, *source;
  int lanes;
  serving *servings;
} group_box;

static const dm_option options[] = {
  { "bootstrap_servers", DM_OPTION_STRINGS, 0, 0 },
  { "client_id", DM_OPTION_STRING, 0, 0 },
  { "commit", DM_OPTION_DURATION, 0, 0 },
  { "dead_letters", DM_OPTION_STRING, 0, 0 },
  { "drain", DM_OPTION_DURATION, 0, 0 },
  { "emitter", DM_OPTION_ANY, 0, 0 },
  { "group", DM_OPTION_STRING, 0, 0 },
  { "insecure_tls", DM_OPTION_BOOLEAN, 0, 0 },
  { "instance_id", DM_OPTION_STRING, 0, 0 },
  { "kafka", DM_OPTION_TABLE, 0, 0 },
  { "lanes", DM_OPTION_INTEGER, 1, DM_LANES_MAX },
  { "order", DM_OPTION_STRING, 0, 0 },
  { "revoke", DM_OPTION_DURATION, 0, 0 },
  { "source", DM_OPTION_STRING, 0, 0 },
  { "start", DM_OPTION_STRING, 0, 0 },
  { "topics", DM_OPTION_TABLE, 0, 0 },
  { NULL, DM_OPTION_ANY, 0, 0 },
};

/* Queues count per partition here: enough to keep a lane busy between two fetches. */
static const dm_preset presets[] = {
  { "auto.offset.reset", "earliest" },
  { "queued.min.messages", "2000" },
  { "queued.max.messages.kbytes", "4096" },
  { "fetch.message.max.bytes", "262144" },
  { NULL, NULL },
};

static group_box *check_box (lua_State *L) {
  group_box *box = luaL_checkudata(L, 1, GROUP_TYPE);
  if (box->group == NULL) luaL_error(L, "this group is closed");
  return box;
}

/* -- Construction ----------------------------------------------------------------------------- */

static dm_order read_order (lua_State *L) {
  static const char *const orders[] = { "key", "partition", "none", NULL };
  const char *order = dm_option_string(L, 1, "order");
  if (order == NULL) return DM_ORDER_KEY;
  for (int i = 0; orders[i] != NULL; i++)
    if (strcmp(order, orders[i]) == 0) return (dm_order)i;
  luaL_error(L, WHAT ": order: \"key\", \"partition\" or \"none\" expected, got \"%s\"", order);
  return DM_ORDER_KEY;
}

static dm_group_options read_options (lua_State *L) {
  dm_group_options o = {
    .name = dm_option_string(L, 1, "group"),
    .engine = { .order = read_order(L), .lanes = (int)dm_option_integer(L, 1, "lanes", 1) },
    .dead_letters = dm_option_string(L, 1, "dead_letters"),
    .commit_ms = dm_option_duration(L, 1, "commit", "1s"),
    .revoke_ms = dm_option_duration(L, 1, "revoke", "5s"),
    .drain_ms = dm_option_duration(L, 1, "drain", "25s"),
  };
  if (o.name == NULL) luaL_error(L, WHAT ": group: a string expected");
  return o;
}

static void set_property (lua_State *L, const char *name, const char *value) {
  lua_pushstring(L, value);
  lua_setfield(L, 2, name);
}

/* Leaves the properties at 2. What would break the guarantee is set last. */
static void collect_properties (lua_State *L) {
  dm_conf_collect(L, 1, WHAT, DM_SCOPE_CONSUMER, presets);
  dm_conf_set_id(L, 1, WHAT, "group", "group.id");
  dm_conf_set_id(L, 1, WHAT, "instance_id", "group.instance.id");
  if (dm_option_string(L, 1, "start") != NULL)
    set_property(L, "auto.offset.reset", dm_option_string(L, 1, "start"));
  set_property(L, "enable.auto.commit", "false");
  set_property(L, "enable.auto.offset.store", "false");
  if (dm_option_string(L, 2, "partition.assignment.strategy") == NULL)
    set_property(L, "partition.assignment.strategy", dm_conf_default_strategy());
}

/* Reads the topics at idx: names and patterns.  [-0, +1, e] */
static rd_kafka_topic_partition_list_t *read_topics (lua_State *L, int idx) {
  rd_kafka_topic_partition_list_t **list = dm_offsets_box(L);
  lua_Integer count = luaL_len(L, idx);
  if (count == 0) luaL_error(L, WHAT ": topics: the list is empty");
  *list = rd_kafka_topic_partition_list_new((int)count);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_geti(L, idx, i);
    rd_kafka_topic_partition_list_add(*list, dm_topic_check(L, -1, WHAT ": topics"),
                                      RD_KAFKA_PARTITION_UA);
    lua_pop(L, 1);
  }
  return *list;
}

static group_box *push_box (lua_State *L, int lanes) {
  group_box *box = lua_newuserdatauv(L, sizeof *box, 1);
  *box = (group_box){ .state = dm_state_get(L), .lanes = lanes };
  luaL_setmetatable(L, GROUP_TYPE);
  box->name = strdup(dm_option_string(L, 1, "group"));
  box->source = strdup(dm_option_string(L, 1, "source") != NULL ? dm_option_string(L, 1, "source")
                                                                : dm_option_string(L, 1, "group"));
  box->servings = calloc((size_t)lanes, sizeof *box->servings);
  if (box->name == NULL || box->source == NULL || box->servings == NULL)
    luaL_error(L, "not enough memory");
  return box;
}

/* The group, or NULL after pushing nil and an error. */
static dm_group *new_group (lua_State *L, const dm_group_options *o) {
  rd_kafka_conf_t *conf = dm_conf_build(L, 2);
  char reason[512];
  dm_group *group;
  if (conf == NULL) return NULL;
  group = dm_group_new(conf, o, reason, sizeof reason);
  if (group != NULL) return group;
  rd_kafka_conf_destroy(conf);
  dm_error_return(L, rd_kafka_last_error(), WHAT ": %s", reason);
  return NULL;
}

int dm_group_lua (lua_State *L) {
  dm_group_options o;
  group_box *box;
  int emitter;
  lua_settop(L, 1);
  dm_option_check(L, 1, WHAT, options);
  o = read_options(L);
  collect_properties(L);
  if (lua_getfield(L, 1, "topics") != LUA_TTABLE)
    return luaL_error(L, WHAT ": topics: a list expected");
  o.topics = read_topics(L, 3);
  lua_getfield(L, 1, "emitter");
  emitter = lua_gettop(L);
  box = push_box(L, o.engine.lanes);
  lua_pushvalue(L, emitter);
  lua_setiuservalue(L, -2, EMITTER);
  box->emitter = o.emitter = dm_emitter_borrow(L, emitter);
  box->group = new_group(L, &o);
  if (box->group == NULL) {
    dm_emitter_return(L, emitter);
    return 2;
  }
  box->state->clients++;
  return 1;
}

/* -- Serving ---------------------------------------------------------------------------------- */

static void prepare_handler (const group_box *box, serving *s, int lane) {
  s->handler = (dm_handler){
    .lane = dm_group_lane(box->group, lane),
    .emitter = box->emitter,
    .by = { .source = box->source, .group = box->name },
    .give_up = dm_group_killed(box->group),
  };
}

static serving *check_lane (lua_State *L, const group_box *box, int arg) {
  lua_Integer lane = luaL_checkinteger(L, arg);
  luaL_argcheck(L, lane >= 1 && lane <= box->lanes, arg, "no such lane");
  luaL_argcheck(L, !box->servings[lane - 1].open, arg, "this lane is served already");
  return &box->servings[lane - 1];
}

static void serve (void *arg) {
  serving *s = arg;
  while (dm_handler_serve(&s->handler, DM_FOREVER, NULL, NULL) >= 0) continue;
}

/* Runs in the worker's state, with its function at 1; the handler is at 2. */
static int open_handler (lua_State *L) {
  dm_handler *handler = lua_touserdata(L, 2);
  lua_settop(L, 1);
  luaL_requiref(L, "docmsg.runtime", luaopen_docmsg_runtime, 0);
  lua_pop(L, 1);
  dm_handler_open(L, handler);
  return 0;
}

/* Readies the state for the handler, protected. False after pushing the error's text on L. */
static bool open_in_state (lua_State *L, dm_worker_state *state, dm_handler *handler) {
  lua_State *W = state->L;
  handler->L = W;
  handler->dispatch = handler->box = LUA_NOREF;
  lua_pushcfunction(W, open_handler);
  lua_insert(W, 1);
  lua_pushlightuserdata(W, handler);
  if (lua_pcall(W, 2, 0, 0) == LUA_OK) return true;
  lua_pushstring(L, lua_tostring(W, -1));
  return false;
}

/* group:serve(lane, state): a worker with that state runs the handlers of the lane */
static int group_serve (lua_State *L) {
  group_box *box = check_box(L);
  serving *s = check_lane(L, box, 2);
  dm_worker_state *state = dm_state_take(L, 3);
  prepare_handler(box, s, (int)(s - box->servings));
  if (!open_in_state(L, state, &s->handler)) {
    if (s->handler.L != NULL) dm_handler_close(&s->handler);
    dm_worker_state_free(state);
    return lua_error(L);
  }
  s->open = true;
  s->worker = dm_worker_new(state);
  if (s->worker == NULL) {
    dm_handler_close(&s->handler);
    dm_worker_state_free(state);
    s->open = false;
    return luaL_error(L, "not enough memory");
  }
  if (!dm_worker_start(s->worker, serve, s)) return luaL_error(L, "no thread could be started");
  return 0;
}

/* group:handle(dispatch): the calling thread runs the handlers of lane 1, by group:step */
static int group_handle (lua_State *L) {
  group_box *box = check_box(L);
  serving *s = &box->servings[0];
  luaL_checktype(L, 2, LUA_TFUNCTION);
  luaL_argcheck(L, !s->open, 1, "lane 1 is served already");
  lua_settop(L, 2);
  prepare_handler(box, s, 0);
  dm_handler_open(L, &s->handler);
  s->open = true;
  return 0;
}

typedef struct step_watch {
  lua_State *L;
  dm_watch watch;
} step_watch;

static bool is_interrupted (void *arg) {
  step_watch *it = arg;
  return dm_watch_pending(it->L, &it->watch);
}

/* Raises when a handler of the group runs on the calling thread and calls 'what'. */
static void check_idle (lua_State *L, const group_box *box, const char *what) {
  const serving *s = &box->servings[0];
  if (s->open && s->worker == NULL && s->handler.work != NULL)
    luaL_error(L, "%s: called by a handler of this group", what);
}

/* group:step(timeout) -> how many records were handled: waits for the first, runs what is there */
static int group_step (lua_State *L) {
  group_box *box = check_box(L);
  dm_deadline deadline = dm_deadline_in(dm_duration_opt(L, 2, "0"));
  step_watch it = { L, dm_watch_begin(L) };
  serving *s = &box->servings[0];
  int count;
  if (!s->open || s->worker != NULL)
    return luaL_error(L, "step: the calling thread serves no lane of this group");
  check_idle(L, box, "step");
  luaL_checkstack(L, 20, NULL);
  s->handler.L = L;
  do count = dm_handler_serve(&s->handler, dm_deadline_slice(deadline), is_interrupted, &it);
  while (count < 0 && dm_deadline_left(deadline) > 0 && !is_interrupted(&it));
  dm_watch_check(L, &it.watch);
  lua_pushinteger(L, count > 0 ? count : 0);
  return 1;
}

/* -- Life ------------------------------------------------------------------------------------- */

/* group:start() -> true | nil, err */
static int group_start (lua_State *L) {
  rd_kafka_resp_err_t error = dm_group_start(check_box(L)->group);
  if (error) return dm_error_return(L, error, WHAT ": %s", rd_kafka_err2str(error));
  lua_pushboolean(L, 1);
  return 1;
}

/* group:stop(): running records settle, what is due is committed, the member leaves */
static int group_stop (lua_State *L) {
  dm_group_stop(check_box(L)->group);
  return 0;
}

/* group:kill(): what did not settle by now stays uncommitted */
static int group_kill (lua_State *L) {
  dm_group_kill(check_box(L)->group);
  return 0;
}

/* Waits for the group's thread in slices, answering Ctrl-C. */
static bool await_end (lua_State *L, dm_group *group, dm_deadline deadline) {
  dm_watch watch = dm_watch_begin(L);
  bool ended;
  while (!(ended = dm_group_join(group, dm_deadline_slice(deadline))) &&
         dm_deadline_left(deadline) > 0)
    dm_watch_check(L, &watch);
  return ended;
}

/* group:ended() -> boolean */
static int group_ended (lua_State *L) {
  lua_pushboolean(L, dm_group_join(check_box(L)->group, 0));
  return 1;
}

/* group:join(timeout) -> boolean: waits until it has ended */
static int group_join (lua_State *L) {
  dm_deadline deadline = dm_deadline_in(dm_duration_opt(L, 2, "forever"));
  lua_pushboolean(L, await_end(L, check_box(L)->group, deadline));
  return 1;
}

/* Ends the threads of the workers whose lanes are stopped. */
static bool join_workers (group_box *box, dm_deadline deadline) {
  bool all = true;
  for (int i = 0; i < box->lanes; i++) {
    serving *s = &box->servings[i];
    if (s->open) dm_lane_stop(s->handler.lane);
  }
  for (int i = 0; i < box->lanes; i++)
    if (box->servings[i].worker != NULL)
      all = dm_worker_join(box->servings[i].worker, dm_deadline_left(deadline)) && all;
  return all;
}

static void close_servings (group_box *box) {
  for (int i = 0; i < box->lanes; i++) {
    serving *s = &box->servings[i];
    if (!s->open) continue;
    dm_handler_close(&s->handler);
    if (s->worker != NULL) dm_worker_free(s->worker);
    *s = (serving){ .open = false };
  }
}

static void free_names (group_box *box) {
  free(box->servings);
  free(box->source);
  free(box->name);
  box->servings = NULL;
  box->source = box->name = NULL;
}

/* Ends everything, or as much as ends until the deadline; false: threads are left. */
static bool end (lua_State *L, group_box *box, int idx, dm_deadline deadline) {
  dm_group *group = box->group;
  dm_group_stop(group);
  if (!await_end(L, group, deadline)) {
    dm_group_kill(group);
    if (!dm_group_join(group, 1000)) return false;
  }
  if (!join_workers(box, deadline)) return false;
  close_servings(box);
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
  group_box *box = luaL_checkudata(L, 1, GROUP_TYPE);
  dm_deadline deadline = dm_deadline_in(dm_duration_opt(L, 2, "30s"));
  bool ended;
  if (box->group != NULL) check_idle(L, box, "close");
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
  group_box *box = lua_touserdata(L, 1);
  if (box->group != NULL) {
    fprintf(stderr, "docmsg: " WHAT " '%s' was not closed\n", box->name);
    dm_group_kill(box->group);
    if (!end(L, box, 1, dm_deadline_in(FORGOTTEN_MS))) return 0; /* better a leak than a crash */
  }
  free_names(box);
  return 0;
}

/* -- What is told ----------------------------------------------------------------------------- */

/* group:stats() -> figures, see docmsg.GroupStats */
static int group_stats (lua_State *L) {
  dm_group_stats stats;
  dm_group_stats_get(check_box(L)->group, &stats);
  dm_group_stats_push(L, &stats);
  return 1;
}

/* group:notes() -> { {level, message}, ... } since the last call */
static int group_notes (lua_State *L) {
  dm_notes_push(L, dm_group_feed(check_box(L)->group));
  return 1;
}

/* group:trouble() -> why the group failed, or nil */
static int group_trouble (lua_State *L) {
  char trouble[512];
  if (!dm_group_trouble(check_box(L)->group, trouble, sizeof trouble)) return 0;
  lua_pushstring(L, trouble);
  return 1;
}

void dm_group_lua_open (lua_State *L) {
  static const luaL_Reg methods[] = {
    { "close", group_close }, { "ended", group_ended }, { "handle", group_handle },
    { "join", group_join },   { "kill", group_kill },
    { "notes", group_notes }, { "serve", group_serve },
    { "start", group_start }, { "stats", group_stats }, { "step", group_step },
    { "stop", group_stop },   { "trouble", group_trouble }, { NULL, NULL },
  };
  static const luaL_Reg metamethods[] = {
    { "__gc", group_gc }, { "__close", group_leave }, { NULL, NULL },
  };
  luaL_newmetatable(L, GROUP_TYPE);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
