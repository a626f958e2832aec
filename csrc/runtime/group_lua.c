/* SPDX-License-Identifier: MIT */
#include "runtime/group_lua.h"

#include <lauxlib.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/metatable.h"
#include "kafka/clock.h"
#include "kafka/conf.h"
#include "kafka/error.h"
#include "kafka/interrupt.h"
#include "kafka/offsets.h"
#include "kafka/option.h"
#include "kafka/property.h"
#include "kafka/state.h"
#include "runtime/emitter_lua.h"
#include "runtime/group.h"
#include "runtime/group_stats_lua.h"
#include "runtime/group_tally_lua.h"
#include "runtime/notes_lua.h"
#include "runtime/serving.h"
#include "runtime/state_lua.h"
#include "runtime/transactor_lua.h"

#define GROUP_TYPE "docmsg.Group"
#define WHAT "runtime.group"
#define EMITTER 1 /* user value */

/* How long a group that nobody closed may take. */
#define FORGOTTEN_MS 5000

/* How long a step begins one handler after the other. */
#define STEP_MS 1000

typedef struct group_box {
  dm_group *group; /* NULL: closed */
  dm_emitter *emitter;
  rd_kafka_conf_t *transactions; /* exactly-once, while the group is made */
  dm_state *state;
  char *name, *source;
  bool is_exactly_once;
  int lanes;
  dm_serving *servings;   /* by lane */
} group_box;

static const dm_option options[] = {
  { "bootstrap_servers", DM_OPTION_STRINGS, 0, 0 },
  { "client_id", DM_OPTION_STRING, 0, 0 },
  { "commit", DM_OPTION_DURATION, 0, 0 },
  { "dead_letters", DM_OPTION_STRING, 0, 0 },
  { "drain", DM_OPTION_DURATION, 0, 0 },
  { "emitter", DM_OPTION_ANY, 0, 0 },
  { "exit_when_stuck", DM_OPTION_BOOLEAN, 0, 0 },
  { "group", DM_OPTION_STRING, 0, 0 },
  { "insecure_tls", DM_OPTION_BOOLEAN, 0, 0 },
  { "instance_id", DM_OPTION_STRING, 0, 0 },
  { "kafka", DM_OPTION_TABLE, 0, 0 },
  { "lanes", DM_OPTION_INTEGER, 1, DM_LANES_MAX },
  { "order", DM_OPTION_STRING, 0, 0 },
  { "partitions", DM_OPTION_INTEGER, 1, INT_MAX },
  { "revoke", DM_OPTION_DURATION, 0, 0 },
  { "source", DM_OPTION_STRING, 0, 0 },
  { "start", DM_OPTION_STRING, 0, 0 },
  { "topics", DM_OPTION_TABLE, 0, 0 },
  { "transactions", DM_OPTION_TABLE, 0, 0 },
  { NULL, DM_OPTION_ANY, 0, 0 },
};

/* How much is read ahead in all: what is handled in a tenth of a second, and stays in the caches of the
** processor until then. librdkafka stops fetching a partition that has its share. */
#define QUEUED_RECORDS 20000
#define QUEUED_KBYTES 16384

/* How much is fetched at once in all: large fetches are fewer, but come on top of what is read ahead. */
#define FETCH_BYTES (6 << 20)

/* The least share of a partition: most of them may be another member's. */
#define SHARE_RECORDS 500
#define SHARE_KBYTES 256
#define SHARE_BYTES (256 << 10)

/* After so many milliseconds librdkafka looks again, where it can be told. */
#define LOOK_AGAIN "fetch.queue.backoff.ms"
#define LOOK_AGAIN_MS "20"

/* A broker answers one fetch at a time: what asks for partitions that have no more records holds up
** all others of the broker that have less than their share now. Who sets one of the two properties has
** a wait in mind. */
#define FETCH_WAIT_MS "50"

/* How many partitions there are when nobody says so. */
#define PARTITIONS 32

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

static bool is_exactly_once (lua_State *L) {
  bool is = lua_getfield(L, 1, "transactions") != LUA_TNIL;
  lua_pop(L, 1);
  return is;
}

static dm_group_options read_options (lua_State *L) {
  dm_group_options o = {
    .name = dm_option_string(L, 1, "group"),
    .engine = { .order = read_order(L), .lanes = (int)dm_option_integer(L, 1, "lanes", 1) },
    .dead_letters = dm_option_string(L, 1, "dead_letters"),
    .commit_ms = dm_option_duration(L, 1, "commit", is_exactly_once(L) ? "100ms" : "1s"),
    .revoke_ms = dm_option_duration(L, 1, "revoke", "5s"),
    .drain_ms = dm_option_duration(L, 1, "drain", "25s"),
    .exit_when_stuck = dm_option_flag(L, 1, "exit_when_stuck"),
  };
  if (o.name == NULL) luaL_error(L, WHAT ": group: a string expected");
  return o;
}

static void set_property (lua_State *L, const char *name, const char *value) {
  lua_pushstring(L, value);
  lua_setfield(L, 2, name);
}

static bool is_set (lua_State *L, const char *name) {
  bool set = lua_getfield(L, 2, name) != LUA_TNIL;
  lua_pop(L, 1);
  return set;
}

/* The part of one partition, as text. */
static const char *share (char text[24], lua_Integer all, lua_Integer partitions,
                          lua_Integer least) {
  lua_Integer part = all / partitions;
  snprintf(text, 24, "%lld", (long long)(part < least ? least : part));
  return text;
}

/* Pushes the properties for what the options leave open. */
static void collect_presets (lua_State *L) {
  lua_Integer partitions = dm_option_integer(L, 1, "partitions", PARTITIONS);
  char records[24], kbytes[24], bytes[24];
  const dm_preset presets[] = {
    { "auto.offset.reset", "earliest" },
    { "queued.min.messages", share(records, QUEUED_RECORDS, partitions, SHARE_RECORDS) },
    { "queued.max.messages.kbytes", share(kbytes, QUEUED_KBYTES, partitions, SHARE_KBYTES) },
    { "fetch.message.max.bytes", share(bytes, FETCH_BYTES, partitions, SHARE_BYTES) },
    { dm_property_is_known(L, LOOK_AGAIN) ? LOOK_AGAIN : NULL, LOOK_AGAIN_MS },
    { NULL, NULL },
  };
  dm_conf_collect(L, 1, WHAT, DM_SCOPE_CONSUMER, presets);
}

/* Leaves the properties at 2. What would break the guarantee is set last. */
static void collect_properties (lua_State *L) {
  collect_presets(L);
  dm_conf_set_id(L, 1, WHAT, "group", "group.id");
  dm_conf_set_id(L, 1, WHAT, "instance_id", "group.instance.id");
  if (dm_option_string(L, 1, "start") != NULL)
    set_property(L, "auto.offset.reset", dm_option_string(L, 1, "start"));
  set_property(L, "enable.auto.commit", "false");
  set_property(L, "enable.auto.offset.store", "false");
  if (is_exactly_once(L)) set_property(L, "isolation.level", "read_committed");
  if (!is_set(L, "fetch.wait.max.ms") && !is_set(L, "fetch.min.bytes"))
    set_property(L, "fetch.wait.max.ms", FETCH_WAIT_MS);
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

static void forget_transactions (group_box *box) {
  if (box->transactions != NULL) rd_kafka_conf_destroy(box->transactions);
  box->transactions = NULL;
}

/* The group, or NULL after pushing nil and an error. */
static dm_group *new_group (lua_State *L, group_box *box, dm_group_options *o) {
  rd_kafka_conf_t *conf;
  char reason[512];
  dm_group *group;
  if (box->is_exactly_once) {
    o->transactions = box->transactions = dm_transactor_conf(L, 1, WHAT);
    if (box->transactions == NULL) return NULL;
  }
  conf = dm_conf_build(L, 2);
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
  box->is_exactly_once = is_exactly_once(L);
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

/* -- Serving ---------------------------------------------------------------------------------- */

static const dm_option limit_options[] = {
  { "instructions", DM_OPTION_INTEGER, 0, LUA_MAXINTEGER },
  { "timeout_ms", DM_OPTION_INTEGER, 0, INT_MAX },
  { NULL, DM_OPTION_ANY, 0, 0 },
};

/* The limits of a run in the table at arg; without it there are none. */
static dm_limits check_limits (lua_State *L, int arg) {
  if (lua_isnoneornil(L, arg)) return (dm_limits){ 0, 0 };
  dm_option_check(L, arg, WHAT ": limits", limit_options);
  return (dm_limits){
    .timeout_ms = dm_option_integer(L, arg, "timeout_ms", 0),
    .instructions = dm_option_integer(L, arg, "instructions", 0),
  };
}

/* The serving of the lane; opened at first use. */
static dm_serving *open_serving (lua_State *L, const group_box *box, lua_Integer lane) {
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
static int group_serve (lua_State *L) {
  group_box *box = check_box(L);
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
static int group_handle (lua_State *L) {
  group_box *box = check_box(L);
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
static int group_sweep (lua_State *L) {
  const group_box *box = check_box(L);
  bool swept = true;
  for (int i = 0; i < box->lanes; i++)
    if (box->servings[i].open) swept = dm_handler_sweep(&box->servings[i].handler) && swept;
  lua_pushboolean(L, swept);
  return 1;
}

typedef struct step_watch {
  lua_State *L;
  dm_watch watch;
  int64_t until_ms;   /* when no further work begins; 0: none has begun yet */
} step_watch;

static bool is_interrupted (step_watch *it) {
  return dm_watch_pending(it->L, &it->watch);
}

/* What a lane was given goes back after a while: the calling thread has more to look after, such as
** other groups, and to say that it is alive. */
static bool is_over (void *arg, int64_t now_ms) {
  step_watch *it = arg;
  if (it->until_ms == 0) it->until_ms = now_ms + STEP_MS;
  return is_interrupted(it) || now_ms > it->until_ms;
}

/* Raises when a handler of the group runs on the calling thread and calls 'what'. */
static void check_idle (lua_State *L, const group_box *box, const char *what) {
  const dm_serving *serving = &box->servings[0];
  if (serving->worker == NULL && serving->handler.work != NULL)
    luaL_error(L, "%s: called by a handler of this group", what);
}

/* group:step(timeout) -> how many records were handled: waits for the first, runs what is there for
** about a second at most */
static int group_step (lua_State *L) {
  group_box *box = check_box(L);
  dm_deadline deadline = dm_deadline_in(dm_duration_opt(L, 2, "0"));
  step_watch it = { .L = L, .watch = dm_watch_begin(L) };
  dm_handler *handler = &box->servings[0].handler;
  int count;
  if (!handler->loaded || box->servings[0].worker != NULL)
    return luaL_error(L, "step: the calling thread serves no lane of this group");
  check_idle(L, box, "step");
  luaL_checkstack(L, 20, NULL);
  handler->caller = L;
  do count = dm_handler_serve(handler, dm_deadline_slice(deadline), is_over, &it);
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

/* group:subscribe(topics): from now on to these, and no others */
static int group_subscribe (lua_State *L) {
  group_box *box = check_box(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  if (!dm_group_subscribe(box->group, read_topics(L, 2))) return luaL_error(L, "not enough memory");
  return 0;
}

/* Begins the end. The calling thread may not serve any more: what it keeps for a batch goes back. */
static void stop (lua_State *L, group_box *box) {
  dm_serving *serving = &box->servings[0];
  dm_group_stop(box->group);
  if (serving->open && serving->worker == NULL) dm_handler_give_back(&serving->handler, L);
}

/* group:stop(): running records settle, what is due is committed, the member leaves */
static int group_stop (lua_State *L) {
  stop(L, check_box(L));
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
  for (int i = 0; i < box->lanes; i++) dm_lane_stop(dm_group_lane(box->group, i));
  for (int i = 0; i < box->lanes; i++)
    all = dm_serving_join(&box->servings[i], dm_deadline_left(deadline)) && all;
  return all;
}

static void close_servings (group_box *box) {
  for (int i = 0; i < box->lanes; i++) dm_serving_close(&box->servings[i]);
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
  stop(L, box);
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
  forget_transactions(box);
  free_names(box);
  return 0;
}

/* -- What is told ----------------------------------------------------------------------------- */

/* group:stats() -> figures, see docmsg.GroupStats */
static int group_stats (lua_State *L) {
  dm_group *group = check_box(L)->group;
  dm_group_stats_push(L, group);
  dm_group_tally_set(L, group);
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
    { "join", group_join },   { "kill", group_kill },   { "notes", group_notes },
    { "serve", group_serve }, { "start", group_start }, { "stats", group_stats },
    { "step", group_step },   { "stop", group_stop },   { "subscribe", group_subscribe },
    { "sweep", group_sweep }, { "trouble", group_trouble }, { NULL, NULL },
  };
  static const luaL_Reg metamethods[] = {
    { "__gc", group_gc }, { "__close", group_leave }, { NULL, NULL },
  };
  dm_metatable_new(L, GROUP_TYPE);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
