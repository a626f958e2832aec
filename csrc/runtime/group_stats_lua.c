/* SPDX-License-Identifier: MIT */
#include "runtime/group_stats_lua.h"

#include <lauxlib.h>

#include "base/field.h"
#include "kafka/clock.h"

static const char *const states[] = { "joining", "running", "draining", "ended", "failed" };

static void set_holds (lua_State *L, const dm_engine_totals *e) {
  lua_createtable(L, 0, 3);
  dm_field_count(L, "records", (uint64_t)e->held_admitted);
  dm_field_count(L, "span", (uint64_t)e->held_span);
  dm_field_count(L, "bytes", (uint64_t)e->held_bytes);
  lua_setfield(L, -2, "holds");
}

static void set_engine (lua_State *L, const dm_engine_totals *e) {
  dm_field_count(L, "admitted", e->admitted);
  dm_field_count(L, "acked", e->acked);
  dm_field_count(L, "dead", e->dead);
  dm_field_count(L, "skipped", e->skipped);
  dm_field_count(L, "cancelled", e->cancelled);
  dm_field_count(L, "in_flight", e->in_flight);
  dm_field_count(L, "bytes", e->bytes);
  dm_field_count(L, "parked_keys", e->parked_keys);
  dm_field_count(L, "partitions", (uint64_t)e->partitions);
  dm_field_count(L, "held", (uint64_t)e->held);
  set_holds(L, e);
  if (e->oldest == INT64_MAX) return;
  dm_field_count(L, "oldest_ms", (uint64_t)(dm_clock_ms() - e->oldest));
}

static void set_reasons (lua_State *L, const uint64_t *dead) {
  lua_createtable(L, 0, DM_REASONS);
  for (int i = 0; i < DM_REASONS; i++) dm_field_count(L, dm_reasons[i], dead[i]);
  lua_setfield(L, -2, "reasons");
}

static void set_rebalances (lua_State *L, const dm_group_stats *stats) {
  lua_createtable(L, 0, 3);
  dm_field_count(L, "assign", stats->assigns);
  dm_field_count(L, "revoke", stats->revokes);
  dm_field_count(L, "lost", stats->losses);
  lua_setfield(L, -2, "rebalances");
}

/* lanes = { {busy_ms}, ... }, and how many of them are stuck */
static void set_lanes (lua_State *L, const dm_group *group) {
  int count = dm_group_lanes(group), stuck = 0;
  lua_createtable(L, count, 0);
  for (int i = 0; i < count; i++) {
    dm_group_pulse pulse = dm_group_pulse_of(group, i);
    lua_createtable(L, 0, 1);
    dm_field_count(L, "busy_ms", (uint64_t)pulse.busy_ms);
    lua_rawseti(L, -2, i + 1);
    stuck += pulse.stuck;
  }
  lua_setfield(L, -2, "lanes");
  dm_field_count(L, "stuck", (uint64_t)stuck);
}

void dm_group_stats_push (lua_State *L, dm_group *group) {
  dm_group_stats now, *stats = &now;
  dm_group_stats_get(group, stats);
  lua_createtable(L, 0, 24);
  lua_pushstring(L, states[stats->state]);
  lua_setfield(L, -2, "state");
  set_engine(L, &stats->engine);
  dm_field_count(L, "retries", stats->retries);
  set_reasons(L, stats->dead);
  dm_field_count(L, "dead_failures", stats->dead_failures);
  dm_field_count(L, "commits", stats->commits);
  dm_field_count(L, "commit_failures", stats->commit_failures);
  dm_field_count(L, "rewinds", stats->rewinds);
  set_rebalances(L, stats);
  lua_pushinteger(L, stats->unaccounted);
  lua_setfield(L, -2, "unaccounted");
  if (stats->lag >= 0) dm_field_count(L, "lag", (uint64_t)stats->lag);
  if (stats->polled_ms > 0)
    dm_field_count(L, "polled_ms", (uint64_t)(dm_clock_ms() - stats->polled_ms));
  if (stats->left_ms > 0) dm_field_count(L, "left_ms", (uint64_t)(dm_clock_ms() - stats->left_ms));
  set_lanes(L, group);
}
