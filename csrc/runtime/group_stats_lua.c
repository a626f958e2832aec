/* SPDX-License-Identifier: MIT */
#include "runtime/group_stats_lua.h"

#include <lauxlib.h>

#include "kafka/clock.h"

static const char *const states[] = { "joining", "running", "draining", "ended", "failed" };

static void set (lua_State *L, const char *name, uint64_t value) {
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, name);
}

static void set_holds (lua_State *L, const dm_engine_totals *e) {
  lua_createtable(L, 0, 3);
  set(L, "records", (uint64_t)e->held_admitted);
  set(L, "span", (uint64_t)e->held_span);
  set(L, "bytes", (uint64_t)e->held_bytes);
  lua_setfield(L, -2, "holds");
}

static void set_engine (lua_State *L, const dm_engine_totals *e) {
  set(L, "admitted", e->admitted);
  set(L, "acked", e->acked);
  set(L, "dead", e->dead);
  set(L, "skipped", e->skipped);
  set(L, "cancelled", e->cancelled);
  set(L, "in_flight", e->in_flight);
  set(L, "bytes", e->bytes);
  set(L, "parked_keys", e->parked_keys);
  set(L, "partitions", (uint64_t)e->partitions);
  set(L, "held", (uint64_t)e->held);
  set_holds(L, e);
  if (e->oldest == INT64_MAX) return;
  set(L, "oldest_ms", (uint64_t)(dm_clock_ms() - e->oldest));
}

static void set_reasons (lua_State *L, const uint64_t *dead) {
  lua_createtable(L, 0, DM_REASONS);
  for (int i = 0; i < DM_REASONS; i++) set(L, dm_reasons[i], dead[i]);
  lua_setfield(L, -2, "reasons");
}

static void set_rebalances (lua_State *L, const dm_group_stats *stats) {
  lua_createtable(L, 0, 3);
  set(L, "assign", stats->assigns);
  set(L, "revoke", stats->revokes);
  set(L, "lost", stats->losses);
  lua_setfield(L, -2, "rebalances");
}

/* lanes = { {busy_ms}, ... }, and how many of them are stuck */
static void set_lanes (lua_State *L, const dm_group *group) {
  int count = dm_group_lanes(group), stuck = 0;
  lua_createtable(L, count, 0);
  for (int i = 0; i < count; i++) {
    dm_group_pulse pulse = dm_group_pulse_of(group, i);
    lua_createtable(L, 0, 1);
    set(L, "busy_ms", (uint64_t)pulse.busy_ms);
    lua_rawseti(L, -2, i + 1);
    stuck += pulse.stuck;
  }
  lua_setfield(L, -2, "lanes");
  set(L, "stuck", (uint64_t)stuck);
}

void dm_group_stats_push (lua_State *L, dm_group *group) {
  dm_group_stats now, *stats = &now;
  dm_group_stats_get(group, stats);
  lua_createtable(L, 0, 24);
  lua_pushstring(L, states[stats->state]);
  lua_setfield(L, -2, "state");
  set_engine(L, &stats->engine);
  set(L, "retries", stats->retries);
  set_reasons(L, stats->dead);
  set(L, "dead_failures", stats->dead_failures);
  set(L, "commits", stats->commits);
  set(L, "commit_failures", stats->commit_failures);
  set(L, "rewinds", stats->rewinds);
  set_rebalances(L, stats);
  lua_pushinteger(L, stats->unaccounted);
  lua_setfield(L, -2, "unaccounted");
  if (stats->lag >= 0) set(L, "lag", (uint64_t)stats->lag);
  if (stats->polled_ms > 0) set(L, "polled_ms", (uint64_t)(dm_clock_ms() - stats->polled_ms));
  if (stats->left_ms > 0) set(L, "left_ms", (uint64_t)(dm_clock_ms() - stats->left_ms));
  set_lanes(L, group);
}
