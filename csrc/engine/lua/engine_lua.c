/* SPDX-License-Identifier: MIT */
#include "engine/lua/engine_lua.h"

#include <lauxlib.h>
#include <string.h>

#include "base/metatable.h"
#include "engine/lua/entry_lua.h"

#define ENGINE_TYPE "docmsg.Engine"
#define ENTRIES 1 /* user value: entry pointer -> entry, of those that the engine has */

#define RUNNING (1u << DM_ENTRY_RUNNING)
#define DONE (1u << DM_ENTRY_DONE)

typedef struct box {
  dm_engine *engine; /* NULL: closed */
  int lanes, partitions; /* numbers are below */
} box;

/* == Arguments == */

static box *check (lua_State *L) {
  box *b = luaL_checkudata(L, 1, ENGINE_TYPE);
  if (b->engine == NULL) luaL_error(L, "the engine is closed");
  return b;
}

static int check_below (lua_State *L, int arg, int limit, const char *what) {
  lua_Integer n = luaL_checkinteger(L, arg);
  if (n < 0 || n >= limit)
    luaL_argerror(L, arg, lua_pushfstring(L, "there is no %s %I", what, (LUAI_UACINT)n));
  return (int)n;
}

static int check_partition (lua_State *L, const box *b) {
  return check_below(L, 2, b->partitions, "partition");
}

static int check_lane (lua_State *L, const box *b) {
  return check_below(L, 2, b->lanes, "lane");
}

/* == Construction == */

typedef struct limit {
  const char *name;
  lua_Integer max;
} limit;

static const limit limits[] = {
  { "lanes", DM_LANES_MAX },
  { "max_admitted", UINT32_MAX },
  { "max_span", UINT32_MAX },
  { "max_bytes", INT64_MAX },
};

/* The option that a key names: the index of a limit, -1 for the order; raises for another. */
static int check_name (lua_State *L, int idx) {
  const char *name = lua_type(L, idx) == LUA_TSTRING ? lua_tostring(L, idx) : "";
  for (int i = 0; i < (int)(sizeof limits / sizeof limits[0]); i++)
    if (strcmp(name, limits[i].name) == 0) return i;
  if (strcmp(name, "order") != 0)
    luaL_error(L, "engine.new: unknown option '%s'", luaL_tolstring(L, idx, NULL));
  return -1;
}

static lua_Integer check_limit (lua_State *L, int idx, const limit *l) {
  int exact;
  lua_Integer value = lua_tointegerx(L, idx, &exact);
  if (lua_type(L, idx) != LUA_TNUMBER || !exact || value < 1 || value > l->max)
    luaL_error(L, "engine.new: %s: integer within 1..%I expected, got %s", l->name,
               (LUAI_UACINT)l->max, luaL_tolstring(L, idx, NULL));
  return value;
}

static dm_order check_order (lua_State *L, int idx) {
  static const char *const names[] = { "key", "partition", "none" };
  const char *name = lua_type(L, idx) == LUA_TSTRING ? lua_tostring(L, idx) : "";
  for (int i = 0; i < 3; i++)
    if (strcmp(name, names[i]) == 0) return (dm_order)i;
  return (dm_order)luaL_error(L, "engine.new: order: 'key', 'partition' or 'none' expected, got %s",
                              luaL_tolstring(L, idx, NULL));
}

/* Takes the option whose name and value are on the top of the stack. */
static void take_option (lua_State *L, dm_engine_options *options) {
  int option = check_name(L, -2);
  lua_Integer value = option < 0 ? 0 : check_limit(L, -1, &limits[option]);
  switch (option) {
    case 0: options->lanes = (int)value; break;
    case 1: options->max_admitted = (uint32_t)value; break;
    case 2: options->max_span = (uint32_t)value; break;
    case 3: options->max_bytes = (uint64_t)value; break;
    default: options->order = check_order(L, -1);
  }
}

static int new (lua_State *L) {
  dm_engine_options options = { .lanes = 1 };
  box *b;
  lua_settop(L, 1);
  if (!lua_isnil(L, 1)) {
    luaL_checktype(L, 1, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) take_option(L, &options);
  }
  b = lua_newuserdatauv(L, sizeof *b, 1);
  *b = (box){ .lanes = options.lanes };
  luaL_setmetatable(L, ENGINE_TYPE);
  lua_newtable(L);
  lua_setiuservalue(L, -2, ENTRIES);
  b->engine = dm_engine_new(&options);
  if (b->engine == NULL) return luaL_error(L, "not enough memory");
  return 1;
}

static int engine_close (lua_State *L) {
  box *b = luaL_checkudata(L, 1, ENGINE_TYPE);
  dm_engine_free(b->engine);
  b->engine = NULL;
  return 0;
}

/* == Partitions == */

static int engine_assign (lua_State *L) {
  box *b = check(L);
  int partition = dm_engine_assign(b->engine, luaL_optinteger(L, 2, -1));
  if (partition == -1) return luaL_error(L, "not enough memory");
  if (partition >= b->partitions) b->partitions = partition + 1;
  lua_pushinteger(L, partition);
  return 1;
}

/* Takes notes only: nothing may raise while the engine works. */
static void note_dropped (void *arg, dm_entry *entry) {
  dm_lua_entry **last = arg, *e = (dm_lua_entry *)entry;
  e->next = *last;
  *last = e;
}

typedef void (*ending) (dm_engine *e, int partition, dm_engine_drop drop, void *arg);

/* Ends a partition and pushes the list of what it dropped. */
static int end_partition (lua_State *L, ending end) {
  box *b = check(L);
  int partition = check_partition(L, b);
  dm_lua_entry *dropped = NULL;
  lua_settop(L, 2);
  lua_newtable(L);
  end(b->engine, partition, note_dropped, &dropped);
  for (lua_Integer i = 1; dropped != NULL; i++, dropped = dropped->next) {
    dm_entry_push_anchored(L, 1, &dropped->entry);
    lua_rawseti(L, -2, i);
    dm_entry_release(L, 1, &dropped->entry);
  }
  return 1;
}

static int engine_drain (lua_State *L) {
  return end_partition(L, dm_engine_drain);
}

static int engine_revoke (lua_State *L) {
  return end_partition(L, dm_engine_revoke);
}

static int engine_idle (lua_State *L) {
  box *b = check(L);
  lua_pushboolean(L, dm_engine_idle(b->engine, check_partition(L, b)));
  return 1;
}

/* == Records == */

static const char *const refusals[] = {
  [DM_NOT_ASSIGNED] = "not_assigned", [DM_OUT_OF_ORDER] = "out_of_order"
};

static int engine_admit (lua_State *L) {
  box *b = check(L);
  lua_Integer now = luaL_checkinteger(L, 3);
  dm_entry *entry;
  dm_admission admission;
  luaL_checktype(L, 2, LUA_TTABLE);
  entry = &dm_entry_push(L, 1, 2)->entry;
  admission = entry->partition < b->partitions ? dm_engine_admit(b->engine, entry, now)
                                               : DM_NOT_ASSIGNED;
  if (admission == DM_ADMITTED) return 1;
  dm_entry_release(L, 1, entry);
  if (admission == DM_NO_MEMORY) return luaL_error(L, "not enough memory");
  lua_pushnil(L);
  lua_pushstring(L, refusals[admission]);
  return 2;
}

static int engine_next (lua_State *L) {
  box *b = check(L);
  int lane = check_lane(L, b);
  const dm_entry *entry = dm_engine_next(b->engine, lane, luaL_checkinteger(L, 3));
  if (entry == NULL) lua_pushnil(L);
  else dm_entry_push_anchored(L, 1, entry);
  return 1;
}

static int engine_ready (lua_State *L) {
  box *b = check(L);
  lua_pushboolean(L, dm_engine_ready(b->engine, check_lane(L, b)));
  return 1;
}

static int engine_done (lua_State *L) {
  box *b = check(L);
  dm_engine_done(b->engine, dm_entry_check(L, 1, 2, RUNNING, "done"));
  return 0;
}

/* Pushes whether the engine accepted it; lets go of what it no longer has. */
static int conclude (lua_State *L, const dm_entry *entry, bool accepted) {
  if (entry->state == DM_ENTRY_FREE) dm_entry_release(L, 1, entry);
  lua_pushboolean(L, accepted);
  return 1;
}

static int engine_settle (lua_State *L) {
  static const char *const outcomes[] = { "ack", "dead", "skip", "cancelled", NULL };
  box *b = check(L);
  dm_entry *entry = dm_entry_check(L, 1, 2, RUNNING | DONE, "settled");
  dm_outcome outcome = (dm_outcome)luaL_checkoption(L, 3, NULL, outcomes);
  lua_Integer now = luaL_checkinteger(L, 4);
  return conclude(L, entry, dm_engine_settle(b->engine, entry, outcome, now));
}

static int engine_retry (lua_State *L) {
  box *b = check(L);
  dm_entry *entry = dm_entry_check(L, 1, 2, RUNNING, "retried");
  lua_Integer due = luaL_checkinteger(L, 3), now = luaL_checkinteger(L, 4);
  return conclude(L, entry, dm_engine_retry(b->engine, entry, due, now));
}

static int engine_unrun (lua_State *L) {
  box *b = check(L);
  dm_entry *entry = dm_entry_check(L, 1, 2, RUNNING, "given back");
  return conclude(L, entry, dm_engine_unrun(b->engine, entry));
}

static int engine_due (lua_State *L) {
  int64_t due = dm_engine_due(check(L)->engine);
  if (due == INT64_MAX) lua_pushnil(L);
  else lua_pushinteger(L, due);
  return 1;
}

/* == Commits and holding back == */

static int engine_commit (lua_State *L) {
  dm_commit commit;
  if (!dm_engine_commit(check(L)->engine, &commit)) return 0;
  lua_pushinteger(L, commit.partition);
  lua_pushinteger(L, commit.offset);
  return 2;
}

static int engine_recommit (lua_State *L) {
  box *b = check(L);
  dm_engine_recommit(b->engine, check_partition(L, b));
  return 0;
}

static int engine_committable (lua_State *L) {
  box *b = check(L);
  int64_t offset = dm_engine_committable(b->engine, check_partition(L, b));
  if (offset < 0) lua_pushnil(L);
  else lua_pushinteger(L, offset);
  return 1;
}

static int engine_flow (lua_State *L) {
  dm_flow flow;
  if (!dm_engine_flow(check(L)->engine, &flow)) return 0;
  lua_pushinteger(L, flow.partition);
  lua_pushboolean(L, flow.hold);
  return 2;
}

static int engine_held (lua_State *L) {
  box *b = check(L);
  lua_pushboolean(L, dm_engine_held(b->engine, check_partition(L, b)));
  return 1;
}

/* == Statistics == */

typedef struct figure {
  const char *name;
  int64_t value;
} figure;

static int push_figures (lua_State *L, const figure *figures, int n) {
  lua_createtable(L, 0, n);
  for (int i = 0; i < n; i++) {
    lua_pushinteger(L, figures[i].value);
    lua_setfield(L, -2, figures[i].name);
  }
  return 1;
}

/* A moment, or nothing. */
static void set_oldest (lua_State *L, int64_t oldest) {
  if (oldest == INT64_MAX) return;
  lua_pushinteger(L, oldest);
  lua_setfield(L, -2, "oldest");
}

static int engine_stats (lua_State *L) {
  dm_engine_totals t;
  dm_engine_stats(check(L)->engine, &t);
  const figure figures[] = {
    { "admitted", (int64_t)t.admitted }, { "acked", (int64_t)t.acked },
    { "dead", (int64_t)t.dead }, { "skipped", (int64_t)t.skipped },
    { "cancelled", (int64_t)t.cancelled }, { "retries", (int64_t)t.retries },
    { "in_flight", (int64_t)t.in_flight }, { "queued", (int64_t)t.queued },
    { "running", (int64_t)t.running }, { "done", (int64_t)t.done },
    { "bytes", (int64_t)t.bytes }, { "parked_keys", (int64_t)t.parked_keys },
    { "partitions", t.partitions }, { "held", t.held },
    { "held_admitted", t.held_admitted }, { "held_span", t.held_span },
    { "held_bytes", t.held_bytes },
  };
  push_figures(L, figures, (int)(sizeof figures / sizeof figures[0]));
  set_oldest(L, t.oldest);
  return 1;
}

static int engine_partition_stats (lua_State *L) {
  box *b = check(L);
  dm_partition_totals t;
  dm_engine_partition_stats(b->engine, check_partition(L, b), &t);
  const figure figures[] = { { "newest", t.newest }, { "in_flight", t.in_flight } };
  push_figures(L, figures, 2);
  if (t.lowest >= 0) {
    lua_pushinteger(L, t.lowest);
    lua_setfield(L, -2, "lowest");
  }
  set_oldest(L, t.oldest);
  return 1;
}

/* == Module == */

static const luaL_Reg methods[] = {
  { "admit", engine_admit },
  { "assign", engine_assign },
  { "close", engine_close },
  { "commit", engine_commit },
  { "committable", engine_committable },
  { "done", engine_done },
  { "drain", engine_drain },
  { "due", engine_due },
  { "flow", engine_flow },
  { "held", engine_held },
  { "idle", engine_idle },
  { "next", engine_next },
  { "partition_stats", engine_partition_stats },
  { "ready", engine_ready },
  { "recommit", engine_recommit },
  { "retry", engine_retry },
  { "revoke", engine_revoke },
  { "settle", engine_settle },
  { "stats", engine_stats },
  { "unrun", engine_unrun },
  { NULL, NULL }
};

static const luaL_Reg metamethods[] = {
  { "__close", engine_close },
  { "__gc", engine_close },
  { NULL, NULL }
};

static const luaL_Reg functions[] = {
  { "new", new },
  { NULL, NULL }
};

int luaopen_docmsg_engine (lua_State *L) {
  luaL_checkversion(L);
  dm_entry_open(L);
  dm_metatable_new(L, ENGINE_TYPE);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}
